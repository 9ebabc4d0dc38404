"""The page for people whose image is used, to ask for its removal.

Decides that it works without scripts, cookies and anything from elsewhere, that an answer is an address of its own,
that a double press sends once, and that what was typed wrong comes back with the words and is kept nowhere. Leaves what
a request may hold to `core.requests.submission`, reading it to `takedown`, and how it goes on to `status`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from secrets import token_bytes

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from firedoor.core.problems import FiredoorError, Problem
from firedoor.core.requests import proof as proofs
from firedoor.core.requests.proof import Proof
from firedoor.core.requests.submission import Declaration, Standing
from firedoor.interfaces.web.http.responses import plain
from firedoor.interfaces.web.public import takedown
from firedoor.interfaces.web.public.door_limits import DoorLimits, NeedsProof
from firedoor.interfaces.web.public.pages import HEADERS, STATIC, language_of, render, static_file
from firedoor.interfaces.web.public.takedown import FORM, STATUS, Limits, form_of, read_form
from firedoor.interfaces.web.security.auth import Running
from firedoor.store.identity.takedown_requests import LONGEST_KEY, SHORTEST_KEY

router = APIRouter(tags=["takedown requests"], dependencies=[Depends(takedown.need_open_door)])

TYPED = ("is", "age_under_18", "locators", "statement", "hashes", "contact", "signature")
SENT_BEFORE = "Q120"  # the code of other words under the same key


@dataclass(frozen=True, slots=True)
class _Form:
    """What the form shows besides what was typed: its token, and whether a proof is asked for."""

    once: str
    bits: int = 0
    wait: int = 0


@router.get("/report", summary="The page to ask for removal", include_in_schema=False)
async def page(request: Request, runtime: Running, limits: Limits, lang: str = "") -> Response:
    """A form; `lang` wins over what the browser asks for."""
    form = _Form(_token(await runtime.takedowns.proof_key(), runtime), _bits(limits))
    return _page(language_of(request, lang), {}, (), form)


@router.post("/report", summary="Ask for removal by the form", include_in_schema=False)
async def send(request: Request, runtime: Running, limits: Limits) -> Response:
    """Leads to the status page; what is wrong is said beside what was typed. Sent twice it is one request."""
    given = await form_of(request)
    language = language_of(request, given.get("language", [""])[0])
    key, now = await runtime.takedowns.proof_key(), runtime.world.now()
    once = _once(given)
    proof = Proof(once, given.get("number", [""])[0].strip())
    try:
        limits.admit(takedown.address_of(request), proofs.shown(key, proof, now), once, once)
        receipt = await runtime.takedowns.receive(read_form(given), once)
    except FiredoorError as error:
        known = error.problems[0].code != SENT_BEFORE and proofs.known(key, once, now)
        token = once if known else _token(key, runtime)
        wait = proofs.left(key, token, now) if isinstance(error, NeedsProof) else 0
        return _page(language, given, error.problems, _Form(token, _bits(limits), wait), error.http_status)
    return RedirectResponse(f"{STATUS}{receipt.secret}?new=yes&lang={language}", 303, HEADERS)


@router.get("/report/static/{version}/{name}", summary="Style and script of the page", include_in_schema=False)
async def static(version: str, name: str) -> Response:  # noqa: ARG001 - part of the address, so that it can be kept long
    """The version is a digest of the files, so a browser may keep them for ever."""
    if name not in STATIC:
        return plain(404)
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Cross-Origin-Resource-Policy": "same-origin"}
    return Response(static_file(name), media_type=STATIC[name], headers=headers)


def _once(given: Mapping[str, Sequence[str]]) -> str:
    """The token of the form, or a platform's own key in its place; "" for one that could be guessed."""
    sent = (given.get("once") or [""])[0].strip()
    return sent if SHORTEST_KEY <= len(sent) <= LONGEST_KEY and sent.isascii() and sent.isprintable() else ""


def _token(key: bytes, runtime: Running) -> str:
    return proofs.new_token(key, runtime.world.now(), token_bytes(proofs.RANDOM))


def _bits(limits: DoorLimits) -> int:
    return proofs.BITS if limits.busy() else 0


def _page(
    language: str, given: Mapping[str, Sequence[str]], problems: Sequence[Problem], form: _Form, code: int = 200
) -> Response:
    first = {name: (given.get(name) or ("",))[0] for name in TYPED}
    return render(
        "form.html.j2", language, code, {"Retry-After": str(form.wait)} if form.wait else None, given=first,
        ticked=set(given.get("declares", ())), problems=problems, standings=list(Standing),
        declarations=list(Declaration), form=FORM, once=form.once, bits=form.bits, wait=form.wait,
    )  # fmt: skip
