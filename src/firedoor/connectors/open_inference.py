"""Model servers of the Open Inference Protocol: Triton, MLServer and whatever else has its repository extension.

Decides that a model is closed when no listed replica holds it ready, that one which does leaves the door open, and that
unloading what is not loaded is no error. The extension
(https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_model_repository.md) has index,
load and unload, and no place for a mark. Leaves the order of things to `parts.door_connector`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import ClassVar
from urllib.parse import quote

from pydantic import Field, field_validator

from firedoor.connectors.parts.api import Api
from firedoor.connectors.parts.calls import Answer
from firedoor.connectors.parts.door_connector import Description, DoorConnector, Live, Work
from firedoor.core.json_types import JsonObject
from firedoor.core.ports import Members, PlannedCall
from firedoor.core.problems import FiredoorError, InDoubt, Problem, Refused, Unanswered
from firedoor.core.targets import Door, Part, Target
from firedoor.core.ternary import NO, UNKNOWN, YES, Ternary, all_of

_READY = "READY"
_GONE = ("UNAVAILABLE", "")  # Triton lists a model that was never loaded without any state


class OpenInferenceDoor(Part):
    """One model on one or several replicas of a model server, each by the base URL of its REST API.

    `dependents` are models, ensembles or pipelines that call this one; they fail with it. `unload_dependents` is
    Triton's parameter of that name: unloading an ensemble then unloads the models that were loaded along with it.
    """

    urls: tuple[str, ...] = Field(min_length=1, max_length=64)
    model: str = Field(min_length=1, max_length=255)
    headers: dict[str, str] = Field(default_factory=dict)
    unload_dependents: bool = False
    dependents: tuple[str, ...] = ()
    blast_radius: tuple[str, ...] = ()
    timeout_seconds: float = Field(default=10.0, gt=0, le=120)

    @field_validator("urls")
    @classmethod
    def _addresses(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [url for url in urls if not url.startswith(("http://", "https://"))]
        if wrong or len(set(urls)) != len(urls):
            raise ValueError("every replica needs an http(s) URL of its own")
        return urls


class OpenInferenceConnector(DoorConnector[OpenInferenceDoor]):
    """Unloads a model from its servers, and loads it again; see docs/how-to/connect-with-open-inference.md."""

    kind: ClassVar[str] = "open-inference"
    Config = OpenInferenceDoor

    def mark(
        self,
        target: Target,  # noqa: ARG002 - the repository extension has no place for a mark, whatever the target
        door: Door,  # noqa: ARG002 - likewise
        settings: OpenInferenceDoor,  # noqa: ARG002 - likewise
        operation_key: str,  # noqa: ARG002 - likewise
    ) -> str | None:
        """None: whose work an unloaded model is stands in our receipt alone."""
        return None

    def changed_names(self, settings: OpenInferenceDoor) -> frozenset[str]:  # noqa: ARG002 - the same for every door
        """Which versions are ready is what unloading changes; which ones the repository holds is not."""
        return frozenset({"closed", "ready"})

    def describe(self, target: Target, door: Door, settings: OpenInferenceDoor) -> Description:  # noqa: ARG002 - as asked
        """The calls on every replica, and who fails with the model."""
        calls = []
        for url in settings.urls:
            calls.append(PlannedCall(verb="capture", summary=f"POST {url.rstrip('/')}/v2/repository/index"))
            for verb, action in (("suspend", "unload"), ("resume", "load")):
                summary = f"POST {url.rstrip('/')}{_path(settings, action)}"
                with_it = settings.unload_dependents and action == "unload"
                summary += " with unload_dependents: true" if with_it else ""
                calls.append(PlannedCall(verb=verb, summary=summary))  # type: ignore[arg-type]  # two of its words
        return Description(
            calls=tuple(calls),
            blast_radius=(*_touched(settings), *settings.blast_radius),
            permissions=(f"the repository API of {len(settings.urls)} server(s): index, unload and load",),
        )

    async def look(self, target: Target, door: Door, settings: OpenInferenceDoor) -> Live:  # noqa: ARG002 - the door says it all
        """Ask every replica for its index. Raises Unanswered when one is silent or does not know the model."""
        asked = (self._rows(url, settings) for url in settings.urls)
        heard = await asyncio.gather(*asked, return_exceptions=True)  # nobody is left talking when one is silent
        rows = {url: _heard(found) for url, found in zip(settings.urls, heard, strict=True)}
        closed = all_of([_closed(found) for found in rows.values()])
        state = {
            "closed": closed is YES,
            "versions": {url: sorted(str(row.get("version") or "") for row in found) for url, found in rows.items()},
            "ready": {url: _ready(found) for url, found in rows.items()},
        }
        return Live(state=state, closed=closed, at=self._context.now())

    async def close(self, work: Work[OpenInferenceDoor]) -> Members:
        """Unload from every replica that holds it, all at once."""
        body = {"parameters": {"unload_dependents": True}} if work.settings.unload_dependents else {}
        holding = [url for url, ready in work.live.state["ready"].items() if ready]
        return await self._everywhere(holding or list(work.settings.urls), work.settings, "unload", body)

    async def open(self, work: Work[OpenInferenceDoor]) -> Members:
        """Load on every replica that held it when the state was captured."""
        held = [url for url, ready in work.snapshot.state["ready"].items() if ready and url in work.settings.urls]
        return await self._everywhere(held, work.settings, "load", {})

    async def _rows(self, url: str, settings: OpenInferenceDoor) -> list[JsonObject]:
        answer = await self._api(url, settings).look("POST", "/v2/repository/index", {})
        return _rows_of(answer, url, settings.model)

    async def _everywhere(self, urls: list[str], settings: OpenInferenceDoor, action: str, body: Members) -> Members:
        expect = (200, 404) if action == "unload" else (200,)  # MLServer answers 404 when it is not loaded: as wanted
        path = _path(settings, action)
        calls = [self._api(url, settings).change("POST", path, body, expect=expect, repeatable=True) for url in urls]
        answers = await _all(calls, urls)
        if answers and all(answer.status == 404 for answer in answers.values()):
            message = f"{settings.model} was not loaded when it was to be unloaded"
            raise Refused(Problem(code="K206", message=message, do="somebody else was first; look who"))
        return {action: {url: answer.status for url, answer in answers.items()}}

    def _api(self, url: str, settings: OpenInferenceDoor) -> Api:
        return Api(self._context, url, settings.headers, settings.timeout_seconds)


def _heard(found: list[JsonObject] | BaseException) -> list[JsonObject]:
    if isinstance(found, BaseException):
        raise found
    return found


async def _all(calls: list[Coroutine[object, None, Answer]], urls: list[str]) -> dict[str, Answer]:
    """Make every call, whatever becomes of the others. Raises InDoubt when some had an effect and some did not."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    failed = {url: result for url, result in zip(urls, results, strict=True) if isinstance(result, BaseException)}
    for error in failed.values():
        if not isinstance(error, FiredoorError):
            raise error
    answers = {url: result for url, result in zip(urls, results, strict=True) if not isinstance(result, BaseException)}
    errors = [error for error in failed.values() if isinstance(error, FiredoorError)]
    if not errors:
        return answers
    doubtful = any(isinstance(error, InDoubt) for error in errors)
    problems = [problem for error in errors for problem in error.problems]
    if answers or (doubtful and len(errors) > 1):
        done = Problem(code="K202", message=f"{len(answers)} of {len(urls)} replicas did it", do="look at each replica")
        raise InDoubt([*problems, done])
    raise errors[0] if len(errors) == 1 else type(errors[0])(problems)


def _rows_of(answer: Answer, url: str, model: str) -> list[JsonObject]:
    """Read the rows of one model. Raises Unanswered when there is none: a wrong name must not look closed."""
    document = answer.document()
    listed = [row for row in document if isinstance(row, dict)] if isinstance(document, list) else []
    rows: list[JsonObject] = [row for row in listed if row.get("name") == model]
    if rows:
        return rows
    names = ", ".join(sorted({str(row.get("name")) for row in listed})[:20]) or "none"
    message = f"{url} lists no model {model!r}; it lists: {answer.redactor.text(names)}"
    raise Unanswered(Problem(code="K207", message=message, do="compare `model` with the index; nothing was changed"))


def _ready(rows: list[JsonObject]) -> list[str]:
    return sorted(str(row.get("version") or "") for row in rows if row.get("state") == _READY)


def _closed(rows: list[JsonObject]) -> Ternary:
    states = {str(row.get("state") or "") for row in rows}
    if _READY in states:
        return NO
    return YES if states <= set(_GONE) else UNKNOWN  # LOADING, UNLOADING and UNKNOWN are on their way


def _path(settings: OpenInferenceDoor, action: str) -> str:
    return f"/v2/repository/models/{quote(settings.model, safe='')}/{action}"


def _touched(settings: OpenInferenceDoor) -> tuple[str, ...]:
    said = [f"{name} calls {settings.model} and fails with it" for name in settings.dependents]
    if settings.unload_dependents:
        said.append(f"models that were loaded along with {settings.model} are unloaded too, whoever else calls them")
    said.append("requests that are being answered are finished first")
    said.append("a replica that is not listed, or starts later, loads the model again and serves it")
    return tuple(said)
