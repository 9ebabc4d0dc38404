"""The page about step types, written from the types themselves: docs/reference/steps.md.

Decides how a type and its fields are described. `python -m firedoor.steps.reference`
prints the page; a test holds the committed page against it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from firedoor.core.playbook.step import Seconds, StepType
from firedoor.steps.registry import own_types

HEAD = """\
# Step types

This page is written from the step types themselves (`make docs`); a test holds it against them. The language around
them (order, `parallel`, `when`, `foreach`, `on_failure`, `background`, `use`) is on the page
[the playbook language](playbook-language.md).

Every step may also have `id`, `title`, `when`, `foreach`, `background` and `on_failure`. Unknown keys are refused.
"""


def reference() -> str:
    """The whole page."""
    kinds = dict(sorted(own_types().items()))
    listed = "".join(f"- [`{key}`](#{key}): {kind.summary}\n" for key, kind in kinds.items())
    return "\n".join([HEAD, listed, *(_section(kind) for kind in kinds.values())])


def _section(kind: StepType) -> str:
    text = (kind.options.__doc__ or "").strip().splitlines()[0]
    rows = "".join(_rows(kind))
    table = f"| field | meaning | form | without it |\n| --- | --- | --- | --- |\n{rows}"
    return f"## {kind.key}\n\n{kind.summary}\n\n```yaml\n{kind.example}\n```\n\n{text}\n\n{table}"


def _rows(kind: StepType) -> Iterator[str]:
    fields = {info.alias or name: info for name, info in kind.options.model_fields.items()}
    for name in sorted(fields, key=lambda name: name != kind.key):  # the field that names the type comes first
        info = fields[name]
        yield f"| `{name}` | {info.description or ''} | {_form(info)} | {_default(info)} |\n"


def _form(info: FieldInfo) -> str:
    form = _type(info)
    found = ((word, getattr(item, mark, None)) for item in info.metadata for mark, word in _BOUNDS)
    bounds = [f"{word} {value}" for word, value in found if value is not None]
    return f"{form}, {' and '.join(bounds)}" if bounds else form


_BOUNDS = (("ge", "at least"), ("le", "at most"), ("min_length", "at least"))
_PLAIN = {str: "text", bool: "true or false", int: "whole number"}
_ORIGINS: dict[object, str] = {tuple: "word, or list of words", dict: "mapping"}


def _type(info: FieldInfo) -> str:
    annotation, inner = info.annotation, get_args(info.annotation)
    if annotation == Seconds | None:
        return "duration, such as `30m`"
    choices = next((one for one in (annotation, *inner) if get_origin(one) is Literal), None)
    if choices is not None:
        return " or ".join(f"`{option}`" for option in get_args(choices))
    origin = get_origin(annotation)
    if origin in _ORIGINS:
        return _ORIGINS[origin]
    kinds = [_PLAIN[option] for option in (inner or [annotation]) if option in _PLAIN]
    return " or ".join(kinds) or "value"


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    if info.default_factory is not None:
        return "nothing"
    if info.default in (None, "", ()):
        return "nothing" if info.annotation is not bool else "no"
    return f"`{str(info.default).lower()}`" if not isinstance(info.default, str) else f"`{info.default}`"


if __name__ == "__main__":
    sys.stdout.write(reference())
