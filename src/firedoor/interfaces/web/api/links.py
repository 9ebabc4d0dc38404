"""The page behind a link that answers one task: what would be answered, and the answer.

Decides that looking changes nothing (programs that preview links look too) and only a
form that is sent answers. The page loads nothing, shows no sealed fact and no more of the
incident than its task. Leaves whether a link still counts to `runtime.links`.
"""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from firedoor.core.problems import FiredoorError, InvalidInput, Problem
from firedoor.core.tasks.sending import HINTS
from firedoor.interfaces.web.security.auth import Running
from firedoor.runtime.service.answer_links import Offer

router = APIRouter(tags=["tasks"])

POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
FIELD = "field."
MAXIMUM_FIELDS = 50


@router.get("/answer/{token}", summary="What a link would answer", response_class=HTMLResponse)
async def look(token: str, runtime: Running) -> Response:
    """A page with a form. Nothing is changed and nothing used up."""
    try:
        offer = await runtime.service.read_link(token)
    except FiredoorError as error:
        return _refused(error)
    return _page(f"Task {offer.task['name']} of {offer.incident}", _form(offer))


@router.post("/answer/{token}", summary="Answer by a link, once", response_class=HTMLResponse)
async def use(token: str, request: Request, runtime: Running) -> Response:
    """The form: `choice`, `why` and a `field.NAME` for whatever the choice requires."""
    try:
        given = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=MAXIMUM_FIELDS)
    except ValueError:
        return _refused(InvalidInput(Problem(code="W114", message=f"more than {MAXIMUM_FIELDS} fields came in")))
    words = {name: values[0] for name, values in given.items()}
    fields = {name.removeprefix(FIELD): word for name, word in words.items() if name.startswith(FIELD)}
    try:
        offer = await runtime.service.use_link(token, words.get("choice", ""), words.get("why", ""), fields)
    except FiredoorError as error:
        return _refused(error)
    said = f"<p>{escape(offer.person)} as {escape(offer.role)} answered. It stands in the journal, with the link.</p>"
    return _page("Answered", said)


def _form(offer: Offer) -> str:
    task = offer.task
    choices = [c for c in task["choices"] if offer.choice in (None, c["choice"])]
    required = dict.fromkeys(name for choice in choices for name in choice["requires"])
    needs = "".join(map(_input, required))
    return (
        f"<p><strong>{escape(str(task['question']))}</strong></p>"
        f"<p>You answer as {escape(offer.person)}, {escape(offer.role)}; {escape(offer.made_by)} sent you the link. "
        f"Due {escape(str(task['due_at']))}. "
        f"This link answers once and expires at {offer.expires_at.isoformat()}.</p>"
        f'<form method="post">{"".join(map(_choice, choices))}{needs}'
        '<p><label>Why <input name="why" required></label></p><p><button>Answer</button></p></form>'
    )


def _input(name: str) -> str:
    hint = f" ({HINTS[name]})" if name in HINTS else ""
    return f'<p><label>{escape(name)}{escape(hint)} <input name="{FIELD}{escape(name)}"></label></p>'


def _choice(choice: dict[str, object]) -> str:
    words = f"<strong>{escape(str(choice['label']))}</strong> {escape(str(choice['consequence']))}"
    value = escape(str(choice["choice"]))
    return f'<p><label><input type="radio" name="choice" value="{value}" required> {words}</label></p>'


def _refused(error: FiredoorError) -> Response:
    said = "".join(f"<p>{escape(p.message)} [{escape(p.code)}]. {escape(p.do)}</p>" for p in error.problems)
    return _page("Not answered", said, error.http_status)


def _page(title: str, content: str, status: int = 200) -> Response:
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
    view = '<meta name="viewport" content="width=device-width">'
    page = f"{head}{view}<h1>{escape(title)}</h1>{content}</html>"
    return HTMLResponse(page, status, {"Content-Security-Policy": POLICY})
