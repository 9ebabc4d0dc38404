"""The page for people whose image is used: to ask for removal, and to see how a request stands.

Decides that it works without scripts, cookies and anything from elsewhere, in the person's language, that an answer is
an address of its own, and that what was typed wrong comes back with the words and is kept nowhere. Leaves what a
request may hold to `core.requests.submission`, and reading it to `takedown`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Annotated

import yaml
from fastapi import APIRouter, Depends, Query, Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from firedoor.core.notices.languages import instant
from firedoor.core.problems import FiredoorError, InvalidInput, Problem, Refused
from firedoor.core.requests.request import Outcome
from firedoor.core.requests.submission import LANGUAGES, Declaration, Standing, read
from firedoor.interfaces.web.http.responses import answer, plain
from firedoor.interfaces.web.public import takedown
from firedoor.interfaces.web.public.takedown import FORM, STATUS, Limits, form_of, read_form, shown, the_standing
from firedoor.interfaces.web.security.auth import Running
from firedoor.runtime.service.takedown_requests import Standing as Answered

router = APIRouter(tags=["takedown requests"], dependencies=[Depends(takedown.need_open_door)])

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "same-origin",  # with none at all browsers name no origin, and the form would be a stranger's
}
SCRIPT = "text/javascript; charset=utf-8"
STATIC = {"report.css": "text/css; charset=utf-8", "pdq.js": SCRIPT, "hash.js": SCRIPT}
TYPED = ("is", "age_under_18", "locators", "statement", "hashes", "contact", "signature")
AWAY = "https://www.wikipedia.org/"  # where the quick exit leads: a page that anybody may have open
LANGUAGE_NAMES = {"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español"}


@router.get("/report", summary="The page to ask for removal", include_in_schema=False)
async def page(request: Request, lang: str = "") -> Response:
    """A form; `lang` wins over what the browser asks for."""
    return _form_page(_language(request, lang), {}, ())


@router.post("/report", summary="Ask for removal by the form", include_in_schema=False)
async def send(request: Request, runtime: Running, limits: Limits) -> Response:
    """Leads to the status page; what is wrong is said beside what was typed."""
    given = await form_of(request)
    language = _language(request, given.get("language", [""])[0])
    try:
        limits.admit(takedown.address_of(request))
        receipt = await runtime.takedowns.receive(read_form(given))
    except FiredoorError as error:
        return _form_page(language, given, error.problems, error.http_status)
    return RedirectResponse(f"{STATUS}{receipt.secret}?new=yes&lang={language}", 303, HEADERS)


@router.get(f"{STATUS}{{secret}}", summary="How a request stands", include_in_schema=False)
async def status(
    request: Request, runtime: Running, secret: str,
    lang: str = "", new: Annotated[str, Query(max_length=10)] = "",
) -> Response:  # fmt: skip
    """As a page, or as JSON to a program. Everything about nobody's request looks the same."""
    try:
        found = await the_standing(runtime, secret)
    except FiredoorError as error:
        if _wants_json(request):
            raise
        return _render("unknown.html.j2", _language(request, lang), error.http_status)
    if _wants_json(request):
        return answer(shown(found), 200, {"Referrer-Policy": "no-referrer"})
    language = _language(request, lang or found.kept.language)
    where = f"{takedown.origin(runtime, request)}{STATUS}{secret}"
    return _status_page(language, shown(found, language), where, new=bool(new))


@router.post(f"{STATUS}{{secret}}", summary="Add to a request, or disagree with its answer", include_in_schema=False)
async def add(request: Request, runtime: Running, secret: str, limits: Limits) -> Response:
    """`do=add` with places, words and declarations; `do=dispute` with words."""
    limits.admit(takedown.address_of(request))
    found = await the_standing(runtime, secret)
    given = await form_of(request)
    language = _language(request, given.get("lang", [found.kept.language])[0])
    what = {name: values[0].strip() for name, values in given.items()}
    where = f"{takedown.origin(runtime, request)}{STATUS}{secret}"
    try:
        if not found.told:
            raise InvalidInput(Problem(code="Q115", message="the request is still being taken in", do="wait a minute"))
        if what.get("do") == "dispute":
            _need_refusal(found)
            await runtime.takedowns.dispute(found.kept, _said_why(what))
        else:
            said = read_form({**given, "is": ["me"]}, further=True)
            await runtime.takedowns.add(found.kept, said, f"Added by the status page. {said.statement}".strip())
    except FiredoorError as error:
        return _status_page(language, shown(found, language), where, problems=error.problems, status=error.http_status)
    return RedirectResponse(f"{STATUS}{secret}?lang={language}", 303, HEADERS)


@router.get("/report/static/{version}/{name}", summary="Style and script of the page", include_in_schema=False)
async def static(version: str, name: str) -> Response:  # noqa: ARG001 - part of the address, so that it can be kept long
    """The version is a digest of the files, so a browser may keep them for ever."""
    if name not in STATIC or not _exists(name):
        return plain(404)
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Cross-Origin-Resource-Policy": "same-origin"}
    return Response(_static(name), media_type=STATIC[name], headers=headers)


def _need_refusal(found: Answered) -> None:
    if found.told["status"] != Outcome.REFUSED:
        message = "only an answer that refuses can be disputed"
        raise Refused(Problem(code="Q117", message=message, do="add to the request instead"))


def _said_why(what: Mapping[str, str]) -> str:
    if not what.get("statement"):
        raise InvalidInput(Problem(code="D110", field="statement", message="is missing", do="say why in a few words"))
    # Read as a submission is, for the same bounds and the same look at what a text may hide.
    return read({"person": {"is": "me"}, "statement": what["statement"]}).statement


def _form_page(
    language: str, given: Mapping[str, Sequence[str]], problems: Sequence[Problem], code: int = 200
) -> Response:
    first = {name: (given.get(name) or ("",))[0] for name in TYPED}
    return _render(
        "form.html.j2", language, code, given=first, ticked=set(given.get("declares", ())), problems=problems,
        standings=list(Standing), declarations=list(Declaration), form=FORM,
    )  # fmt: skip


def _status_page(
    language: str, told: Mapping[str, object], where: str, *, new: bool = False, problems: Sequence[Problem] = (),
    status: int = 200,
) -> Response:  # fmt: skip
    when = {name: _when(told[name], language) for name in ("received_at", "due")}
    copies = told.get("copies")
    when["looked_at"] = _when(copies.get("looked_at"), language) if isinstance(copies, Mapping) else ""
    closing = told["answer"]
    answered = {**closing, "at": _when(closing.get("at"), language)} if isinstance(closing, Mapping) else None
    return _render(
        "status.html.j2", language, status, told=told, when=when, answered=answered, where=where, new=new,
        problems=problems, declarations=list(Declaration),
    )  # fmt: skip


def _when(at: object, language: str) -> str:
    return instant(datetime.fromisoformat(at).astimezone(UTC), language) if isinstance(at, str) else ""


def _render(template: str, language: str, code: int, **context: object) -> Response:
    known = {
        "w": words(language), "language": language, "languages": LANGUAGE_NAMES, "version": _digest(), "away": AWAY,
        "script": _exists("hash.js"), "problems": (),
    }  # fmt: skip
    return HTMLResponse(_environment().get_template(template).render({**known, **context}), code, HEADERS)


def _language(request: Request, asked: str) -> str:
    if asked in LANGUAGES:
        return asked
    parts = request.headers.get("accept-language", "")[:200].split(",")
    wanted = [part.partition(";")[0].strip().lower()[:2] for part in parts]
    return next((one for one in wanted if one in LANGUAGES), "en")


def _wants_json(request: Request) -> bool:
    return "text/html" not in request.headers.get("accept", "")


@cache
def words(language: str) -> Mapping[str, str]:
    """The words of the page in a language: one file each."""
    text = (files("firedoor") / "templates" / "report" / "words" / f"{language}.yaml").read_text(encoding="utf-8")
    read_in: Mapping[str, str] = yaml.safe_load(text)
    return read_in


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("firedoor", "templates/report"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


@cache
def _exists(name: str) -> bool:
    return (files("firedoor") / "templates" / "report" / "static" / name).is_file()


@cache
def _static(name: str) -> bytes:
    return (files("firedoor") / "templates" / "report" / "static" / name).read_bytes()


@cache
def _digest() -> str:
    return sha256(b"".join(_static(name) for name in STATIC if _exists(name))).hexdigest()[:12]
