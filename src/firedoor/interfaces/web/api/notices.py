"""Notices over HTTP: the list, one as it stands with its history, edits, approval, receipts, and every form of paper.

Decides that whoever may not know sealed facts does not read a text that may tell them. Leaves versions to
`core.correspondence` and what may be done by whom to it as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Body, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from firedoor.core.access.security import Export
from firedoor.core.notices.versions import WORDS, counts
from firedoor.core.problems import NotFound, NotPermitted, Problem
from firedoor.interfaces.web.http.responses import answer
from firedoor.interfaces.web.leaving import exported
from firedoor.interfaces.web.reading.cache import Glance, glance
from firedoor.interfaces.web.security.auth import Asking, Bounded, Caller, Running
from firedoor.runtime.documents.form_file import FILES, file_kind, form_file
from firedoor.runtime.process.application import Runtime
from firedoor.runtime.service.notices import Notice, Sending, notice, notices, with_past

if TYPE_CHECKING:
    from firedoor.runtime.documents.formats import Paper

router = APIRouter(prefix="/api/v1", tags=["notices"])
NOTICE = "/incidents/{incident}/notices/{clock:path}"
Form = Literal["md", "txt", "html", "pdf", "docx"]
Language = Annotated[str, Query(pattern=r"^([a-z]{2})?$", description="en, de, fr or es; else as the facts say")]
HIDDEN = ("text", "draft", "news", "missing", "template", "history", "sent", "receipts", "drafts", "facts_changed")


class Given(BaseModel):
    """What every change of a notice brings along."""

    model_config = ConfigDict(extra="forbid")

    why: str = Field(max_length=4000, examples=["The wording was agreed with legal."])
    language: str = Field(default="", max_length=2, examples=["de"])


class Edit(Given):
    """Another wording. `base` is the `sha256` of the text that was edited."""

    text: str = Field(max_length=200_000)
    base: str = Field(default="", max_length=64)


class Approval(Given):
    """Consent to a text. `base` is the `sha256` of the text that was read."""

    base: str = Field(max_length=64)


class Taking(Given):
    """Consent to what the facts say newly. `base` is the `sha256` of the text that was read."""

    base: str = Field(default="", max_length=64)


class SentNotice(BaseModel):
    """What is said of a notice that was sent and that no deadline asks for."""

    model_config = ConfigDict(extra="forbid")

    version: str = Field(
        max_length=100, description="approved, or the digest of an approved text", examples=["approved"]
    )
    channel: str = Field(max_length=200, examples=["the authority's portal"])
    sent_at: str = Field(max_length=60, description="an instant with its offset, or now", examples=["now"])
    reference: str = Field(max_length=500, examples=["report 4711"])
    language: str = Field(default="", max_length=2, examples=["en"])


class Receipt(Given):
    """Which piece of evidence it is."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


@router.get("/incidents/{incident}/notices", summary="Every notice of an incident, and what each still lacks")
async def list_notices(incident: str, runtime: Running, caller: Asking) -> Response:
    """One for each clock, and the holding statement for the press. Drafts are made from the facts of now."""
    found = await glance(runtime, incident, caller)
    made = await asyncio.to_thread(notices, runtime.world, found.view, found.plan)
    return answer({"incident": incident, "notices": [_short(found, one) for one in made]})


@router.get(f"{NOTICE}/export", summary="A notice on paper")
async def export(  # noqa: PLR0913, PLR0917 - the parameters on the wire
    incident: str, clock: str, runtime: Running, caller: Asking, places: Bounded, language: Language = "",
    form: Annotated[Form, Query(alias="format")] = "pdf",
    version: Annotated[str, Query(pattern=r"^(now|draft|[0-9a-f]{64})$", description="now, draft, or the digest of a version")] = "now",  # noqa: E501
) -> Response:  # fmt: skip
    """The text that counts, or another version, as Markdown, plain text, HTML, PDF or DOCX."""
    from firedoor.runtime.documents.formats import FORMS, on_paper

    found, one = await read_notice(runtime, caller, incident, clock, language)
    paper = await asyncio.to_thread(paper_of, runtime, found, one, version)
    async with places.papers.place(caller.person.name):
        content = await asyncio.to_thread(on_paper, paper, form)
    exported(runtime, caller, Export.NOTICE, incident, clock=clock, format=form)
    headers = {"Content-Disposition": f'attachment; filename="{paper.name}.{form}"'}
    return Response(content, media_type=FORMS[form], headers=headers)


@router.get(f"{NOTICE}/file", summary="The file of a form, as its body takes it")
async def file(
    incident: str, clock: str, runtime: Running, caller: Asking, language: Language = "",
    kind: Annotated[str, Query(pattern=r"^(xml|json)?$", description="xml or json; else what the form has")] = "",
) -> Response:  # fmt: skip
    """XML or JSON, made from the approved text alone: refused for any other, and for a notice that is no form."""
    found, one = await read_notice(runtime, caller, incident, clock, language)
    paper = await asyncio.to_thread(paper_of, runtime, found, one, "now")
    form = kind or file_kind(paper.template) or "json"
    content = await asyncio.to_thread(form_file, paper.template, paper.text, form, final=paper.final)
    exported(runtime, caller, Export.NOTICE, incident, clock=clock, format=form)
    headers = {"Content-Disposition": f'attachment; filename="{paper.name}.{form}"'}
    return Response(content, media_type=FILES[form], headers=headers)


@router.get(NOTICE, summary="One notice: its text as it stands, and its history")
async def show(incident: str, clock: str, runtime: Running, caller: Asking, language: Language = "") -> Response:
    """The text that counts (approved, else edited, else today's draft), what it lacks, and what the facts say newly."""
    _, one = await read_notice(runtime, caller, incident, clock, language)
    return answer({"incident": incident, **one.as_json()})


@router.post(f"{NOTICE}/edit", summary="Keep another wording")
async def edit(incident: str, clock: str, given: Annotated[Edit, Body()], runtime: Running, caller: Asking) -> Response:
    """The journal keeps who, when, why and the difference; the text is evidence."""
    found, _ = await read_notice(runtime, caller, incident, clock, given.language)
    person = caller.within(found.view)
    one = await runtime.service.edit_notice(incident, clock, given.language, given.base, given.text, given.why, person)
    return answer({"incident": incident, **one.as_json()})


@router.post(f"{NOTICE}/approve", summary="Approve a text as it stands")
async def approve(
    incident: str, clock: str, given: Annotated[Approval, Body()], runtime: Running, caller: Asking
) -> Response:
    """By a role that settles the clock. Refused while anything in it is still to be filled. Nothing is sent."""
    found, _ = await read_notice(runtime, caller, incident, clock, given.language)
    person = caller.within(found.view)
    one = await runtime.service.approve_notice(incident, clock, given.language, given.base, given.why, person)
    return answer({"incident": incident, **one.as_json()})


@router.post(f"{NOTICE}/take-over", summary="Take new facts into a text that was worded by hand")
async def take_over(
    incident: str, clock: str, given: Annotated[Taking, Body()], runtime: Running, caller: Asking
) -> Response:
    """Lines that nobody worded anew follow the facts; the others stay, and are named in `left` of the new version."""
    found, _ = await read_notice(runtime, caller, incident, clock, given.language)
    person = caller.within(found.view)
    one = await runtime.service.take_over(incident, clock, given.language, given.base, given.why, person)
    return answer({"incident": incident, **one.as_json()})


@router.post(f"{NOTICE}/as-sent", summary="Name the piece of evidence that is what was really sent")
async def as_sent(
    incident: str, clock: str, given: Annotated[Receipt, Body()], runtime: Running, caller: Asking
) -> Response:
    """Add the file to the evidence first. It stands in place of every version, before `submit` or after it."""
    found, _ = await read_notice(runtime, caller, incident, clock, given.language)
    person = caller.within(found.view)
    one = await runtime.service.hand_in(incident, clock, given.language, given.sha256, given.why, person)
    return answer({"incident": incident, **one.as_json()})


@router.post(f"{NOTICE}/sent", summary="Record that a notice which no deadline asks for was sent")
async def note_sent(
    incident: str, clock: str, given: Annotated[SentNotice, Body()], runtime: Running, caller: Asking
) -> Response:
    """A report to a hotline, a letter to whoever posted, the press statement. An approved text alone was sent."""
    found, _ = await read_notice(runtime, caller, incident, clock, given.language)
    said = Sending(given.version, given.channel, given.sent_at, given.reference)
    one = await runtime.service.note_sent(incident, clock, given.language, said, caller.within(found.view))
    return answer({"incident": incident, **one.as_json()})


@router.post(f"{NOTICE}/receipt", summary="Name the piece of evidence that is the receipt")
async def receipt(
    incident: str, clock: str, given: Annotated[Receipt, Body()], runtime: Running, caller: Asking
) -> Response:
    """Add the file to the evidence first; this says what it is the receipt of."""
    found, _ = await read_notice(runtime, caller, incident, clock, given.language)
    person = caller.within(found.view)
    one = await runtime.service.receive_receipt(incident, clock, given.language, given.sha256, given.why, person)
    return answer({"incident": incident, **one.as_json()})


async def read_notice(
    runtime: Runtime, caller: Caller, incident: str, clock: str, language: str
) -> tuple[Glance, Notice]:
    """Read a notice for a caller. Raises NotFound, or NotPermitted where its text may tell sealed facts."""
    found = await glance(runtime, incident, caller)
    if found.holds_sealed:
        message = "this incident's notices may tell sealed facts"
        raise NotPermitted(Problem(code="W103", message=message, do="ask the DPO, legal or the commander"))

    def read() -> Notice:
        world = runtime.world
        return with_past(world, found.plan, notice(world, found.view, found.plan, clock, language), found.told)

    return found, await asyncio.to_thread(read)


def paper_of(runtime: Runtime, found: Glance, one: Notice, version: str) -> Paper:
    """What is printed: the text that counts, today's draft, or a version by its digest. Raises NotFound."""
    from firedoor.runtime.documents.formats import Paper

    text, state = one.text, one.state
    if version == "draft":
        text, state = one.rendered.text, "draft"
    elif version != "now":
        text, state = _version(runtime, one, version)
    elif state == "sent" and one.sent and is_text(one.sent):
        text = runtime.world.vault.get(one.sent["sha256"]).decode()
    elif state == "sent":  # what was sent is a file, which the evidence holds: here stands the text that counts
        worded = counts(list(one.versions))
        state = WORDS[worded["kind"]] if worded else "draft"
    return Paper(found.view.id, one.clock.id, one.clock.title, one.language, state, text, one.rendered.template)


def _version(runtime: Runtime, one: Notice, sha256: str) -> tuple[str, str]:
    """The text of a version, and what it is. Raises NotFound."""
    past = next((draft for draft in one.drafts if draft.digest == sha256), None)
    worded = (piece for piece in one.versions if piece["kind"] in WORDS and is_text(piece))
    piece = next((piece for piece in worded if piece["sha256"] == sha256), None)
    if piece is not None:
        return runtime.world.vault.get(sha256).decode(), WORDS[piece["kind"]]
    if past is not None:
        return past.text, "draft"
    raise NotFound(Problem(code="G109", message=f"no version has the digest {sha256[:12]}", do="see its history"))


def is_text(piece: Mapping[str, object]) -> bool:
    """Whether it is a text whose bytes are here; of a file that was handed in there may be the digest alone."""
    return piece.get("media_type") == "text/markdown" and piece.get("mode") != "digest"


def _short(found: Glance, one: Notice) -> dict[str, object]:
    """One line of the list: no text, and nothing that a text might tell to whom it is sealed."""
    shown = {name: value for name, value in one.as_json().items() if name not in HIDDEN or name == "missing"}
    if found.holds_sealed:
        return {**shown, "missing": None, "sealed": True}
    return {**shown, "sealed": False}
