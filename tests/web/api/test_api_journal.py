"""The journal, evidence and events over HTTP: anybody can verify an export, and reading leaves a mark."""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.patience import GENEROUS
from tests.support.api_house import House, house, problems
from tests.tampering import unguarded

FACTS = {"endpoint": "chat-large", "severity": "high"}


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as built:
        yield built


async def exported(built: House, folder: Path) -> tuple[Path, Path, str]:
    """An export, the program that verifies it, and the head."""
    incident = await built.open(**FACTS)
    await built.local.patch(
        f"/api/v1/incidents/{incident}/facts",
        json={"facts": {"root_cause": "Schlüssel fehlte 🔑\u2028"}, "why": "naïve"},
    )
    answer = await built.local.get(f"/api/v1/incidents/{incident}/export")
    journal, program = folder / "journal.jsonl", folder / "verify_journal.py"
    journal.write_bytes(answer.content)
    program.write_bytes((await built.client().get("/api/v1/journal/verify_journal.py")).content)
    return journal, program, answer.headers["x-firedoor-head"]


def verified(program: Path, journal: Path, *more: str) -> tuple[int, str]:
    """Run the program as an auditor would: without Firedoor, without anything installed."""
    command = [sys.executable, "-I", "-S", str(program), str(journal), *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=program.parent, env={})
    return done.returncode, done.stdout + done.stderr


async def test_an_auditor_verifies_an_export_with_python_alone(built: House, tmp_path: Path) -> None:
    """The untouched export holds, with the head that came with it; also with letters of every script."""
    journal, program, head = await exported(built, tmp_path)
    assert verified(program, journal, "--head", head) == (0, verified(program, journal)[1])
    assert verified(program, journal)[1].startswith("HOLDS.")


async def test_the_auditors_program_finds_any_flipped_byte(built: House, tmp_path: Path) -> None:
    """Whichever entry a byte is changed in, the chain is broken."""
    journal, program, _ = await exported(built, tmp_path)
    content = journal.read_bytes()
    for place in range(20, len(content), max(len(content) // 12, 1)):
        flipped = bytearray(content)
        flipped[place] ^= 1
        journal.write_bytes(bytes(flipped))
        code, said = verified(program, journal)
        assert (code, said.startswith("BROKEN.")) == (1, True), (place, said)


async def test_the_auditors_program_finds_missing_moved_and_cut_entries(built: House, tmp_path: Path) -> None:
    """A line taken out, two lines exchanged, the end cut off (against the head), and an empty file."""
    journal, program, head = await exported(built, tmp_path)
    lines = journal.read_bytes().splitlines(keepends=True)
    assert len(lines) > 4
    for broken in (lines[:2] + lines[3:], [*lines[:1], lines[2], lines[1], *lines[3:]], lines[:-1], []):
        journal.write_bytes(b"".join(broken))
        assert verified(program, journal, "--head", head)[0] == 1
    assert verified(program, tmp_path / "nowhere")[0] == 2


async def test_the_journal_is_one_entry_a_line(built: House) -> None:
    """From any entry on, in order, with what the hashes are made of."""
    incident = await built.open(**FACTS)
    answer = await built.local.get(f"/api/v1/incidents/{incident}/journal", params={"after": 2})
    entries = [json.loads(line) for line in answer.text.splitlines()]
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [entry["seq"] for entry in entries] == list(range(3, len(entries) + 3))
    assert set(entries[0]) == {"incident", "seq", "at", "kind", "actor", "body", "prev", "hash"}


async def test_verification_finds_what_was_altered_in_the_database(built: House) -> None:
    """A row that somebody changed behind our back breaks the chain at its number."""
    incident = await built.open(**FACTS)
    assert (await built.local.get(f"/api/v1/incidents/{incident}/verify")).json()["holds"] is True
    with built.runtime.world.store.engine.begin() as connection:
        unguarded(connection).exec_driver_sql("UPDATE entry SET actor = 'person:Eve' WHERE seq = 2")
    found = (await built.local.post("/api/v1/journal/verify")).json()
    assert found["holds"] is False
    assert found["chains"][0]["fault"]["seq"] == 2


async def test_reading_a_piece_of_evidence_is_written_down(built: House) -> None:
    """The bytes come as they were kept, and the chain of custody names the reader and the reason."""
    incident = await built.open(**FACTS)
    url = f"/api/v1/incidents/{incident}/evidence"
    piece = (await built.local.get(url)).json()["evidence"][0]
    read = await built.holding("Lena", "legal").get(f"{url}/{piece['sha256']}", params={"why": "for the authority"})
    assert hashlib.sha256(read.content).hexdigest() == piece["sha256"]
    assert read.headers["content-disposition"].startswith("attachment")
    step = (await built.local.get(url)).json()["evidence"][0]["chain"][-1]
    assert (step["action"], step["by"], step["why"]) == ("read", "person:Lena", "for the authority")


async def test_a_piece_is_added_by_hand_with_a_reason(built: House) -> None:
    """The bytes are in the vault under their digest, and without a reason nothing is kept."""
    incident = await built.open(**FACTS)
    url = f"/api/v1/incidents/{incident}/evidence"
    headers = {"content-type": "text/plain"}
    refused = await built.local.post(url, content=b"log", params={"name": "log", "why": " "}, headers=headers)
    assert problems(refused) == ["E105"]
    kept = await built.local.post(url, content=b"log", params={"name": "log", "why": "from ops"}, headers=headers)
    assert kept.json()["evidence"]["sha256"] == hashlib.sha256(b"log").hexdigest()
    assert built.runtime.world.vault.get(kept.json()["evidence"]["sha256"]) == b"log"


async def test_images_are_kept_by_their_digest_only(built: House) -> None:
    """An image is refused for the vault; with mode=digest its bytes pass by and are nowhere afterwards."""
    incident = await built.open(**FACTS)
    url = f"/api/v1/incidents/{incident}/evidence"
    given = {"name": "output 7", "why": "as reported"}
    headers, content = {"content-type": "image/png"}, b"not really a picture"
    assert problems(
        await built.local.post(url, content=content, params={**given, "mode": "vault"}, headers=headers)
    ) == ["E106"]
    kept = await built.local.post(url, content=content, params=given, headers=headers)
    assert kept.json()["evidence"]["mode"] == "digest"
    digest = kept.json()["evidence"]["sha256"]
    assert digest == hashlib.sha256(content).hexdigest()
    assert not built.runtime.world.vault.path(digest).exists()
    assert problems(await built.local.get(f"{url}/{digest}")) == ["E102"]


async def test_a_digest_that_is_not_kept_is_404_and_no_path(built: House) -> None:
    """Only 64 hexadecimal digits are a name; nothing else reaches the vault."""
    incident = await built.open(**FACTS)
    url = f"/api/v1/incidents/{incident}/evidence"
    assert problems(await built.local.get(f"{url}/{'0' * 64}")) == ["E101"]
    assert (await built.local.get(f"{url}/..%2f..%2ffiredoor.db")).status_code in (404, 422)


async def listened_to(built: House) -> None:
    """Wait until somebody listens to events."""
    for _ in range(500):
        if built.app.state.events.listeners:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody listens")


async def test_events_tell_where_something_happened(built: House) -> None:
    """One event for each new entry: its incident, number and kind, and not a word of its content."""
    listening = asyncio.create_task(built.holding("Vic", "viewer").get("/api/v1/events", params={"limit": 2}))
    await listened_to(built)
    incident = await built.open(**FACTS)
    text = (await asyncio.wait_for(listening, GENEROUS)).text
    assert f"id: {incident}:1\nevent: incident.opened\n" in text
    assert f'"incident":"{incident}","seq":2' in text
    assert "chat-large" not in text


async def test_events_of_one_incident_only(built: House) -> None:
    """With `incident` others are not told."""
    first = await built.open(**FACTS)
    url = "/api/v1/events"
    listening = asyncio.create_task(built.local.get(url, params={"limit": 1, "incident": first}))
    await listened_to(built)
    await built.open(**FACTS)
    await built.local.patch(f"/api/v1/incidents/{first}/facts", json={"facts": {"severity": "low"}, "why": "x"})
    text = (await asyncio.wait_for(listening, GENEROUS)).text
    assert f"id: {first}:" in text
    assert "INC-" not in text.replace(first, "")


async def test_metrics_count_and_say_nothing(built: House) -> None:
    """Prometheus' text format, with counts by state and no title of any incident."""
    incident = await built.open(**FACTS)
    text = (await built.client().get("/metrics")).text
    assert 'firedoor_incidents{state="open",type="data_leakage_in_ai_models"} 1' in text
    assert 'firedoor_part_well{part="store"} 1' in text
    assert incident not in text


async def test_every_count_is_read_by_prometheus_as_it_is(built: House) -> None:
    """Its own parser reads the whole answer; a count beyond a million keeps its last digit, and a source its quotes."""
    built.runtime.service.quotas.refused['a "quoted"\nsource', "per_day"] = 1_234_567
    answer = await built.client().get("/metrics")
    found = {family.name: family for family in text_string_to_metric_families(answer.text)}
    (refused,) = found["firedoor_alerts_refused"].samples
    assert (refused.value, refused.labels["source"]) == (1_234_567, 'a "quoted"\nsource')
    assert {family.type for family in found.values()} == {"gauge", "counter"}
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


async def test_ready_means_that_alerts_are_accepted_and_clocks_watched(built: House) -> None:
    """Every part is shown; Prefect is off here and not waited for."""
    for _ in range(50):
        answer = await built.client().get("/readyz")
        if answer.status_code == 200:
            break
        await asyncio.sleep(0.1)
    assert answer.json()["ready"] is True
    assert answer.json()["parts"]["prefect"] == "off"


async def test_a_server_that_stops_ends_the_lines_of_its_listeners(built: House) -> None:
    """A listener does not hold up a server that was asked to stop."""
    listening = asyncio.create_task(built.local.get("/api/v1/events"))
    await listened_to(built)
    built.app.state.events.dismiss()
    assert (await asyncio.wait_for(listening, GENEROUS)).status_code == 200
    assert not built.app.state.events.listeners
