"""Runs one lane over an installation of its own: so many examples from a seed, within a time."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from tests.fuzz import abuse, lanes
from tests.support.api_house import LEAK, house
from tests.support.letters import writing

LANES = ("alerts", "facts", "api", "commands", "callers", "playbooks", "links", "uploads")
PREPARED = ("callers", "links", "uploads")  # those that need incidents and a client for every caller
ORGANISATION = """
name: Example Organisation
facts:
  {established_in: [US, DE], serves: [US, UK, DE, CN, BR], covered_platform: yes, controller: yes, time_zone: UTC}
"""


@dataclass(frozen=True)
class Found:
    """How many examples were tried, and the smallest one that broke something."""

    examples: int
    broken: str = ""


class Over(Exception):
    """The time is over."""


def fuzz(lane: str, examples: int, number: int, seconds: float = 600) -> Found:
    """Try examples of a lane; return the first thing that broke, shrunk."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "organisation.yaml").write_text(ORGANISATION)
        folder.chmod(0o700)
        if lane == "commands":
            return _commands(folder, examples, number, seconds)
        loop = asyncio.new_event_loop()
        try:
            return _over_http(lane, folder, loop, examples, number, seconds)
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()


def _over_http(
    lane: str, folder: Path, loop: asyncio.AbstractEventLoop, examples: int, number: int, seconds: float
) -> Found:  # fmt: skip
    opening = writing(folder) if lane == "links" else house(folder)
    here = abuse.Callers(loop.run_until_complete(opening.__aenter__()), loop)
    try:
        if lane == "api":
            body = lanes.as_body({"playbook": LEAK, "facts": {}, "why": "fuzz"})
            answer = here.ask("POST", "/api/v1/incidents", content=body, headers={"content-type": "application/json"})
            here.incidents = [answer.json()["incident"]]
        if lane in PREPARED:
            here.prepare()
        if lane == "links":
            abuse.links(here, abuse.PLAIN)
            assert here.answered == 1, "a plain link is not answered: the lane tries nothing"
        given_, ask = {
            "alerts": (lanes.alert(), lanes.alerts), "facts": (lanes.facts(), lanes.incidents),
            "api": (lanes.call(here), lanes.api), "callers": (abuse.as_somebody(here), abuse.callers),
            "playbooks": (abuse.playbook(), abuse.playbooks), "links": (abuse.link(), abuse.links),
            "uploads": (abuse.upload(), abuse.uploads),
        }[lane]  # fmt: skip
        found = _tried(given_, lambda one: ask(here, one), examples, number, seconds)
        here.client = here.house.local
        here.ready()
        return found
    except AssertionError as error:
        return Found(0, str(error)[:1500])
    finally:
        loop.run_until_complete(opening.__aexit__(None, None, None))


def _commands(folder: Path, examples: int, number: int, seconds: float) -> Found:
    before = os.environ.get("FIREDOOR_DATA_DIR")
    os.environ["FIREDOOR_DATA_DIR"] = str(folder)
    try:
        return _tried(lanes.command(), lanes.commands(folder), examples, number, seconds)
    finally:
        if before is None:
            del os.environ["FIREDOOR_DATA_DIR"]
        else:
            os.environ["FIREDOOR_DATA_DIR"] = before


def _tried(
    strategy: st.SearchStrategy[Any], check: Callable[[Any], None], examples: int, number: int, seconds: float
) -> Found:
    end, count = time.monotonic() + seconds, 0

    @seed(number)
    @settings(
        max_examples=examples, database=None, deadline=None, print_blob=False, report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink), suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def property_(one: Any) -> None:
        nonlocal count
        if time.monotonic() > end:
            raise Over
        count += 1
        check(one)

    try:
        property_()
    except Over:
        return Found(count)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        if isinstance(error, BaseExceptionGroup):  # what broke once, and not when it was tried again
            error = error.exceptions[0]
        notes = " ".join(getattr(error, "__notes__", ()))
        return Found(count, f"{type(error).__name__}: {str(error)[:1500]} {notes[:1500]}")
    return Found(count)
