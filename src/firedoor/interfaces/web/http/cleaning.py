"""What comes in over HTTP, read strictly and cleaned before any route sees it: paths, queries, forms and JSON.

Decides that JSON is read within the bounds of `core.payload`, that every text in a query, a form or a body passes
`core.text`, which names keep their lines, and that a password stays as it was typed. Bytes that are not ours to change
(a delivery of alerts, a piece of evidence, a form with a file, a request that Slack signed) pass as they are; whoever
reads those cleans what they read. It is plain ASGI, inside the guard, which bounds the body.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qsl, urlencode

import orjson
from fastapi import Path, Query
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from firedoor.core.language.json_payload import read_json
from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.text import clean_text, clean_value
from firedoor.interfaces.web.http.fields import SECRET, clean_field, keeps_lines
from firedoor.interfaces.web.http.limits import API, MAXIMUM_BODY, is_raw, takes_forms
from firedoor.interfaces.web.http.problem_pages import plain_to
from firedoor.interfaces.web.http.responses import JSON, refusal

FORM = "application/x-www-form-urlencoded"
SIGNED = "/slack/"  # a signature over the bytes as they came
MAXIMUM_DEPTH = 32
MAXIMUM_WHOLE = 2**63 - 1  # what a database and every reader of JSON can hold
MAXIMUM_PARAMETERS = 1000  # as many as Starlette reads of a form

Row = Annotated[int, Path(ge=0, le=MAXIMUM_WHOLE)]  # the number of something, in an address
Number = Annotated[int, Query(ge=0, le=MAXIMUM_WHOLE)]  # and in a query


class Cleaning:
    """Wraps an ASGI application."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, cleaned, or answer what is wrong with it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            scope, receive = await _cleaned(scope, receive)
        except InvalidInput as error:
            await refusal([_in_the_body(problem) for problem in error.problems], 422)(scope, receive, send)
        except HTTPException as error:
            await plain_to(Request(scope), error.status_code, error.headers)(scope, receive, send)
        except ClientDisconnect:
            return
        else:
            await self.app(scope, receive, send)


async def _cleaned(scope: Scope, receive: Receive) -> tuple[Scope, Receive]:
    path: str = scope["path"]
    if _is_ugly(path):
        raise HTTPException(400)
    scope = {**scope, "query_string": _query(scope["query_string"])}
    kind = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
    if path.startswith(API) and kind == JSON and not is_raw(path):
        body = await _whole(receive)
        return scope, _replayed(_json(body) if body.strip() else body, receive)
    if kind == FORM and (takes_forms(path) or not path.startswith((API, SIGNED))):
        return scope, _replayed(_form(await _whole(receive)), receive)
    return scope, receive


def _is_ugly(path: str) -> bool:
    try:
        return clean_text(path, lines=True) != path and not path.isprintable()
    except InvalidInput:
        return True


def _query(raw: bytes) -> bytes:
    """The query with every value cleaned; as it came where nothing had to be."""
    try:
        given = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAXIMUM_PARAMETERS)
        cleaned = [(name, clean_text(value)) for name, value in given]
    except (ValueError, InvalidInput):
        raise HTTPException(400) from None
    return raw if cleaned == given else urlencode(cleaned).encode()


def _form(body: bytes) -> bytes:
    """The same for a form. One that has too many fields is refused by whoever reads it, in words."""
    try:
        given = parse_qsl(body.decode(), keep_blank_values=True, errors="replace", max_num_fields=MAXIMUM_PARAMETERS)
    except UnicodeDecodeError:
        raise HTTPException(400) from None
    except ValueError:
        return body
    cleaned = [(clean_text(name), clean_field(name, value)) for name, value in given]
    return body if cleaned == given else urlencode(cleaned).encode()


def _json(body: bytes) -> bytes:
    value = read_json(
        body, maximum_bytes=MAXIMUM_BODY, maximum_depth=MAXIMUM_DEPTH, maximum_whole=MAXIMUM_WHOLE
    )  # fmt: skip
    password = value.get(SECRET) if isinstance(value, dict) else None
    cleaned = clean_value(value, keeps_lines)
    if isinstance(cleaned, dict) and password is not None:
        cleaned[SECRET] = password
    return body if cleaned == value else orjson.dumps(cleaned)


def _in_the_body(problem: Problem) -> Problem:
    """The problem in the words of the API, whose bodies are not those of a source."""
    if problem.code in ("D103", "D104"):
        return Problem(code="W120", message=problem.message, do="send one JSON object, in UTF-8", field="body")
    return problem


async def _whole(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
