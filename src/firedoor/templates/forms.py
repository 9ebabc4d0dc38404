"""Forms of bodies that take reports, as data: one YAML file for each, and the schemas of our own for their files.

Decides that a form whose file cannot be read, or in which two fields have one title, ends the start with its name.
Leaves what a form is to `core.notices.forms`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from firedoor.core.language.yaml_source import problems_of, read_yaml
from firedoor.core.notices.forms import Form
from firedoor.core.problems import InvalidInput

FORMS = Path(__file__).parent / "forms"


@cache
def known_forms() -> Mapping[str, Form]:
    """Every form by its name. Raises InvalidInput for one that cannot be read."""
    return {path.stem: read_form(path) for path in sorted(FORMS.glob("*.yaml"))}


def read_form(path: Path) -> Form:
    """Read one form. Raises InvalidInput with every problem and its place."""
    source = read_yaml(path.read_bytes(), path.name)
    try:
        form = Form.model_validate(source.data)
    except ValidationError as error:
        raise InvalidInput(problems_of(error, source)) from None
    if form.form != path.stem or len(form.by_title) != len(form.fields):
        raise InvalidInput(source.problem(("form",), "G130", f"{path.name} has two fields of one title, or another id"))
    return form


def schema_of(form: Form) -> bytes:
    """The schema of our own for the file of a form; b"" where there is none."""
    path = FORMS / f"{form.form}.xsd"
    return path.read_bytes() if path.is_file() else b""
