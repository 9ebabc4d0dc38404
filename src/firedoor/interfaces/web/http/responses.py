"""Answers: JSON as bytes, and the one shape of every error.

Decides how a problem looks over HTTP (`{"problems": [{code, message, do, field, place}]}`)
and which status it has. Nothing that goes wrong shows a traceback. Leaves what went
wrong to whoever raised it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import orjson
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import Response

from firedoor.core.language.validation import Fault, faults_of
from firedoor.core.problems import FiredoorError, Problem

JSON = "application/json"
LOGIN = {"WWW-Authenticate": 'Bearer realm="firedoor"'}

# What a status says when nobody has said anything better. W1xx are the web's own problems.
PLAIN: Mapping[int, tuple[str, str, str]] = {
    400: ("W100", "the request cannot be read", "see docs/reference/api.md"),
    404: ("W104", "there is nothing at this address", "the addresses are listed in /openapi.json"),
    405: ("W105", "this method is not allowed at this address", "the methods are listed in /openapi.json"),
    413: ("W113", "the body is too large", "send less at once"),
    415: ("W115", "the content type of the body is not supported", "send it as application/json"),
    408: ("W121", "the request took too long to arrive", "send it again, without pauses"),
    503: ("W153", "too many event streams are open", "try again later, or poll /incidents"),
}


class Unauthenticated(FiredoorError):
    """Nobody known is asking."""

    exit_code = 3
    http_status = 401


class Unsupported(FiredoorError):
    """The body has a media type that is not read here."""

    http_status = 415


class TooLarge(FiredoorError):
    """The body is larger than what is read here; the rest of it was not read."""

    http_status = 413


def answer(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON response."""
    return Response(orjson.dumps(content), status, dict(headers or {}), JSON)


def problem_body(problems: Iterable[Problem]) -> dict[str, list[dict[str, object]]]:
    """Return the body of an error."""
    return {"problems": [_shown(problem) for problem in problems]}


def refusal(problems: Sequence[Problem], status: int) -> Response:
    """Return an error response; an unknown caller is told how to say who is calling."""
    return answer(problem_body(problems), status, LOGIN if status == 401 else None)


def plain(status: int, message: str = "", headers: Mapping[str, str] | None = None) -> Response:
    """Return the error response of a bare status."""
    code, usual, do = PLAIN.get(status, ("W199", "the request was refused", "see docs/reference/api.md"))
    body = problem_body([Problem(code=code, message=message or usual, do=do)])
    return answer(body, status, headers)


def invalid(request: Request, error: RequestValidationError) -> list[Problem]:
    """Every fault of a body or a parameter, each with its field; no value is repeated but a short word of a list."""
    body = getattr(request.scope.get("route"), "body_field", None)
    form = body.field_info.annotation if body is not None else None
    return [_problem(fault) for fault in faults_of(error.errors(), form)[:50]]


def _problem(fault: Fault) -> Problem:
    kind = "body" if fault.path[:1] == ("body",) else "parameter"
    if fault.kind == "json_invalid":
        return Problem(code="W120", message="the body is not JSON", do="send one JSON object", field=kind)
    do = fault.do or "see /openapi.json for what is expected"
    return Problem(code="W122", message=fault.message[:300], do=do, field=".".join(map(str, fault.path[1:])) or kind)


def _shown(problem: Problem) -> dict[str, object]:
    place = problem.place
    return {
        "code": problem.code, "message": problem.message, "do": problem.do, "field": problem.field,
        "place": {"file": place.file, "line": place.line, "column": place.column} if place else None,
        **({"severity": "warning"} if problem.severity == "warning" else {}),
    }  # fmt: skip
