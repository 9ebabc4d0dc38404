"""A backup of the first release, restored by today's: nothing of it is lost, and its incidents go on.

`earlier/first-release.tar.gz` was made by that release's own command line: a leak that was confirmed and whose clocks
run, a request of a person, an alert of a detector, an account and a token. It is never made anew.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.journeys.installation import Installation
from tests.patience import GENEROUS

from firedoor.core.entries.registry import read_body

ARCHIVE = Path(__file__).parent / "earlier" / "first-release.tar.gz"
HEAD = "e93700610048c18c"  # of the first incident, as the first release printed it
LEAK, ENTRIES = "INC-2026-0001", 48
CLOCKS = {"eu.gdpr.art33.sa", "eu.gdpr.art33.processor", "eu.gdpr.art33.register", "eu.gdpr.art34.subjects"}
PASSWORD = "correct horse battery staple 7"


@pytest.fixture(name="restored")
def _restored(tmp_path: Path) -> Iterator[Installation]:
    """An installation whose folder is the archive of the first release, restored into an empty one."""
    found = Installation(tmp_path)
    (found.data / "firedoor.db").unlink()
    archive = tmp_path / "backup.tar"
    archive.write_bytes(gzip.decompress(ARCHIVE.read_bytes()))
    done = found.command("restore", archive)
    assert done.returncode == 0, done.stderr.decode()
    yield found
    found.down()


@pytest.mark.slow
def test_a_backup_of_the_first_release_goes_on(restored: Installation) -> None:
    """Chains hold and are the same, clocks run on, people sign in, and an open question is answered."""
    verified = restored.command("journal", "verify", "--format", "json")
    assert verified.returncode == 0, verified.stdout.decode()
    restored.up()
    entries = [json.loads(line) for line in restored.call("GET", f"/incidents/{LEAK}/journal").text.splitlines()]
    assert entries[ENTRIES - 1]["hash"].startswith(HEAD)
    for entry in entries:
        read_body(entry["kind"], entry["body"])  # raises for a form that today's version does not know
    clocks = restored.call("GET", f"/incidents/{LEAK}/clocks").json()["clocks"]
    assert {clock["duty"] for clock in clocks} >= CLOCKS
    answer = {"choice": "refuse", "why": "it is a copy that nobody calls"}
    restored.call("POST", f"/incidents/{LEAK}/tasks/T6/answer", json=answer)
    told = restored.call("GET", f"/incidents/{LEAK}/timeline").text
    assert answer["why"] in told
    assert restored.command("journal", "verify").returncode == 0


@pytest.mark.slow
def test_accounts_and_alerts_of_the_first_release_are_still_there(restored: Installation) -> None:
    """Ada signs in with the password that she had; a further alert finds the incident that an alert opened."""
    restored.up()
    form = {"name": "ada", "password": PASSWORD}
    signed = httpx.post(f"{restored.url}/sign-in", data=form, headers={"sec-fetch-site": "same-origin"},
                        trust_env=False, timeout=GENEROUS)  # fmt: skip
    assert (signed.status_code, "firedoor_session" in signed.headers.get("set-cookie", "")) == (303, True)
    example = Path(__file__).parents[2] / "src" / "firedoor" / "alerts" / "examples" / "generic.json"
    again = {**json.loads(example.read_text())[0], "id": "another-finding"}
    told = restored.deliver("generic", json.dumps(again).encode())
    assert told["incident"] == "INC-2026-0003", told
