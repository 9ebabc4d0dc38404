"""The file of a form, made from the text that was approved: XML checked against our schema, or JSON.

Decides that no file is made of a text that nobody approved or that does not fit, and that XML which our schema refuses
is not handed out. Leaves the form to `core.notices.forms` and its text to the notices.
"""

from __future__ import annotations

from firedoor.core.notices.form_files import as_json, as_xml
from firedoor.core.notices.forms import Form, faults, read_back
from firedoor.core.problems import InvalidInput, Problem, Refused
from firedoor.templates.forms import known_forms, schema_of

FILES = {"xml": "application/xml; charset=utf-8", "json": "application/json"}


def file_kind(template: str) -> str:
    """Of which kind the file of a form is; "" for a notice that is no form."""
    form = known_forms().get(template)
    return form.file if form else ""


def form_faults(template: str, text: str) -> list[str]:
    """What is wrong with a text as a form, in sentences; nothing for one that is no form."""
    form = known_forms().get(template)
    return faults(form, read_back(form, text)) if form else []


def form_file(template: str, text: str, kind: str, *, final: bool) -> bytes:
    """The bytes of the file. Raises InvalidInput for a notice without one, Refused for a text that may not leave."""
    form = known_forms().get(template)
    if form is None or form.file != kind:
        has = f"its file is {form.file}" if form else "it is no form"
        raise InvalidInput(Problem(code="G122", field="format", message=f"this notice has no {kind}: {has}"))
    if not final:
        do = "have the text approved first: the file is made from what was approved"
        raise Refused(Problem(code="G123", message="nobody has approved this text", do=do))
    values = read_back(form, text)
    if wrong := faults(form, values):
        raise Refused([Problem(code="G119", field="text", message=fault, do="edit the text") for fault in wrong[:40]])
    content = as_xml(form, values) if kind == "xml" else as_json(form, values)
    if kind == "xml":
        need_valid(form, content)
    return content


def need_valid(form: Form, content: bytes) -> None:
    """Raises Refused where our schema refuses the XML, InvalidInput where the library for it is missing."""
    try:
        from lxml import etree
    except ImportError:
        do = "install firedoor with its documents: pip install 'firedoor[documents]'"
        raise InvalidInput(Problem(code="G124", message="XML cannot be checked here", do=do)) from None
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    schema = etree.XMLSchema(etree.fromstring(schema_of(form), parser))
    if not schema.validate(etree.fromstring(content, parser)):
        said = [Problem(code="G125", field="text", message=str(one.message)[:300]) for one in schema.error_log]
        raise Refused(said[:20])
