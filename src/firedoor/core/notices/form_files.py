"""A form as a file that its body reads: XML in the order of its schema, or JSON.

Decides that a file is made from values that fit, that an element stands under the path of its field, and that what is
not known is left out. Leaves checking against a schema to the runtime, and approval to `versions`.
"""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

from firedoor.core.json_types import Json, JsonObject
from firedoor.core.notices.forms import Field, Form, Values

XSI = "http://www.w3.org/2001/XMLSchema-instance"
_CONTROL = dict.fromkeys(range(32), " ")


def as_xml(form: Form, values: Values) -> bytes:
    """The form as XML (UTF-8). Elements stand in the order of the form's fields, which is that of the schema."""
    root = ET.Element(form.root)
    for one in form.fields:
        if not one.id.startswith("_"):
            for value in values.get(one.id, ()):
                _put(root, one, value)
    ET.indent(root)
    body = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'.encode()


def _put(root: ET.Element, one: Field, value: str) -> None:
    """Add a value under its path: the elements on the way are there once, the last one for each value."""
    *way, last = one.id.split("/")
    at = root
    for name in way:
        found = at.find(name)
        at = ET.SubElement(at, name) if found is None else found
    if one.kind == "yes_no":
        value = "true" if value.casefold() == "yes" else "false"
    ET.SubElement(at, last).text = value.translate(_CONTROL)


def as_json(form: Form, values: Values) -> bytes:
    """The form as JSON: the body's own names where it publishes them, else the form with its source and values."""
    fields: JsonObject = {
        one.id: _json(one, values[one.id]) for one in form.fields if one.id in values and not one.id.startswith("_")
    }
    about: JsonObject = {
        "form": form.form, "to": form.to, "source": form.source, "read_on": form.read_on.isoformat(),
        "reconstructed": form.reconstructed or None, "fields": fields,
    }  # fmt: skip
    return json.dumps(fields if form.flat else about, ensure_ascii=False, indent=2).encode() + b"\n"


def _json(one: Field, given: tuple[str, ...]) -> Json:
    return list(given) if one.repeats else given[0]
