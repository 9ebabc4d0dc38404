"""The catalogue of duties for people: a search, and each duty in full with its law and its source.

Decides what is shown of a duty and that it is said on every page that this is no legal advice. Leaves finding to
`duties.search` and the law to the catalogue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from firedoor.duties.freshness import stale
from firedoor.duties.search import Search, find_duties
from firedoor.interfaces.web.http.filters import usable
from firedoor.interfaces.web.http.pages import page
from firedoor.interfaces.web.security.auth import Asking, Running

router = APIRouter(tags=["console"], include_in_schema=False)

CONFIDENCES = ("high", "medium", "low")
Word = Annotated[str, Query(max_length=200)]


@router.get("/duties", summary="The duties of the catalogue")
async def search(
    request: Request, runtime: Running, caller: Asking, text: Word = "", jurisdiction: Word = "", addressee: Word = "",
    confidence: Word = "",
) -> Response:  # fmt: skip
    """Those that fit; the later reports of a duty stand on its own page."""
    catalogue = await asyncio.to_thread(lambda: runtime.world.catalogue)
    whole = [duty for duty in catalogue.values() if not duty.stage_of]
    known: dict[str, Sequence[str]] = {
        "jurisdiction": sorted({duty.jurisdiction for duty in whole}),
        "addressee": sorted({duty.addressee for duty in whole}), "confidence": CONFIDENCES,
    }  # fmt: skip
    given, problems = usable(
        {"text": text.strip(), "jurisdiction": jurisdiction, "addressee": addressee, "confidence": confidence}, known
    )
    asked = Search(**given)
    found = await asyncio.to_thread(find_duties, whole, asked)
    over = {duty.id for duty in stale(catalogue, runtime.world.now().date())}
    return page(
        request, "duties.html.j2", 422 if problems else 200, caller=caller, found=found, of=len(whole), asked=asked,
        stale=over, problems=problems, jurisdictions=known["jurisdiction"], addressees=known["addressee"],
        confidences=CONFIDENCES,
    )  # fmt: skip


@router.get("/duties/{duty:path}", summary="A duty in full")
async def show(request: Request, duty: str, runtime: Running, caller: Asking) -> Response:
    """Whom it reaches, on what condition, from when, by when, what must be said, and where all this is written."""
    catalogue = await asyncio.to_thread(lambda: runtime.world.catalogue)
    found = catalogue.find(duty)
    stages = [one for one in catalogue.values() if one.stage_of == (found.stage_of or found.id)]
    today = runtime.world.now().date()
    return page(
        request, "duty.html.j2", caller=caller, duty=found, stages=stages, whole=catalogue.get(found.stage_of),
        current=found.version_on(today), today=today, old=found.review_by < today, catalogue=catalogue,
    )  # fmt: skip
