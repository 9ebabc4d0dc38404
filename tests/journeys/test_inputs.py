"""Deliveries as senders make them, over HTTP to a running server: what the preview shows is what the journal holds."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.journeys.installation import JSON, Installation

from firedoor.core.alerts.signatures import sign
from firedoor.runtime.config import playbooks

CASES = Path(__file__).parent / "cases"
PAGES = sorted((CASES / "playbooks").glob("*.yaml"))
FOREIGN = sorted((CASES / "mappings").glob("*.json"))
SECRET = "0123456789abcdef-moderation"
pytestmark = pytest.mark.slow


@pytest.fixture(name="here", scope="module")
def _here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An organisation to which the removal laws apply, with one mapped source."""
    folder = tmp_path_factory.mktemp("inputs")
    shutil.copytree(playbooks.folder(), folder / "playbooks")
    for page in PAGES:
        shutil.copy(page, folder / "playbooks")
    own = {"FIREDOOR_SOURCE_SECRET_MODERATION": "secret://env/MODERATION", "MODERATION": SECRET}
    here = Installation(folder, FIREDOOR_PLAYBOOKS=str(folder / "playbooks"), **own)
    (here.data / "organisation.yaml").write_bytes((CASES / "organisation.yaml").read_bytes())
    (here.data / "mappings").mkdir()
    (here.data / "mappings" / "moderation.yaml").write_bytes((CASES / "moderation.yaml").read_bytes())
    for file in FOREIGN:  # JSON is YAML
        (here.data / "mappings" / f"{file.stem}.yaml").write_text(json.dumps(json.loads(file.read_text())["mapping"]))
    try:
        here.up()
        yield here
    finally:
        here.down()


def now() -> datetime:
    """Our clock."""
    return datetime.now(UTC)


def case(name: str, **more: Any) -> bytes:
    """A case with its instants around our clock, and fields in the place of its own."""
    text = (CASES / name).read_text()
    text = text.replace("EARLIER", (now() - timedelta(hours=2)).isoformat())
    text = text.replace("LATER", (now() + timedelta(hours=6)).isoformat())
    return json.dumps({**json.loads(text), **more}).encode()


def instant(text: str) -> datetime:
    """An instant as the journal writes it."""
    return datetime.fromisoformat(text)


def unknown_to_the_journal(here: Installation, source: str, body: bytes) -> Mapping[str, Any]:
    """The facts that the preview shows and the journal does not hold as shown."""
    shown = here.asked("alert", "parse", "--source", source, "--file", "-", given=body)["alerts"][0]["would"]
    received = here.deliver(source, body)
    assert received["decision"] == shown["decision"] == "start"
    held = here.facts(received["incident"])
    return {name: value for name, value in shown["facts"].items() if held.get(name, "nothing") != value}


@pytest.mark.parametrize("severity", ["low", "high"])
def test_every_fact_of_the_preview_stands_in_the_journal(here: Installation, severity: str) -> None:
    """Also those of the law's vocabulary, and whichever rule of the playbook is the more specific one."""
    body = case("removal-request.json", id=f"facts-{severity}", endpoint=f"gallery-{severity}", severity=severity)
    assert unknown_to_the_journal(here, "generic", body) == {}


def test_a_removal_request_is_asked_about_and_has_one_clock_for_each_law(here: Installation) -> None:
    """Its elements are asked, law by law, and the clock counts from its arrival."""
    body = case("removal-request.json", id="asked", endpoint="gallery-asked")
    incident = here.deliver("generic", body)["incident"]
    clocks = here.until(lambda: here.call("GET", f"/incidents/{incident}/clocks").json()["clocks"])
    removal = [clock for clock in clocks if clock["duty"].startswith("us.tida")]
    assert len(removal) == 1
    assert instant(removal[0]["trigger_at"]) == instant(json.loads(body)["occurred_at"])
    here.until(lambda: "request" in here.call("GET", f"/incidents/{incident}/tasks").text.lower())


def test_a_senders_clock_that_is_ahead_moves_no_limit(here: Installation) -> None:
    """The clock starts at once and counts from our receipt; by how much the sender is ahead is on record."""
    before = now()
    received = here.deliver("generic", case("removal-request-ahead.json"))
    clocks = here.until(lambda: here.call("GET", f"/incidents/{received['incident']}/clocks").json()["clocks"])
    assert all(instant(clock["trigger_at"]) <= now() for clock in clocks)
    facts = here.facts(received["incident"])
    assert before <= instant(facts["request_received_at"]) <= now()
    (alert,) = [entry for entry in here.journal(received["incident"]) if entry["kind"] == "alert.attached"]
    assert alert["body"]["alert"]["ahead_seconds"] == pytest.approx(6 * 3600, abs=60)
    assert any("clock" in reason for reason in received["reasons"])


def test_a_mapped_source_is_known_at_every_door(here: Installation) -> None:
    """The command line, the server with a token, and the server with a signature; what it finds starts."""
    assert "moderation" in here.command("alert", "sources").stdout.decode()
    assert unknown_to_the_journal(here, "moderation", case("moderation-alert.json")) == {}
    body = case("moderation-alert.json", task="m-8", about={"model": "image-gen-2", "grade": 3})
    signature = sign(SECRET.encode(), body, now())
    signed = here.post("moderation", body, {**JSON, "x-firedoor-signature": signature}, signed=True)
    assert (signed.status_code, signed.json()["alerts"][0]["decision"]) == (202, "start"), signed.text


def test_a_mapping_that_is_changed_counts_without_a_restart(here: Installation) -> None:
    """The server takes it again once the file lies still; a broken one leaves the last good one in use."""
    file = here.data / "mappings" / "moderation.yaml"
    text = file.read_text()
    file.write_text(text.replace("about.model", "about.which"))
    body = case("moderation-alert.json", task="m-9", about={"which": "image-gen-3", "grade": 3})
    number = iter(range(1000))

    def renamed() -> bool:
        one = here.deliver("moderation", body.replace(b"m-9", f"m-9-{next(number)}".encode()))
        time.sleep(0.2)
        return bool(one["incident"]) and here.facts(one["incident"]).get("endpoint") == "image-gen-3"

    here.until(renamed)
    file.write_text("source: [")
    time.sleep(5)
    file.write_text(text)
    assert here.post("moderation", body).status_code == 202


def test_a_source_whose_alert_is_severe_is_never_ignored(here: Installation) -> None:
    """Whatever it says or does not say of the incident: it starts, or a person is asked."""
    told: tuple[dict[str, Any], ...] = ({"incident": "data_leakage_in_ai_models"}, {}, {"confidence": 0.1})
    for number, said in enumerate(told):
        body = {"id": f"severe-{number}", "severity": "high", "model": f"m-{number}", **said}
        assert here.deliver("generic", json.dumps(body).encode())["decision"] in ("start", "ask")


def test_the_same_finding_now_worse_raises_its_incident(here: Installation) -> None:
    """The second delivery is journalled and raises the severity; each delivery again is a copy."""
    first, second = (CASES / "worse-finding.jsonl").read_bytes().splitlines()
    incident = here.deliver("generic", first)["incident"]
    assert here.deliver("generic", second)["incident"] == incident
    here.until(lambda: here.facts(incident).get("severity") == "critical")
    attached = [entry for entry in here.journal(incident) if entry["kind"] == "alert.attached"]
    assert [entry["body"]["alert"]["severity"] for entry in attached] == ["medium", "critical"]
    assert here.facts(incident)["people_affected"] == 40
    again = [here.deliver("generic", body)["decision"] for body in (first, second, second)]
    assert again == ["duplicate"] * 3
    assert len([entry for entry in here.journal(incident) if entry["kind"] == "alert.attached"]) == 2


@pytest.mark.parametrize("file", FOREIGN, ids=lambda file: file.stem)
def test_somebody_elses_json_is_read_as_its_mapping_says(here: Installation, file: Path) -> None:
    """Over HTTP: how many alerts it is, what they say, what is decided and noted; the preview says the same."""
    one = json.loads(file.read_text())
    source, body = one["mapping"]["source"], one["body"].encode()
    headers = {"content-type": one["content_type"], **one["headers"]}
    answer = here.post(source, body, headers)
    assert answer.status_code == 202, answer.text
    assert [told["decision"] for told in answer.json()["alerts"]] == [wanted.pop("decision") for wanted in one["want"]]
    stored = sorted(here.alerts(source), key=lambda row: int(row["id"]))
    assert len(stored) == len(one["want"])
    for wanted, row in zip(one["want"], stored, strict=True):
        noted, preview = wanted.pop("notes"), wanted.pop("preview", None)
        assert {name: row[name] for name in wanted} == wanted
        assert all(any(part in note for note in row["notes"]) for part in noted)
        assert noted or row["notes"] == []
        if preview:
            said = [word for name, value in headers.items() for word in ("--header", f"{name}={value}")]
            (shown,) = here.asked("alert", "parse", "--source", source, *said, "-", given=body)["alerts"]
            assert {name: shown[name] for name in preview} == preview


def opened(here: Installation, playbook: str, **facts: Any) -> str:
    """An incident that somebody opens by hand."""
    answer = here.ask("POST", "incidents", json={"playbook": playbook, "facts": facts, "why": "tried"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["incident"])


def tasks(here: Installation, incident: str) -> dict[str, dict[str, Any]]:
    """The open tasks by their ids."""
    return {one["id"]: one for one in here.read(f"incidents/{incident}/tasks")["tasks"] if one["state"] == "open"}


def test_pages_from_the_field_are_served(here: Installation) -> None:
    """Beside the shipped ones, and none of them has a problem."""
    listed = {one["name"]: one for one in here.read("playbooks")["playbooks"]}
    assert {page.stem for page in PAGES} <= set(listed)
    assert not [one for one in listed.values() if one.get("problems")]


def test_a_list_that_nobody_has_named_is_asked_for_and_closed_when_it_is(here: Installation) -> None:
    """Nothing is left out in silence; what is named then is closed without a further question, or asked about."""
    incident = opened(here, "each-of-a-list", spare="yes")
    asked = here.until(lambda: tasks(here, incident).get("list:containment.copies.each"))
    assert asked["asks"] == ["copies"]
    answer = {"choice": "done", "why": "seen", "facts": {"copies": ["left", "right"]}}
    given = here.ask("POST", f"incidents/{incident}/tasks/{asked['id']}/answer", json=answer)
    assert given.status_code == 200, given.text
    here.until(lambda: len(missing(here, incident)) == 2)  # neither is in an inventory: one task for each
    assert [one for one in missing(here, incident) if "left" in one] != missing(here, incident)


def missing(here: Installation, incident: str) -> list[str]:
    """What is asked about targets that the inventory does not have."""
    return [one["question"] for name, one in tasks(here, incident).items() if name.startswith("rescue:target#")]


def test_short_waits_and_odd_words(here: Installation) -> None:
    """What nobody knows is said to be unknown, a wait ends by itself, and a question of seconds escalates."""
    incident = opened(here, "waits-and-words")
    quick = here.until(lambda: tasks(here, incident).get("identification.quick"))
    assert "unknown" in quick["question"]
    here.until(lambda: "manager" in tasks(here, incident)["identification.quick"]["roles"])
    told = [one["body"].get("text", "") for one in here.journal(incident) if one["kind"] == "message.sent"]
    assert any(text.endswith("@channel") for text in told)
