"""The demonstration's platform as a process of its own, and somebody who answers every task."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import yaml
from tests.patience import GENEROUS, stop, until
from tests.sending import SAID
from tests.support.api_house import House, house

from firedoor.demo.targets import demo_inventory

KEYS = {"FIREDOOR_DEMO_API_KEY": "caller-key-for-tests", "FIREDOOR_DEMO_ADMIN_KEY": "admin-key-for-tests"}
# What a choice requires, in words; whatever is not here is answered with a sentence.
WORDS = {
    "reference": "REF-2026-1",
    **SAID,
    "reasons_for_delay": "The clock was found late.",
    "attended": "Ada, Ben",
    "measures": "M1: a test, Ada, 30 days",
}
FACTS: dict[str, Any] = {
    "controller": "yes",
    "processor": "no",
    "residents_eu": "20..60",
    "residents_uk": "0",
    "residents_us": "0",
    "people_affected": "20..60",
    "endpoint": "chat-large",
}
AGAINST = ("not_required", "invented", "not_held", "undecided", "not_yet")  # choices that end the story early


@contextlib.contextmanager
def platform(folder: Path) -> Iterator[str]:
    """Start the model server on a free port, and stop it. Yields its address."""
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "firedoor.demo.model_server", "--ready-file", str(ready), "--with-parent"]
    process = subprocess.Popen(command, env={**os.environ, **KEYS})
    try:
        until(ready.exists, process, "the model server does not start")
        yield str(json.loads(ready.read_text())["url"])
    finally:
        stop(process)


@contextlib.asynccontextmanager
async def guarded_platform(folder: Path, url: str) -> AsyncIterator[House]:
    """A house whose inventory is the platform."""
    targets = folder / "targets.yaml"
    inventory = demo_inventory(url).model_dump(mode="json", by_alias=True, exclude_none=True)
    targets.write_text(yaml.safe_dump(inventory, sort_keys=False))
    async with house(folder / "data", targets=targets) as built:
        yield built


async def answer_everything(
    client: httpx.AsyncClient, incident: str, other: httpx.AsyncClient, patience: float = GENEROUS
) -> None:
    """Answer task after task, the second approval by somebody else, until the incident has ended."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        detail = (await client.get(f"/api/v1/incidents/{incident}")).json()
        if detail["closed_at"]:
            return
        for task in detail["tasks"]:
            await _answer(client, other, incident, task)
        await asyncio.sleep(0.1)
    raise AssertionError(f"still open: {[task['question'] for task in detail['tasks']]}")


async def _answer(client: httpx.AsyncClient, other: httpx.AsyncClient, incident: str, task: dict[str, Any]) -> None:
    choice = next(choice for choice in task["choices"] if choice["id"] not in AGAINST)
    fields = {name: WORDS.get(name, f"about {name}") for name in choice["requires"]}
    body = {"choice": choice["id"], "why": f"because of {task['name']}", "fields": fields}
    body["facts"] = {name: FACTS[name] for name in task["asks"] if name in FACTS}
    people = (other,) if task["kind"] == "clock" else (client, other)  # whoever set the facts may not agree to it
    for one in people[: task["approvals"]]:
        done = await one.post(f"/api/v1/incidents/{incident}/tasks/{task['name']}/answer", json=body)
        assert done.status_code in (200, 409), (task, done.text)
