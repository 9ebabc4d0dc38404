"""The written form of a door of the http connector, compiled and checked.

Decides which requests a door needs, where in the captured answer the state, the version
token and our mark are found, and reports every problem of a door at once. Leaves making
the calls to `calls` and their order to the connector.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

import orjson
from pydantic import Field, ValidationError, model_validator

from firedoor.connectors.parts import calls, templates
from firedoor.connectors.parts.calls import Compiled, Request
from firedoor.connectors.parts.config_problems import config_problems
from firedoor.connectors.parts.templates import Names, Text
from firedoor.core.json_types import Json
from firedoor.core.ports import Reversible, Snapshot
from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.targets import Door, Part, Target


class Missing(Enum):
    """What a pointer finds where there is nothing: null is a value, and None stands for it."""

    MISSING = "missing"


MISSING = Missing.MISSING
_TARGET: Names = dict.fromkeys(("id", "title", "kind", "model", "owner", "regions"))
_LOOK: Names = {"target": _TARGET, "door": {"name": None}}


class Closed(Part):
    """How the captured answer shows a closed door: a value at a pointer, or a status such as 404.

    With `open`, any value that is in neither list is unknown; without it, it means open.
    """

    at: str | None = Field(default=None, pattern=r"^(/.*)?$")
    values: tuple[object, ...] = ()
    open: tuple[object, ...] = ()
    status: tuple[int, ...] = ()

    @model_validator(mode="after")
    def _one_way(self) -> Closed:
        if (self.at is None) == (not self.status) or (self.at is not None and not self.values):
            raise ValueError("say either `at` with `values`, or `status`")
        return self


class Mark(Part):
    """Where our own mark is found, and what it is. It must be what `suspend` and `resume` write there."""

    at: str = Field(pattern=r"^/")
    value: str = "{{ operation_key }}"


class HttpDoor(Part):
    """`config` of a door with `connector: http`. Pointers are JSON Pointers (RFC 6901)."""

    capture: Request
    state: dict[str, str] = Field(min_length=1)
    closed: Closed
    version: str | None = Field(default=None, pattern=r"^(/.*|header:[A-Za-z0-9-]+)$")
    mark: Mark | None = None
    suspend: Request
    verify: Request | None = None
    resume: Request | None = None
    changes: tuple[str, ...] = ()
    reversible: Reversible = "yes"
    blast_radius: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> HttpDoor:
        if self.resume is None and self.reversible != "no":
            raise ValueError("`resume` is missing: write it, or say `reversible: no`")
        if self.closed.at is not None and self.closed.at not in self.state.values():
            raise ValueError("`closed.at` must be one of the pointers under `state`, so that a resume can restore it")
        unknown = [name for name in self.changes if name not in self.state]
        if unknown:
            raise ValueError(f"`changes` names {unknown[0]!r}, which is not under `state`")
        if any(not re.fullmatch(r"[a-z][a-z0-9_]*", name) or not at.startswith("/") for name, at in self.state.items()):
            raise ValueError("`state` maps plain names to JSON Pointers, for example replicas: /spec/replicas")
        return self


@dataclass(frozen=True)
class CompiledDoor:
    """A checked door, its templates compiled once."""

    config: HttpDoor
    capture: Compiled
    suspend: Compiled
    verify: Compiled
    resume: Compiled | None
    mark: Text | None

    @property
    def changed_names(self) -> frozenset[str]:
        """The names under `state` that our own suspension changes."""
        own = {name for name, at in self.config.state.items() if at == self.config.closed.at}
        return frozenset(own | set(self.config.changes))

    @property
    def references(self) -> tuple[str, ...]:
        """Every reference to a secret, each once."""
        requests = [request for request in (self.capture, self.suspend, self.verify, self.resume) if request]
        return tuple(dict.fromkeys(reference for request in requests for reference in request.references))


def compile_door(target: Target, door: Door) -> CompiledDoor:
    """Check and compile. Cached by what is written. Raises InvalidInput with all problems."""
    try:
        return _compile(orjson.dumps(door.config))
    except InvalidInput as error:
        place = f"targets.{target.id}.doors.{door.name}.config"
        raise InvalidInput(
            problem.model_copy(update={"field": f"{place}.{problem.field}" if problem.field else place})
            for problem in error.problems
        ) from None


@lru_cache(maxsize=1024)
def _compile(config: bytes) -> CompiledDoor:
    door = _read(orjson.loads(config))
    snapshot: Names = {"state": dict.fromkeys(door.state), "version_token": None, "digest": None}
    change: Names = {**_LOOK, "operation_key": None, "snapshot": snapshot, "live": {"version_token": None}}
    problems: list[Problem] = []

    def compiled(name: str, request: Request | None, names: Names) -> Compiled | None:
        try:
            return None if request is None else calls.compile_request(request, names)
        except InvalidInput as error:
            problems.extend(item.model_copy(update={"field": f"{name}.{item.field}"}) for item in error.problems)
            return None

    capture, verify = compiled("capture", door.capture, _LOOK), compiled("verify", door.verify, _LOOK)
    suspend, resume = compiled("suspend", door.suspend, change), compiled("resume", door.resume, change)
    mark = _mark(door, problems)
    problems.extend(_reads_only(door))
    if problems or capture is None or suspend is None:  # both are written in every door, so None comes with a problem
        raise InvalidInput(problems)
    return CompiledDoor(door, capture, suspend, verify or capture, resume, mark)


def _read(config: object) -> HttpDoor:
    try:
        return HttpDoor.model_validate(config)
    except ValidationError as error:
        raise InvalidInput(config_problems(error, HttpDoor, "see docs/how-to/connect-with-http.md")) from None


def _mark(door: HttpDoor, problems: list[Problem]) -> Text | None:
    if door.mark is None:
        return None
    try:
        return templates.compile_text(door.mark.value, {**_LOOK, "operation_key": None}, "body")
    except InvalidInput as error:
        problems.extend(item.model_copy(update={"field": "mark.value"}) for item in error.problems)
        return None


def _reads_only(door: HttpDoor) -> list[Problem]:
    looks: list[tuple[str, Request | None]] = [("capture", door.capture), ("verify", door.verify)]
    return [
        Problem(
            code="K101",
            message=f"{name} uses {request.method}",
            do="looking must not change anything: use GET",
            field=f"{name}.method",
        )
        for name, request in looks
        if request is not None and request.method not in ("GET", "HEAD")
    ]


def values_of(
    target: Target, door: Door, snapshot: Snapshot | None = None, operation_key: str | None = None
) -> dict[str, object]:
    """Return the values that templates may use."""
    values: dict[str, object] = {
        "target": {name: getattr(target, name) for name in _TARGET},
        "door": {"name": door.name},
    }
    if snapshot is not None:
        state = {name: thaw(value) for name, value in snapshot.state.items()}
        values["snapshot"] = {"state": state, "version_token": snapshot.version_token, "digest": snapshot.digest}
    if operation_key is not None:
        values["operation_key"] = operation_key
    return values


def at(document: Json, pointer: str) -> Json | Missing:
    """Return what a JSON Pointer (RFC 6901) points at, or MISSING."""
    for raw in pointer.split("/")[1:]:
        part = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict) and part in document:
            document = document[part]
        elif isinstance(document, list) and _is_number(part) and int(part) < len(document):
            document = document[int(part)]
        else:
            return MISSING
    return document


def _is_number(text: str) -> bool:
    """Whether it is written in the ten digits: `²` is a digit to Python, and no number to `int`."""
    return text.isascii() and text.isdigit()


def freeze(value: Json) -> Json:
    """Write numbers that have no canonical form as text, so that the state can be digested and still be restored."""
    match value:
        case bool():
            return value
        case float():
            return {"$number": repr(value)}
        case int() if abs(value) >= 1 << 53:
            return {"$number": str(value)}
        case dict():
            return {key: freeze(item) for key, item in value.items()}
        case list():
            return [freeze(item) for item in value]
        case _:
            return value


def thaw(value: Json) -> Json:
    """Undo `freeze`."""
    match value:
        case {"$number": str(text), **rest} if not rest:
            return int(text) if _is_number(text.removeprefix("-")) else float(text)
        case dict():
            return {key: thaw(item) for key, item in value.items()}
        case list():
            return [thaw(item) for item in value]
        case _:
            return value
