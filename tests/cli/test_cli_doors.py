from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
import yaml
from tests.support.command import Firedoor, _firedoor  # noqa: F401 - a fixture

from firedoor.demo.stage import Stage


@pytest.fixture(name="platform")
def _platform(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """The demonstration's model server, with its inventory named as a person would."""
    stage = Stage()
    stage.set_up()
    monkeypatch.setenv("FIREDOOR_TARGETS", str(stage.data / "targets.yaml"))
    monkeypatch.setenv("FIREDOOR_DEMO_API_KEY", stage.api_key)
    monkeypatch.setenv("FIREDOOR_DEMO_ADMIN_KEY", stage.admin_key)
    yield stage
    assert not stage.close()


def test_a_door_is_closed_by_hand_and_opened_again(firedoor: Firedoor, platform: Stage) -> None:
    """Refused and then serving, seen from outside; its neighbour serves throughout; all of it is on record."""
    assert firedoor("verify", "chat-large").out.startswith("chat-large  answers")
    closed = firedoor("suspend", "chat-large", "--why", "it leaks")
    assert (closed.code, "chat-large  closed" in closed.out) == (0, True), closed
    assert firedoor("verify", "chat-large").out.startswith("chat-large  refuses")
    assert firedoor("verify", "chat-small", "--format", "json").json["is"] == "answers"
    assert firedoor("resume", "chat-large", "--why", "mended").code == 0
    assert firedoor("verify", "chat-large").out.startswith("chat-large  answers")
    assert firedoor("status", "INC-2026-0001", "--format", "json").json["state"] == "closed"


def test_a_door_that_an_incident_holds_is_opened_by_its_people(firedoor: Firedoor, platform: Stage) -> None:
    """What nobody has suspended by hand is not resumed by hand: exit code 3, and the reason."""
    said = firedoor("resume", "chat-large", "--why", "impatience")
    assert (said.code, "no door of chat-large was closed" in said.err) == (3, True)


@pytest.mark.parametrize("command", ["suspend", "resume", "verify"])
def test_an_unknown_target_names_the_nearest(firedoor: Firedoor, platform: Stage, command: str) -> None:
    """Exit code 1, nothing is opened."""
    said = firedoor(command, "chat-larg", *(() if command == "verify" else ("--why", "x")))
    assert (said.code, 'did you mean "chat-large"' in said.err) == (1, True)
    assert firedoor("incidents", "--all", "--format", "json").json["incidents"] == []


@pytest.mark.parametrize("command", ["suspend", "resume"])
def test_a_reason_is_needed(firedoor: Firedoor, command: str) -> None:
    """Without one nothing is closed and nothing opened."""
    said = firedoor(command, "chat-large")
    assert (said.code, "a reason is needed" in said.err) == (1, True)


def test_what_cannot_be_seen_is_unknown(firedoor: Firedoor, platform: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a wrong key of our own the model is neither closed nor open: exit code 4; nothing is called done."""
    monkeypatch.setenv("FIREDOOR_DEMO_API_KEY", "wrong")
    said = firedoor("verify", "chat-large")
    assert (said.code, said.out.split()[:2]) == (4, ["chat-large", "unknown"])
    assert firedoor("suspend", "chat-large", "--why", "x").code == 4


def test_targets_are_listed(firedoor: Firedoor, platform: Stage) -> None:
    """Every target with its doors and neighbours."""
    assert "platform, gateway" in firedoor("targets").out
    assert firedoor("doctor").code == 0


def test_a_command_waits_for_its_own_retry(firedoor: Firedoor, platform: Stage) -> None:
    """Both doors fail once; without a server the command itself tries again a moment later, and proves it closed."""
    for door in ("models", "routes"):
        url = f"{platform.model['url']}/admin/faults/{door}/chat-large"
        headers = {"authorization": f"Bearer {platform.admin_key}"}
        fault = {"fault": "error", "method": "PUT", "times": 1}
        assert httpx.put(url, json=fault, headers=headers, trust_env=False).is_success
    said = firedoor("suspend", "chat-large", "--why", "it leaks")
    assert (said.code, "chat-large  closed" in said.out) == (0, True), said


LIED = "it said that it closed, and callers are answered"


def lying(platform: Stage, *doors: str) -> None:
    """Doors that answer every suspension of chat-large with success and do nothing."""
    for door in doors:
        url = f"{platform.model['url']}/admin/faults/{door}/chat-large"
        fault = {"fault": "lie", "times": 1000}
        headers = {"authorization": f"Bearer {platform.admin_key}"}
        assert httpx.put(url, json=fault, headers=headers, trust_env=False).is_success


def test_a_door_that_lies_is_passed_over_and_the_next_one_closes(firedoor: Firedoor, platform: Stage) -> None:
    """The first door says 200 and does nothing: the second one closes it, and every page says what happened."""
    lying(platform, "models")
    said = firedoor("suspend", "chat-large", "--why", "it leaks")
    assert (said.code, "chat-large  closed" in said.out, "door gateway" in said.out) == (0, True, True), said
    assert firedoor("verify", "chat-large").out.startswith("chat-large  refuses")
    incident = "INC-2026-0001"
    for page in (["status"], ["timeline"], ["report", "--format", "md"]):
        told = " ".join(firedoor(page[0], incident, *page[1:]).out.split())
        assert LIED in told, page
        assert "platform" in told[: told.index(LIED)], page
    assert "Door platform: proved no" in firedoor("report", incident, "--format", "md").out


def test_doors_that_all_lie_leave_it_not_suspended(firedoor: Firedoor, platform: Stage) -> None:
    """Success everywhere, and callers are answered: exit code 4, a task for a person, and nothing called closed."""
    lying(platform, "models", "routes")
    said = firedoor("suspend", "chat-large", "--why", "it leaks")
    assert (said.code, "not proved closed" in said.out) == (4, True), said
    assert firedoor("verify", "chat-large").out.startswith("chat-large  answers")
    incident = "INC-2026-0001"
    page = firedoor("status", incident, "--format", "json").json
    assert ([one["state"] for one in page["targets"]], page["state"]) == (["failed"], "open")
    for words in (["status"], ["timeline"], ["report", "--format", "md"]):
        told = " ".join(firedoor(words[0], incident, *words[1:]).out.split())
        assert told.count(LIED) >= 2, words
    assert firedoor("holds", "--format", "json").json["holds"] == []


def test_what_must_not_be_suspended_is_refused_with_its_reason(firedoor: Firedoor, platform: Stage) -> None:
    """Exit code 3, the reason from the inventory, and no incident is opened."""
    inventory = platform.data / "targets.yaml"
    found = yaml.safe_load(inventory.read_text())
    found["targets"]["chat-small"] |= {"never_suspend": True, "because": "it filters what the others say"}
    inventory.write_text(yaml.safe_dump(found))
    said = firedoor("suspend", "chat-small", "--why", "panic")
    assert (said.code, "it filters what the others say" in said.err) == (3, True), said
    assert firedoor("incidents", "--all", "--format", "json").json["incidents"] == []


def test_what_an_ended_incident_keeps_closed_is_opened_by_name(firedoor: Firedoor, platform: Stage) -> None:
    """Kept closed by decision, the incident ends; it is still held, a legal hold keeps it so, and then it opens."""
    assert firedoor("suspend", "chat-large", "--why", "it leaks").code == 0
    incident = "INC-2026-0001"
    assert firedoor("answer", incident, "remediation.resume.approve", "refuse", "--why", "withdrawn").code == 0
    assert firedoor("status", incident, "--format", "json").json["state"] == "closed"
    assert firedoor("holds", "--format", "json").json["holds"][0]["target"] == "chat-large"
    assert firedoor("legal-hold", incident, "--why", "a court asks").code == 0
    assert "K501" in (said := firedoor("resume", "chat-large", "--why", "mended")).err + said.out
    assert firedoor("legal-hold", incident, "--release", "--why", "it has its copy").code == 0
    assert firedoor("resume", "chat-large", "--why", "mended").code == 0
    assert firedoor("verify", "chat-large").out.startswith("chat-large  answers")
    assert firedoor("holds", "--format", "json").json["holds"] == []
