"""The page of who helps: by country and age, each with its source and the day on which it was read.

Decides that it works without scripts and keeps nothing of what is chosen. Leaves the table to `firedoor.helplines`.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from firedoor.core.requests.help import who_helps
from firedoor.core.ternary import UNKNOWN, Ternary
from firedoor.helplines.catalogue import helplines
from firedoor.interfaces.web.public.pages import language_of, render
from firedoor.interfaces.web.public.takedown import need_open_door

router = APIRouter(tags=["takedown requests"], dependencies=[Depends(need_open_door)])


@router.get("/report/help", summary="Who helps, by country and age", include_in_schema=False)
async def who(
    request: Request, lang: str = "", country: Annotated[str, Query(max_length=10)] = "",
    age_under_18: Annotated[str, Query(max_length=10)] = "",
) -> Response:  # fmt: skip
    """A choice that is none of those offered is nobody's choice: then what helps everywhere is shown."""
    language, table = language_of(request, lang), helplines()
    child = Ternary(age_under_18) if age_under_18 in tuple(Ternary) else UNKNOWN
    offered = sorted(
        ((names[language], code) for code, names in table.names.items()), key=lambda one: one[0].casefold()
    )
    chosen = country if country in table.names else ""
    return render(
        "help.html.j2", language, 200, offered=offered, chosen=chosen, age=str(child),
        entries=who_helps(table.entries, chosen, child),
    )  # fmt: skip
