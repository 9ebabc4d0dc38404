"""What a delivery holds: one JSON value, one on each line, or one in a field of a form.

Decides how bytes become JSON values, within the bounds of a source: a body is one JSON value, or one on each line
(NDJSON); a form has its JSON in one field. A line that cannot be read is a problem of its own; its neighbours count.
Time is bounded by size and depth: everything here is linear in the bytes. Leaves compression to `unwrapping`, and what
the values mean to the sources.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from firedoor.alerts.source import AlertSource, Headers, check_media_type, header, media_type
from firedoor.alerts.unwrapping import MARK, unwrapped
from firedoor.core.json_types import Json
from firedoor.core.language.json_payload import read_json
from firedoor.core.problems import InvalidInput, Problem

FORM = "application/x-www-form-urlencoded"
MAXIMUM_LINES = 500
MAXIMUM_FORM_FIELDS = 64
Payload = Json | Problem


def read_payloads(source: AlertSource, body: bytes, headers: Headers, form_field: str = "payload") -> list[Payload]:
    """Return the JSON values of a body, and a Problem for each line that is none. Raises InvalidInput."""
    check_media_type(source, headers)
    body = unwrapped(body, header(headers, "content-encoding"), source.max_bytes)
    if media_type(headers) == FORM:
        body = _form_field(body, form_field)
    try:
        return [_json(source, body)]
    except InvalidInput as error:
        lines = [(number, line) for number, line in enumerate(body.splitlines(), 1) if line.strip()]
        if error.problems[0].code != "D104" or len(lines) < 2:
            raise
        read = [_line(source, number, line) for number, line in lines[: MAXIMUM_LINES + 1]]
        if all(isinstance(one, Problem) for one in read):
            raise  # it is no list of lines either: the place in the whole body says more
    if len(lines) > MAXIMUM_LINES:
        message = f"has more than {MAXIMUM_LINES} lines"
        raise InvalidInput(Problem(code="D116", field="(the body)", message=message, do="send fewer at once"))
    return read


def _json(source: AlertSource, body: bytes) -> Json:
    return read_json(body, maximum_bytes=source.max_bytes, maximum_depth=source.max_depth)


def _line(source: AlertSource, number: int, line: bytes) -> Payload:
    try:
        return _json(source, line)
    except InvalidInput as error:
        problem = error.problems[0]
        return problem.model_copy(update={"field": f"line {number}", "message": f"is not read: {problem.message}"})


def _form_field(body: bytes, name: str) -> bytes:
    """The JSON in a field of a form."""
    try:
        fields = dict(parse_qsl(body.decode("ascii"), max_num_fields=MAXIMUM_FORM_FIELDS))
    except (UnicodeDecodeError, ValueError):
        fields = {}
    if name not in fields:
        message, do = f"the form has no field {name}", "name the field with the JSON: form_field"
        raise InvalidInput(Problem(code="D104", field=name, message=message, do=do))
    return fields[name].encode("utf-8", "surrogatepass").removeprefix(MARK)
