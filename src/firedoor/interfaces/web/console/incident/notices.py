"""The pages of notices: the list for an incident, and one notice to read, edit, approve, export and prove.

Decides that the text is read before it is approved (its digest travels with the form), that what is missing stands out,
and that a receipt can be handed in here. Leaves versions to `core.correspondence`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from firedoor.core.journal import Body
from firedoor.core.notices import versions
from firedoor.core.notices.markdown import blocks
from firedoor.core.notices.standing import standing
from firedoor.core.problems import FiredoorError, InvalidInput, Problem
from firedoor.core.tasks.answers import Person
from firedoor.core.translations import TRANSLATIONS
from firedoor.interfaces.web.api.notices import is_text, read_notice
from firedoor.interfaces.web.console import forms
from firedoor.interfaces.web.http.pages import page
from firedoor.interfaces.web.reading.cache import Glance, glance
from firedoor.interfaces.web.security.auth import Asking, Caller, Running
from firedoor.runtime.documents.form_file import file_kind
from firedoor.runtime.execution.evidence_requests import take_in
from firedoor.runtime.process.application import Runtime
from firedoor.runtime.service.notices import Notice, Sending, notices

router = APIRouter(tags=["console"], include_in_schema=False)
LIST = "/incidents/{incident}/notices"
ONE = "/incidents/{incident}/notices/{clock:path}"
WORDED = (versions.EDITED, versions.APPROVED)
NAMES = {
    versions.EDITED: "edited", versions.APPROVED: "approved", versions.SENT: "as sent",
    versions.RECEIPT: "receipt",
}  # fmt: skip
LANGUAGES = {code: one.own for code, one in TRANSLATIONS.items()}


@router.get(LIST, summary="The notices of an incident")
async def list_page(request: Request, incident: str, runtime: Running, caller: Asking) -> Response:
    """One for each clock, and the holding statement; what each lacks and where it stands."""
    found = await glance(runtime, incident, caller)
    made = await asyncio.to_thread(notices, runtime.world, found.view, found.plan)
    shown = [one.as_json() for one in made]
    if found.holds_sealed:
        shown = [{**one, "missing": [], "state": one["state"]} for one in shown]
    context = {"incident": incident, "title": found.show(found.view.title), "notices": found.show(shown)}
    return page(
        request, "notices.html.j2", caller=caller, now=runtime.world.now(), sealed=found.holds_sealed,
        languages=LANGUAGES, **context,
    )  # fmt: skip


@router.get(ONE, summary="One notice")
async def one_page(
    request: Request, incident: str, clock: str, runtime: Running, caller: Asking, language: str = ""
) -> Response:
    """Its text as it stands, what it lacks, what may be done with it, and its history."""
    return await _page(request, runtime, caller, (incident, clock, language), {}, None)


@router.post(ONE, summary="Edit, take over new facts, approve, or hand in a file")
async def act(request: Request, incident: str, clock: str, runtime: Running, caller: Asking) -> Response:
    """`what` says which of these; afterwards the page is shown again."""
    given = await forms.form_of(request)
    language = str(given.get("language", ""))
    found, one = await read_notice(runtime, caller, incident, clock, language)
    try:
        await _act(runtime, (incident, clock, one.language), given, caller.within(found.view))
    except FiredoorError as error:
        return await _page(request, runtime, caller, (incident, clock, language), given, error)
    return RedirectResponse(f"/incidents/{incident}/notices/{quote(clock)}?language={one.language}", 303)


async def _act(runtime: Runtime, about: tuple[str, str, str], given: Mapping[str, object], person: Person) -> None:
    why, base = str(given.get("why", "")), str(given.get("base", ""))
    match given.get("what"):
        case "edit":
            await runtime.service.edit_notice(*about, base, str(given.get("text", "")), why, person)
        case "approve":
            await runtime.service.approve_notice(*about, base, why, person)
        case "take":
            await runtime.service.take_over(*about, base, why, person)
        case "went":
            said = Sending(*(str(given.get(name, "")) for name in ("version", "channel", "sent_at", "reference")))
            await runtime.service.note_sent(*about, said, person)
        case "receipt" | "sent" as what:
            await _kept(runtime, about, given.get("file"), why, person, receipt=what == "receipt")
        case _:
            raise InvalidInput(
                Problem(code="G111", message="the form says not what to do", do="use the page's buttons")
            )


async def _kept(
    runtime: Runtime, about: tuple[str, str, str], file: object, why: str, person: Person, *, receipt: bool,
) -> None:  # fmt: skip
    """Keep a file as evidence, and say that it is the receipt, or what was really sent."""
    if not isinstance(file, UploadFile) or not file.size:
        raise InvalidInput(Problem(code="G112", message="no file was chosen", do="choose the file, at most 1 MiB"))

    async def parts() -> AsyncIterator[bytes]:
        while part := await file.read(65536):
            yield part

    incident, clock, _ = about
    called = "the receipt for" if receipt else "what was sent for"
    name, kind = f"file of {called} {clock}"[:200], (file.content_type or "application/octet-stream")[:100]
    kept = await take_in(
        runtime.world, incident, parts(), name=name, media_type=kind, mode="auto", why=why, person=person
    )
    record = runtime.service.receive_receipt if receipt else runtime.service.hand_in
    await record(*about, str(kept["sha256"]), why, person)


async def _page(
    request: Request, runtime: Runtime, caller: Caller, about: tuple[str, str, str], given: Mapping[str, object],
    error: FiredoorError | None,
) -> Response:  # fmt: skip
    found, one = await read_notice(runtime, caller, *about)
    typed = {name: str(given.get(name, "")) for name in ("text", "why", "what")}
    context: dict[str, object] = {
        "incident": about[0], "title": found.view.title, "notice": one.as_json(), "blocks": blocks(one.text),
        "may": _may(found, one, caller), "given": typed, "problems": error.problems if error else (),
        "file": file_kind(one.rendered.template), "beside": standing(one.clock.id) is not None,
        "past": _past(one), "languages": LANGUAGES, "base": f"/incidents/{about[0]}/notices/{quote(about[1])}",
    }  # fmt: skip
    status = error.http_status if error else 200
    return page(request, "notice.html.j2", status, caller=caller, now=runtime.world.now(), **context)


def _past(one: Notice) -> list[Body]:
    """Every wording, copy as sent and receipt, the newest first: those that the facts gave, and those of people."""
    drafts = [
        {"seq": draft.seq, "number": one.number(draft.digest), "name": "draft, as the facts gave it", "by": "Firedoor",
         "kept_at": draft.at, "why": "", "facts": sorted(draft.facts), "sha256": draft.digest, "text": True}
        for draft in one.drafts
    ]  # fmt: skip
    people = [
        {**piece, "name": NAMES[piece["kind"]], "facts": (), "text": is_text(piece),
         "number": one.number(piece["sha256"]) if piece["kind"] in WORDED else 0}
        for piece in one.versions
    ]  # fmt: skip
    return sorted([*drafts, *people], key=lambda version: -int(version["seq"]))


def _may(found: Glance, one: Notice, caller: Caller) -> dict[str, str]:
    """For each thing that can be done, why this caller may not; "" where they may."""
    person, clock = caller.within(found.view), one.clock.id

    asked: dict[str, Callable[..., object]] = {"edit": versions.may_edit, "approve": versions.may_approve}
    return {name: _why_not(ask, found, clock, person) for name, ask in asked.items()}


def _why_not(ask: Callable[..., object], found: Glance, clock: str, person: Person) -> str:
    try:
        ask(found.view, clock, person)
    except FiredoorError as error:
        return f"{error.problems[0].message}. {error.problems[0].do}"
    return ""
