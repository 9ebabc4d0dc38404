"""`docs/explanation/walk.md` is true: each way is taken in this process, and enters its files in the page's order."""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import CodeType, FrameType

import pytest
from tests.support.api_house import House, house

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "firedoor"
PAGE = (ROOT / "docs" / "explanation" / "walk.md").read_text(encoding="utf-8")
LINE = re.compile(r"^\d+\. `([\w/]+\.py)` `(\w+)`:", re.MULTILINE)
MOST = 9
FROM_OUTSIDE = {"compiled", "conduct_run"}  # by whoever asks for a playbook, and by Prefect through `flows/`
Step = tuple[str, str]


def ways() -> dict[str, list[Step]]:
    """The ways of the page, by title."""
    parts = re.split(r"^## (.*)$", PAGE, flags=re.MULTILINE)[1:]
    return {title: LINE.findall(text) for title, text in zip(parts[::2], parts[1::2], strict=True)}


@contextmanager
def entered(wanted: list[Step]) -> Iterator[list[Step]]:
    """Note each of these functions where it is entered for the first time, in whichever thread."""
    names = {(str(PACKAGE / file), function): (file, function) for file, function in wanted}
    seen: list[Step] = []

    def look(frame: FrameType, event: str, _: object) -> None:
        code: CodeType = frame.f_code
        step = names.get((code.co_filename, code.co_name)) if event == "call" else None
        if step is not None and step not in seen:
            seen.append(step)

    threading.setprofile(look)
    sys.setprofile(look)
    try:
        yield seen
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def way(title: str) -> list[Step]:
    """One way of the page."""
    return ways()[title]


@pytest.mark.parametrize("title", ways())
def test_a_way_is_short_and_enters_no_file_twice(title: str) -> None:
    """What takes more than nine files to follow is followed by nobody."""
    files = [file for file, _ in way(title)]
    assert 1 < len(files) <= MOST
    assert len(set(files)) == len(files)


class Gate(BaseHTTPRequestHandler):
    """A gate that can be shut."""

    state = "on"

    def do_GET(self) -> None:
        """Say how it stands."""
        self._say()

    def do_PUT(self) -> None:
        """Shut it, or open it."""
        type(self).state = self.path.strip("/")
        self._say()

    def _say(self) -> None:
        body = json.dumps({"state": type(self).state}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    """Firedoor beside a model behind one gate."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Gate) as gate:
        threading.Thread(target=gate.serve_forever, daemon=True).start()
        at = f"http://127.0.0.1:{gate.server_port}"
        config = {
            "capture": {"url": f"{at}/"}, "state": {"state": "/state"}, "closed": {"at": "/state", "values": ["off"]},
            "suspend": {"method": "PUT", "url": f"{at}/off"}, "resume": {"method": "PUT", "url": f"{at}/on"},
        }  # fmt: skip
        door = {"name": "gate", "connector": "http", "config": config}
        (tmp_path / "targets.yaml").write_text(json.dumps({"targets": {"chat-large": {"doors": [door]}}}))
        (tmp_path / "organisation.yaml").write_text("name: Example\nfacts: {established_in: [DE], controller: yes}\n")
        async with house(tmp_path) as built:
            yield built
        gate.shutdown()


async def taken(built: House, title: str, path: str, body: object, incident: str = "") -> list[Step]:
    """Take a way by one call of the API, and wait until the incident rests."""
    with entered(way(title)) as seen:
        answer = await built.local.post(f"/api/v1/{path}", json=body)
        assert answer.is_success, answer.text
        await built.runtime.driver.settled(incident or answer.json()["alerts"][0]["incident"])
    return seen


async def test_an_alert_closes_a_model(built: House) -> None:
    """From the route to the connector's call."""
    title, alert = "An alert closes a model", json.loads((PACKAGE / "demo" / "alert.json").read_text())
    assert await taken(built, title, "alerts/alertmanager", alert) == way(title)
    assert Gate.state == "off"


async def test_a_decision_and_a_fact(built: House) -> None:
    """From the route to the chain; and on to the law's own counting."""
    incident = await built.open(endpoint="chat-large", severity="low")
    at = f"incidents/{incident}"
    title, answer = (
        "A decision becomes an entry of the journal",
        {"choice": "training_data", "why": "it is in the manifest"},
    )
    assert await taken(built, title, f"{at}/tasks/T1/answer", answer, incident) == way(title)
    confirmed = await built.local.post(
        f"/api/v1/{at}/tasks/identification.confirm/answer", json={"choice": "yes", "why": "seen"}
    )
    assert confirmed.is_success, confirmed.text
    await built.runtime.driver.settled(incident)
    title, facts = "A fact starts a legal clock", {"residents_eu": "20..400", "data_categories": ["contact"]}
    assert await taken(built, title, f"{at}/facts", {"facts": facts, "why": "counted"}, incident) == way(title)


def test_a_step_becomes_a_task_run() -> None:
    """Each function is called by one before it; the way itself is taken beside a real server in `runtime/prefect`."""
    known: list[str] = []
    for file, function in way("A step in YAML becomes a task run in Prefect"):
        source = (PACKAGE / file).read_text()
        assert re.search(rf"def {function}\(", source), (file, function)
        assert function in FROM_OUTSIDE or any(re.search(rf"\b{function}\b", one) for one in known), (file, function)
        known.append(source)
