"""Attack: a planted pattern, sent to a real server with its own Prefect; afterwards it is found in no file at all."""

from __future__ import annotations

import base64
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.attacks.content.test_content_gate import KINDS, TEXTS, found_in
from tests.attacks.disguises import DISGUISES, PNG
from tests.journeys.conftest import _no_prefect_of_somebody_else  # noqa: F401 - a fixture
from tests.journeys.test_up import Here, _here  # noqa: F401 - a fixture
from tests.patience import until

pytestmark = pytest.mark.slow


@pytest.fixture(name="api")
def _api(here: Here, tmp_path: Path) -> Iterator[httpx.Client]:
    """The server's own user, over the network; its temporary folder is below the one that is searched."""
    (tmp_path / "temporary").mkdir()
    here.environment["TMPDIR"] = str(tmp_path / "temporary")
    here.up()
    token = {"authorization": f"Bearer {here.note()['token']}"}
    with httpx.Client(base_url=f"{here.note()['url']}/api/v1", headers=token, timeout=60, trust_env=False) as api:
        yield api


def test_a_planted_pattern_is_nowhere(here: Here, api: httpx.Client, tmp_path: Path) -> None:
    """Database, write-ahead log, Prefect's database, vault, logs, temporary folder, backup and bag."""
    alert = {
        "version": "4", "alerts": [{"status": "firing", "startsAt": "2026-11-21T03:00:00Z", "labels": {
            "alertname": "leak", "severity": "high", "picture": TEXTS["base64-jpeg"], "place": TEXTS["data-uri"],
            "escaped": TEXTS["escapes"],
        }}],
    }  # fmt: skip
    received = api.post("/alerts/alertmanager", json=alert)
    assert received.status_code == 202, received.text
    incident = str(received.json()["alerts"][0]["incident"])
    for number, piece in enumerate(DISGUISES.values()):
        headers, given = {"content-type": KINDS[number % 4]}, {"name": f"log {number}", "why": "as reported"}
        kept = api.post(f"/incidents/{incident}/evidence", content=piece, params=given, headers=headers).json()
        assert kept["evidence"]["mode"] == "digest"
    huge = PNG * 500 + base64.b64encode(PNG) * 500
    for mode in ("auto", "vault"):
        api.post(f"/incidents/{incident}/evidence", content=huge, params={"name": "x", "why": "x", "mode": mode})
    assert here.command("backup", tmp_path / "backup.tar").returncode == 0
    assert here.command("evidence", "export", incident, tmp_path / "bag").returncode == 0
    prefect = here.data / "prefect" / "prefect.db"
    until(prefect.exists, otherwise=here.said)
    assert found_in(tmp_path, [*DISGUISES.values(), json.dumps(alert).encode()]) == []
    assert here.end(signal.SIGTERM) == 0
    assert found_in(tmp_path, [*DISGUISES.values(), json.dumps(alert).encode()]) == []
