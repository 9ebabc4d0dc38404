"""The lanes of the fuzzing: alerts, facts and answers, every route of the API, and the command line.

Decides what is sent, and what must hold whatever is sent: no answer of 5xx, no traceback, no incident that cannot be
driven or is set aside, readiness kept. Each lane is one hypothesis property over a running installation.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from hypothesis import strategies as st
from tests.fuzz import values
from tests.support.api_house import LEAK, House

from firedoor.alerts.registry import example_body, sources
from firedoor.core.isolated import fault_of
from firedoor.interfaces.cli.main import main
from firedoor.store.incidents.set_aside import how_many, what_is

LEGAL = ("nonconsensual-generation", "unauthorized-training", LEAK)
UNEXPECTED = 70  # the exit code of what should not have happened
SKIPPED = ("/events", "/slack", "/backup", "/calendar/")  # lines that stay open, and what another program signs
Body = Any


class Installation:
    """The house that is fuzzed, with its loop, so that a plain function can ask it something."""

    def __init__(self, house: House, loop: asyncio.AbstractEventLoop) -> None:
        self.house, self.loop = house, loop
        self.client = house.local
        self.incidents: list[str] = []

    def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        """Ask, and wait until every drive that follows has ended."""
        return self.loop.run_until_complete(self._ask(method, path, **given))

    async def _ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        answer = await self.client.request(method, path, **given)
        assert answer.status_code < 500, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        await self._settle()
        return answer

    async def _settle(self) -> None:
        """Nothing is driven any more, and nothing is broken."""
        driver, store = self.house.runtime.driver, self.house.runtime.world.store
        while driver._drives:
            await asyncio.wait(list(driver._drives.values()))
        assert not driver.failing, f"cannot be driven: {driver.failing}"
        with store.engine.connect() as connection:
            assert how_many(connection) == 0, f"set aside: {what_is(connection, 3)}"

    def ready(self) -> None:
        """Readiness is kept."""
        assert self.ask("GET", "/readyz").status_code == 200


def as_body(body: Body) -> bytes:
    """JSON, also where it holds half of a surrogate pair."""
    return json.dumps(body).encode()


@st.composite
def alert(draw: st.DrawFn) -> tuple[str, Mapping[str, str], bytes]:
    """A delivery of one of the sources: an example of its own, spoilt."""
    source = draw(st.sampled_from(sorted(sources())))
    example = draw(st.sampled_from(sources()[source].examples))
    body = example_body(example)
    with contextlib.suppress(ValueError):
        body = as_body(draw(values.spoilt(json.loads(body))))
    if draw(st.integers(0, 19)) == 0:
        body = body[: draw(st.integers(0, len(body)))]
    return source, example.headers, body


def alerts(here: Installation, given: tuple[str, Mapping[str, str], bytes]) -> None:
    """A delivery is taken in or refused in words, and what it started is driven."""
    source, headers, body = given
    here.ask("POST", f"/api/v1/alerts/{source}", content=body, headers=dict(headers))


@st.composite
def facts(draw: st.DrawFn) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """A playbook, facts to start it with, and facts to set then."""
    from firedoor.runtime.config import playbooks

    playbook = draw(st.sampled_from(LEGAL))
    known = {**playbooks.vocabulary(), **playbooks.compiled(playbook).definitions()}
    picked = draw(st.lists(st.sampled_from(sorted(known)), max_size=6, unique=True))
    first = {name: draw(values.of_fact(known[name])) for name in picked}
    later = {name: draw(values.of_fact(known[name])) for name in picked[:3]}
    return playbook, first, later


def incidents(here: Installation, given: tuple[str, dict[str, Any], dict[str, Any]]) -> None:
    """Facts are taken or refused in words; those that are taken one by one start an incident that is driven."""
    playbook, first, later = given
    headers = {"content-type": "application/json"}
    taken = {}
    for name, value in first.items():
        body = as_body({"playbook": playbook, "facts": {name: value}})
        if here.ask("POST", "/api/v1/incidents?dry_run=true", content=body, headers=headers).is_success:
            taken[name] = value
    body = as_body({"playbook": playbook, "facts": taken, "why": "fuzz"})
    answer = here.ask("POST", "/api/v1/incidents", content=body, headers=headers)
    if not answer.is_success:
        return
    incident = answer.json()["incident"]
    here.incidents = [*here.incidents[-5:], incident]
    body = as_body({"facts": later, "why": "fuzz"})
    here.ask("PATCH", f"/api/v1/incidents/{incident}/facts", content=body, headers=headers)
    for page in ("", "/timeline", "/clocks", "/report"):
        here.ask("GET", f"/api/v1/incidents/{incident}{page}")
    here.ask("GET", f"/incidents/{incident}", headers={"accept": "text/html"})


def routes(here: Installation) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Every documented route: method, path, and what it takes."""
    described = here.house.app.openapi()
    return [
        (method.upper(), path, {**route, "schemas": described["components"]["schemas"]})
        for path, methods in described["paths"].items()
        for method, route in methods.items()
        if not any(part in path for part in SKIPPED)
    ]


@st.composite
def call(draw: st.DrawFn, here: Installation) -> tuple[str, str, dict[str, str], Body]:
    """A call of one route, with ugly parameters and an ugly body in its shape."""
    method, path, route = draw(st.sampled_from(routes(here)))
    names = st.sampled_from([*here.incidents, *LEGAL, "T1", "1", "alertmanager", "eu.gdpr.art33.sa"]) | values.texts
    for name in [part[1:-1] for part in path.split("/") if part.startswith("{")]:
        real = st.sampled_from(here.incidents) if name == "incident" and here.incidents else names
        path = path.replace(f"{{{name}}}", quote(_sendable(draw(real | names)), safe="") or "x")
    query = {
        one["name"]: _sendable(str(draw(values.scalars)))
        for one in route.get("parameters", ())
        if one["in"] == "query" and draw(st.booleans())
    }
    content = route.get("requestBody", {}).get("content", {}).get("application/json")
    body = draw(of_schema(content["schema"], route["schemas"])) if content else None
    return method, path, query, body


def api(here: Installation, given: tuple[str, str, dict[str, str], Body]) -> None:
    """Every route answers in words, whatever it is given."""
    method, path, query, body = given
    content = None if body is None else as_body(body)
    here.ask(method, path, params=query, content=content, headers={"content-type": "application/json"})


def of_schema(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Values in the shape of a schema, ugly ones among them, and now and then another shape."""
    if "$ref" in schema:
        return of_schema(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "anyOf" in schema:
        return st.one_of(*(of_schema(one, schemas) for one in schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")])) | values.texts
    match schema.get("type"):
        case "object":
            shape = {name: of_schema(one, schemas) for name, one in schema.get("properties", {}).items()}
            needed = {name: one for name, one in shape.items() if name in schema.get("required", ())}
            rest = {name: one for name, one in shape.items() if name not in needed}
            return st.fixed_dictionaries(needed, optional=rest) | values.anything
        case "array":
            return st.lists(of_schema(schema.get("items", {}), schemas), max_size=4)
        case "string":
            return values.texts | values.instants
        case "integer" | "number":
            return values.numbers
        case "boolean":
            return st.booleans()
        case _:
            return values.anything


def _sendable(text: str) -> str:
    """What an address can hold at all."""
    return text.encode("utf-8", "replace").decode().replace("/", "_")[:200]


COMMANDS = (
    ("run", LEAK, "--dry-run", "--fact", "@fact"), ("run", LEAK, "--fact", "@fact"), ("status", "@text"),
    ("timeline", "@text"), ("facts", "INC-2026-0001", "set", "@fact", "--why", "@text"), ("tasks", "@text"),
    ("answer", "INC-2026-0001", "@text", "@text", "--why", "@text"), ("clocks", "@text"), ("journal", "@text"),
    ("journal", "verify", "@text"), ("report", "@text"), ("duties", "show", "@text"), ("show", "@text"),
    ("duties", "due", "eu.gdpr.art33.sa", "--event", "aware", "--at", "@instant", "--tz", "@text"),
    ("duties", "due", "eu.gdpr.art33.sa", "--event", "aware", "--at", "@instant", "--tz", "Europe/Berlin"),
    ("incidents", "--all"), ("evidence", "list", "@text"), ("legal-hold", "@text", "--why", "@text"),
    ("submit", "INC-2026-0001", "@text", "--receipt", "@text"), ("claim", "INC-2026-0001", "@text", "--why", "@text"),
    ("pause", "@text", "--why", "@text"), ("token", "create", "--role", "@text"), ("drill", "@text"),
    ("check", "@file"),
    ("duties", "assess", "--facts", "@file", "--at", "@instant"),
    ("alert", "parse", "--source", "generic", "--file", "@file"),
    ("alert", "parse", "--source", "@text", "--file", "@file"), ("clock", "extend", "INC-2026-0001", "@text"),
)  # fmt: skip


@st.composite
def command(draw: st.DrawFn) -> tuple[list[str], Body]:
    """A command line with ugly words in its places, and what its file holds."""
    from firedoor.runtime.config import playbooks

    known = playbooks.vocabulary()
    words: list[str] = []
    for word in draw(st.sampled_from(COMMANDS)):
        if word == "@fact":
            name = draw(st.sampled_from(sorted(known)))
            words.append(f"{name}={_typed(draw(values.of_fact(known[name])))}")
        elif word == "@instant":
            words.append(_typed(draw(values.instants)))
        else:
            words.append(_typed(draw(values.texts)) if word == "@text" else word)
    return words, draw(values.anything)


def _typed(value: Any) -> str:
    """As a shell can hand it over: no NUL, and half of a pair as a byte that is no text."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text.replace("\x00", "").encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")


def commands(folder: Path) -> Callable[[tuple[list[str], Body]], None]:
    """A command ends in words with a documented exit code."""
    file = folder / "given.yaml"

    def run(given: tuple[list[str], Body]) -> None:
        words, body = given
        file.write_bytes(as_body(body))
        line = [str(file) if word == "@file" else word for word in words]
        code, said = _run(line)
        assert code in (0, 1, 2, 3, 4), f"firedoor {line!r}: exit {code}\n{said}"
        assert "Traceback" not in said, f"firedoor {line!r}\n{said}"
        assert "W15" not in said, f"firedoor {line!r}\n{said}"

    return run


def _run(line: list[str]) -> tuple[int, str]:
    said, before = io.StringIO(), sys.argv
    sys.argv = ["firedoor", *line]
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None), said.getvalue()
    except Exception as error:  # noqa: BLE001 - what should never come out
        return UNEXPECTED, f"{said.getvalue()}\n{fault_of(error).words}"
    finally:
        sys.argv = before
    return 0, said.getvalue()
