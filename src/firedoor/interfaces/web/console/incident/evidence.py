"""The evidence of an incident: what is kept and who touched it, a file to add, and hashes and locators without content.

Decides that nothing of a piece is ever shown, that a file is refused by its kind before a byte of it is held, and that
the words of a form that was refused are kept. Leaves what may be kept to `core.custody`, and the file to `upload`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from firedoor.core.alerts.alert import HASH_LENGTHS
from firedoor.core.evidence.custody import Pointer, custody
from firedoor.core.evidence.kinds import Reader, reader_of
from firedoor.core.journal import Body, Content
from firedoor.core.problems import FiredoorError, InvalidInput, Problem
from firedoor.interfaces.web.api.evidence import OCTETS
from firedoor.interfaces.web.console import forms
from firedoor.interfaces.web.console.incident.incident import may
from firedoor.interfaces.web.http.pages import page
from firedoor.interfaces.web.http.upload import LIMIT, is_upload, upload_of
from firedoor.interfaces.web.reading.cache import Glance, glance
from firedoor.interfaces.web.security.auth import Asking, Bounded, Caller, Running
from firedoor.interfaces.web.security.route_table import UNSEALED
from firedoor.runtime.execution.evidence_requests import point_out, take_in
from firedoor.runtime.process.application import Runtime

router = APIRouter(tags=["console"], include_in_schema=False)

PLACE = "/incidents/{incident}/evidence"
SHOWN = 50  # pieces at once
MADE_HERE = {
    "draft": "draft of a notice", "notice-edited": "wording of a notice", "notice-approved": "approved notice",
    "notice-sent": "notice as it was sent", "notice-receipt": "receipt",
}  # fmt: skip
Given = Mapping[str, object]


@router.get(PLACE, summary="The evidence of an incident")
async def show(
    request: Request, incident: str, runtime: Running, caller: Asking, all: bool = False,  # noqa: A002, FBT001, FBT002 - the parameter's name
    kept: str = "",
) -> Response:  # fmt: skip
    """What is kept, in which form, by whom, and everybody who touched it since; and the forms that add to it."""
    return await _page(request, runtime, caller, incident, everything=all, kept=kept)


@router.post(PLACE, summary="Add a file to the evidence")
async def add(request: Request, incident: str, runtime: Running, caller: Asking, places: Bounded) -> Response:
    """The file goes to the vault, or only its SHA-256 is kept."""
    given: Given = {}
    try:
        upload = await upload_of(request) if is_upload(request) else None
        given = {**(upload.words if upload else await forms.form_of(request)), "form": "file"}
        if upload is None or not upload.filename:
            raise InvalidInput(Problem(code="W145", message="no file was chosen", do=f"at most {LIMIT} MiB"))
        words = {name: str(given.get(name, "")) for name in ("name", "why", "mode")}
        kind = (upload.media_type or OCTETS)[:100]
        async with places.uploads.place(caller.person.name):
            piece = await take_in(
                runtime.world, incident, upload.parts(), name=words["name"], media_type=kind, why=words["why"],
                mode=words["mode"] or "auto", person=caller.person,
            )  # fmt: skip
    except FiredoorError as error:
        return await _page(request, runtime, caller, incident, given, error)
    return _done(incident, piece)


@router.post(f"{PLACE}/locators", summary="Keep hashes and locators")
async def point(request: Request, incident: str, runtime: Running, caller: Asking) -> Response:
    """Of what must never be brought here: what it is known by, and where it is."""
    given = {**(await forms.form_of(request)), "form": "locators"}
    pointer = Pointer(
        str(given.get("name", "")), str(given.get("algorithm", "sha256")),
        _lines(given.get("hashes", "")), _lines(given.get("locators", "")),
    )  # fmt: skip
    try:
        piece = await point_out(runtime.world, incident, pointer, str(given.get("why", "")), caller.person)
    except FiredoorError as error:
        return await _page(request, runtime, caller, incident, given, error)
    return _done(incident, piece)


def _done(incident: str, piece: Content) -> Response:
    return RedirectResponse(f"/incidents/{incident}/evidence?kept={piece['sha256'][:16]}", 303)


def _lines(typed: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line.strip() for line in str(typed).splitlines() if line.strip()))


async def _page(  # noqa: PLR0913 - what the page shows again
    request: Request, runtime: Runtime, caller: Caller, incident: str, given: Given | None = None,
    error: FiredoorError | None = None, *, everything: bool = False, kept: str = "",
) -> Response:  # fmt: skip
    found = await glance(runtime, incident, caller)
    pieces = await asyncio.to_thread(lambda: found.once("custody", lambda: _pieces(found)))
    texts = [piece for piece in pieces if piece["kind"] in MADE_HERE]
    others = [piece for piece in pieces if piece["kind"] not in MADE_HERE]
    counts = {
        "all": len(others), "digest": sum(piece["mode"] == "digest" for piece in others),
        "texts": len(texts), "touched": sum(len(piece["chain"]) - 1 for piece in pieces),
    }  # fmt: skip
    typed = {name: str((given or {}).get(name, "")) for name in WORDS}
    context: dict[str, object] = {
        "view": found.view, "title": found.show(found.view.title), "counts": counts, "texts": texts[::-1],
        "pieces": _cut(others, everything), "everything": everything, "made_here": MADE_HERE, "may": may(caller),
        "only_unsealed": set() if caller.unsealed else _named(pieces),
        "sealed": found.holds_sealed, "unsealed": sorted(UNSEALED), "given": typed, "kept": kept[:16],
        "problems": error.problems if error else (), "limit": LIMIT, "algorithms": list(HASH_LENGTHS),
        "hold": found.show(found.view.legal_hold), "mine": sorted(caller.person.roles),
    }  # fmt: skip
    return page(request, "evidence.html.j2", error.http_status if error else 200, caller=caller, **context)


WORDS = ("form", "name", "why", "mode", "algorithm", "hashes", "locators")


def _pieces(found: Glance) -> list[Body]:
    """Each with who brought it in, and when; covered from this reader."""
    pieces: list[Body] = found.show(custody(found.told))
    return [{**piece, "by": piece["chain"][0]["by"], "at": piece["chain"][0]["at"]} for piece in pieces]


def _named(pieces: Sequence[Body]) -> set[str]:
    """The pieces that name people."""
    return {str(piece["sha256"]) for piece in pieces if reader_of(piece) is Reader.UNSEALED}


def _cut(pieces: Sequence[Body], everything: bool) -> list[Body]:  # noqa: FBT001 - whether all of them are wanted
    return [*pieces[::-1]][: None if everything else SHOWN]
