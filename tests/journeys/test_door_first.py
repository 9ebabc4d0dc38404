"""The question about a door comes before anything slow: the shipped playbook, over HTTP, with a ledger on a server.

When the ledger is asked for, the server that holds it looks into the journal, over HTTP as well: the question must
stand there by then. Nothing here depends on how fast anything is.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.benchmarks.alert_to_question import DOOR, FIRST, SURE, ledger, manifest
from tests.journeys.at_home import AtHome

pytestmark = pytest.mark.slow
ROWS = 400


class Archive:
    """Holds ledger and manifest, and notes at the first call which questions stand in the journal."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.here: AtHome | None = None
        archive = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                archive.asked.append(archive.questions())
                content = json.dumps((ledger if self.path == "/ledger" else manifest)(ROWS)).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def questions(self) -> list[str]:
        """The tasks of the incident, as the API tells them to anybody else."""
        assert self.here
        return list(self.here.tasks(self.incident))

    incident = ""


@pytest.fixture(name="archive")
def _archive() -> Iterator[Archive]:
    archive = Archive()
    yield archive
    archive.server.shutdown()


@pytest.fixture(name="here")
def _here(tmp_path: Path, archive: Archive) -> Iterator[AtHome]:
    here = AtHome(tmp_path)
    evidence = {
        "consent_ledger": {"url": f"{archive.url}/ledger"},
        "training_manifest": {"url": f"{archive.url}/manifest"},
    }
    target = {"kind": "endpoint", "evidence": evidence, "doors": [door()]}
    (here.data / "targets.yaml").write_text(yaml.safe_dump({"targets": {"finetune-large": target}}))
    archive.here = here
    try:
        here.up()
        yield here
    finally:
        here.down()


def door() -> dict[str, Any]:
    """A door that nobody opens or closes in this journey."""
    call = {"url": "http://127.0.0.1:9/models/x"}
    return {
        "name": "platform", "connector": "http",
        "config": {
            "capture": call, "state": {"state": "/state"}, "closed": {"at": "/state", "values": ["suspended"]},
            "suspend": {**call, "method": "PUT", "json": {"state": "suspended"}},
            "resume": {**call, "method": "PUT", "json": {"state": "{{ snapshot.state.state }}"}},
        },
    }  # fmt: skip


def test_the_question_about_the_door_stands_before_the_ledger_is_asked_for(
    here: AtHome, archive: Archive
) -> None:  # fmt: skip
    """Two people have answered; then the door is asked about, and only then is anything examined."""
    incident = archive.incident = here.alert(
        id="a1", severity="high", incident="unauthorized_ai_training", endpoint="finetune-large"
    )
    here.answer(incident, FIRST, "own_decision")
    here.answer(incident, SURE, "yes")
    here.until(lambda: len(archive.asked) == 2)
    assert DOOR in archive.asked[0]
    here.until(lambda: here.facts(incident).get("people_affected"))
    journal = here.journal(incident)
    question = next(e["seq"] for e in journal if e["kind"] == "task.opened" and e["body"]["task"] == DOOR)
    started = next(e["seq"] for e in journal if e["body"].get("op") == "containment.reconcile")
    assert question < started
