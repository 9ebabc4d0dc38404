"""What went wrong, to whoever asked: a page to a person with a browser, JSON to a program.

Decides who is taken for a person, that nobody who has to sign in first loses what they typed, and that whoever is not
signed in goes to sign in. Leaves the words of a problem to whoever raised it, and its JSON to `responses`.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from firedoor.core.problems import FiredoorError, Problem
from firedoor.interfaces.web.http.form_recovery import unsent
from firedoor.interfaces.web.http.pages import page
from firedoor.interfaces.web.http.responses import PLAIN, Unauthenticated, invalid, plain, refusal
from firedoor.interfaces.web.http.session import NOT_OURS, to_sign_in, way_here

# What a person with a browser is told to do instead of what a program is told.
FOR_PEOPLE: Mapping[int, str] = {
    400: "reload the page and send it again", 404: "go back, or start from the overview",
    405: "go back and use the buttons on the page", 413: "nothing was saved; go back and send something smaller",
}  # fmt: skip


def wants_page(request: Request) -> bool:
    """Whether a person with a browser asks, and not a program."""
    is_program = request.url.path.startswith("/api/") or "authorization" in request.headers
    return not is_program and "text/html" in request.headers.get("accept", "")


def plain_to(request: Request, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with a bare status: as a page to a person with a browser, else as everywhere."""
    if not wants_page(request):
        return plain(status, headers=headers)
    code, usual, do = PLAIN.get(status, ("W199", "the request was refused", ""))
    problem = Problem(code=code, message=usual, do=FOR_PEOPLE.get(status, do))
    shown = page(request, "problem.html.j2", status, problems=(problem,))
    shown.headers.update(headers or {})
    return shown


async def on_problem(request: Request, error: Exception) -> Response:
    """Answer with the problems of our own errors; a person who is not signed in goes to sign in."""
    assert isinstance(error, FiredoorError)  # noqa: S101 - registered for these only
    shown = await _shown_to(request, error)
    if seconds := getattr(error, "seconds", None):
        shown.headers["Retry-After"] = str(int(seconds))
    return shown


async def _shown_to(request: Request, error: FiredoorError) -> Response:
    if not wants_page(request):
        return refusal(error.problems, error.http_status)
    if isinstance(error, Unauthenticated) or error.problems[0].code == NOT_OURS:
        words = await unsent(request)
        if words:
            known = {"words": words, "back": way_here(request), "problems": error.problems}
            return page(request, "unsent.html.j2", error.http_status, **known)
    if isinstance(error, Unauthenticated):
        return to_sign_in(request)
    return page(request, "problem.html.j2", error.http_status, problems=error.problems)


async def on_invalid(request: Request, error: Exception) -> Response:
    """Answer with every fault of a body or a parameter."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for these only
    found = invalid(request, error)
    return page(request, "problem.html.j2", 422, problems=found) if wants_page(request) else refusal(found, 422)


async def on_status(request: Request, error: Exception) -> Response:
    """Answer with the shape of a problem where the framework only has a status."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for these only
    return plain_to(request, error.status_code, error.headers)
