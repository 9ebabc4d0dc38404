"""The page of one request, under its secret address: how it stands, and what the person may still do.

Decides that everything about nobody's request looks the same, that adding, taking back and disagreeing are said here,
and that taking back needs a second step. Leaves what follows to the runtime, and the words to the templates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from firedoor.core.json_types import objects_at
from firedoor.core.problems import FiredoorError, InvalidInput, Problem, Refused
from firedoor.core.requests.request import Outcome
from firedoor.core.requests.submission import Declaration, read
from firedoor.interfaces.web.http.responses import answer
from firedoor.interfaces.web.public import takedown
from firedoor.interfaces.web.public.pages import language_of, render, wants_json, when
from firedoor.interfaces.web.public.takedown import STATUS, Limits, form_of, read_form, shown, the_standing
from firedoor.interfaces.web.security.auth import Running
from firedoor.runtime.process.application import Runtime
from firedoor.runtime.service.takedown_requests import Standing

router = APIRouter(tags=["takedown requests"], dependencies=[Depends(takedown.need_open_door)])


@dataclass(frozen=True, slots=True)
class _Looked:
    """One look at a request: in which language, and where its page is."""

    found: Standing
    language: str
    where: str


@router.get(f"{STATUS}{{secret}}", summary="How a request stands", include_in_schema=False)
async def status(
    request: Request, runtime: Running, secret: str, lang: str = "",
    new: Annotated[str, Query(max_length=10)] = "", withdraw: Annotated[str, Query(max_length=10)] = "",
) -> Response:  # fmt: skip
    """As a page, or as JSON to a program. Everything about nobody's request looks the same."""
    try:
        found = await the_standing(runtime, secret)
    except FiredoorError as error:
        if wants_json(request):
            raise
        return render("unknown.html.j2", language_of(request, lang), error.http_status)
    if wants_json(request):
        return answer(shown(found), 200, {"Referrer-Policy": "no-referrer"})
    looked = _Looked(found, language_of(request, lang or found.kept.language), _where(request, runtime, secret))
    return _withdrawal(looked, ()) if withdraw else _page(looked, new=bool(new))


@router.post(f"{STATUS}{{secret}}", summary="Add to a request, take it back, or disagree", include_in_schema=False)
async def act(request: Request, runtime: Running, secret: str, limits: Limits) -> Response:
    """`do=add` with places, words and declarations; `do=dispute` with words; `do=withdraw` with `sure=yes`."""
    limits.admit_holder(takedown.address_of(request))
    found = await the_standing(runtime, secret)
    given = await form_of(request)
    language = language_of(request, given.get("lang", [found.kept.language])[0])
    looked, doing = _Looked(found, language, _where(request, runtime, secret)), given.get("do", [""])[0]
    try:
        if not found.told:
            raise InvalidInput(Problem(code="Q115", message="the request is still being taken in", do="wait a minute"))
        if doing == "withdraw" and given.get("sure", [""])[0] != "yes":
            return _withdrawal(looked, given.get("places", ()))
        await _done(runtime, found, doing, given)
    except FiredoorError as error:
        return _page(looked, problems=error.problems, code=error.http_status)
    return RedirectResponse(f"{STATUS}{secret}?lang={language}", 303)


async def _done(runtime: Runtime, found: Standing, doing: str, given: Mapping[str, list[str]]) -> None:
    words = given.get("statement", [""])[0].strip()
    if doing == "dispute":
        _need_refusal(found)
        await runtime.takedowns.dispute(found.kept, _said(words))
    elif doing == "withdraw":
        places = [place for place in given.get("places", ()) if place.strip()]
        await runtime.takedowns.withdraw(found.kept, places, _said(words) if words else "")
    else:
        said = read_form({**given, "is": ["me"]}, further=True)
        await runtime.takedowns.add(found.kept, said, f"Added by the status page. {said.statement}".strip())


def _need_refusal(found: Standing) -> None:
    if found.told["status"] != Outcome.REFUSED:
        message = "only an answer that refuses can be disputed"
        raise Refused(Problem(code="Q117", message=message, do="add to the request instead"))


def _said(words: str) -> str:
    if not words:
        raise InvalidInput(Problem(code="D110", field="statement", message="is missing", do="say why in a few words"))
    # Read as a submission is, for the same bounds and the same look at what a text may hide.
    return read({"person": {"is": "me"}, "statement": words}).statement


def _where(request: Request, runtime: Runtime, secret: str) -> str:
    return f"{takedown.origin(runtime, request)}{STATUS}{secret}"


def _page(looked: _Looked, *, new: bool = False, problems: Sequence[Problem] = (), code: int = 200) -> Response:
    told, language = shown(looked.found, looked.language), looked.language
    copies = told.get("copies")
    looked_at = when(copies.get("looked_at"), language) if isinstance(copies, Mapping) else ""
    disputes = [{**one, "answer": _answered(one["answer"], language), "at": when(one["received_at"], language)}
                for one in objects_at(told, "disputes")]  # fmt: skip
    return render(
        "status.html.j2", language, code, told=told, answered=_answered(told["answer"], language), where=looked.where,
        when={**{name: when(told[name], language) for name in ("received_at", "due")}, "looked_at": looked_at},
        new=new, problems=problems, age="yes" if looked.found.child else "unknown", disputes=disputes,
        declarations=list(Declaration), taken_in=bool(looked.found.told),
        disputable=not any(one["answer"] is None for one in disputes),
        withdrawn=[{**one, "at": when(one["at"], language)} for one in objects_at(told, "withdrawn")],
    )  # fmt: skip


def _withdrawal(looked: _Looked, chosen: Sequence[str]) -> Response:
    """The second step: what it means, and for which places."""
    told = shown(looked.found, looked.language)
    return render("withdraw.html.j2", looked.language, 200, told=told, chosen=set(chosen),
                  places=looked.found.told.get("request_locators", ()))  # fmt: skip


def _answered(closing: object, language: str) -> Mapping[str, object] | None:
    return {**closing, "at": when(closing.get("at"), language)} if isinstance(closing, Mapping) else None
