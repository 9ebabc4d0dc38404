"""Hash banks that are kept: which there are, their updates, and their entries by digest.

Decides that no hash leaves by this way: an entry is named by its digest, which tells nothing to whoever does not have
the hash. Importing and withdrawing is for whoever has the machine: `firedoor banks`.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from firedoor.interfaces.web.http.responses import answer
from firedoor.interfaces.web.security.auth import Asking, Running
from firedoor.runtime.hashing.kept import bank_shown, banks_shown

router = APIRouter(prefix="/api/v1", tags=["hash banks"])


@router.get("/banks", summary="The hash banks that are kept")
async def list_banks(runtime: Running, caller: Asking) -> Response:  # noqa: ARG001 - who may ask is the table's
    """By name: version, entries by algorithm, how many left, and whether the organisation trusts it."""
    found = await asyncio.to_thread(banks_shown, runtime.world.store, runtime.world.organisation.trusted_banks)
    return answer({"banks": found})


@router.get("/banks/{bank}", summary="One hash bank, with its updates and its entries by digest")
async def get_bank(
    bank: str, runtime: Running, caller: Asking,  # noqa: ARG001
    after: Annotated[str, Query(max_length=64, description="the `next` of the page before")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:  # fmt: skip
    """Updates, the newest first; entries in the order of their digests."""
    trust = runtime.world.organisation.trusted_banks
    return answer(await asyncio.to_thread(bank_shown, runtime.world.store, bank, trust, after, limit))
