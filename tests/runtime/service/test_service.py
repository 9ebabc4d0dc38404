"""What detectors and people can ask for: an accepted alert is on disk, once, and is never lost over a detail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from firedoor.core.alerts.matching import TrustedBank
from firedoor.core.journal import Kind
from firedoor.core.problems import FiredoorError, InvalidInput, NotFound, Refused
from firedoor.core.tasks.answers import Answer, Person
from firedoor.runtime.config.automatic_limits import HouseBrake
from firedoor.runtime.service.facade import Received
from firedoor.runtime.service.playbook_cache import Shelf
from firedoor.store.database.sql import table
from firedoor.store.database.tables import AlertRow, IncidentRow
from firedoor.store.incidents.leases import LEASE
from firedoor.testing import House
from firedoor.testing.house import EVERYBODY, targets

ADA = Person("Ada", frozenset(EVERYBODY))
LEAK = {
    "id": "det-1", "incident": "data_leakage_in_ai_models", "severity": "critical", "method": "canary",
    "endpoint": "chat-large", "occurred_at": "2026-11-21T02:58:10+00:00", "subjects": 3,
}  # fmt: skip
PLAYBOOK = "model-data-leakage"


@pytest.fixture(scope="module")
def shelf() -> Shelf:
    """The shipped playbooks."""
    shelf = Shelf()
    shelf.refresh()
    return shelf


@pytest.fixture
async def house(tmp_path: Path, shelf: Shelf) -> AsyncIterator[House]:
    """A house with the shipped playbooks."""
    inventory = targets("chat-large", "chat-small", evidence=("request_log", "deployment_state"))
    house = House(tmp_path, shelf=shelf, inventory=inventory)
    yield house
    await house.driver.stop()
    house.close()


async def send(house: House, **more: Any) -> Received:
    """One delivery of one detection."""
    body = json.dumps({key: value for key, value in {**LEAK, **more}.items() if value is not None}).encode()
    (received,) = await house.service.receive("generic", body, {"content-type": "application/json"})
    return received


async def test_what_was_accepted_is_on_disk(house: House) -> None:
    """The alert, its incident and the reflex's first entries are there before the answer, for any other process."""
    received = await send(house)
    other = house.again()
    kinds = [entry.kind for entry in other.store.entries(received.incident)]
    assert received.decision == "start"
    assert kinds[:4] == [Kind.OPENED, Kind.ALERT, Kind.PLANNED, Kind.FACTS]
    assert Kind.STARTED in kinds
    assert other.store.rows(AlertRow)[0]["incident"] == received.incident
    other.close()
    await house.settle(received.incident)


async def test_a_process_that_dies_after_accepting_has_lost_nothing(house: House) -> None:
    """The next process closes the endpoint, once."""
    received = await send(house)
    await house.driver.stop()
    other = house.again()
    other.wind(seconds=LEASE.total_seconds() + 1)
    await other.driver.look()
    await other.settle(received.incident)
    assert list(house.far_end.effects.values()) == [1]
    other.close()


async def test_two_hundred_copies_at_once_are_one_incident_and_one_effect(house: House) -> None:
    """However many arrive together: one starts, all others are counted, the endpoint is closed once."""
    received = await asyncio.gather(*(send(house) for _ in range(200)))
    assert sum(one.decision == "start" for one in received) == 1
    assert {one.incident for one in received} == {"INC-2026-0001"}
    await house.settle("INC-2026-0001")
    assert list(house.far_end.effects.values()) == [1]
    assert house.store.rows(AlertRow)[0]["deliveries"] == 200
    assert len(house.store.rows(IncidentRow)) == 1


async def test_a_copy_after_a_restart_is_still_a_copy(house: House) -> None:
    """What the process remembers is not what decides."""
    first = await send(house)
    other = house.again()
    again = await send(other)
    assert (again.decision, again.incident, again.deliveries) == ("duplicate", first.incident, 2)
    other.close()


@pytest.mark.parametrize(
    ("said", "closed"),
    [
        ({"bank": "StopNCII", "case_status": "Active"}, True),
        ({"bank": "StopNCII", "match_distance": 32}, False),
        ({"bank": "StopNCII", "review_state": "unreviewed"}, False),
        ({"bank": "NCMEC"}, False),
        ({"bank": "StopNCII", "case_status": "Withdrawn"}, False),
        ({"bank": "somebody's list"}, False),
        ({"trusted_bank": True}, False),
    ],
)
async def test_only_a_match_in_a_trusted_bank_closes_unasked(
    house: House, said: dict[str, Any], *, closed: bool
) -> None:
    """Every other match asks a person, and says why; a sender cannot call its own list trusted."""
    house.world.brake = HouseBrake(house.store, house.clock, 20)
    house.world.organisation = replace(house.world.organisation, trusted_banks=(TrustedBank("StopNCII"),))
    near = {"match_algorithm": "pdq", "match_distance": 31, "match_quality": 50, "review_state": "manual"}
    received = await send(house, method="hash_match", **{**near, **said})
    view = await house.settle(received.incident or "")
    assert (bool(house.far_end.closed), view.facts["evidence_strength"] == "strong") == (closed, closed)
    assert any("proves nothing" in why for why in received.reasons) is not closed


async def test_another_alert_about_the_same_place_is_attached(house: House) -> None:
    """In one transaction: the row names the incident, and the journal names the alert."""
    first = await send(house)
    await house.settle(first.incident)
    second = await send(house, id="det-2")
    assert (second.decision, second.incident) == ("attach", first.incident)
    await house.settle(first.incident)
    assert len(house.view(first.incident).alerts) == 2


async def test_a_more_severe_alert_makes_its_incident_more_severe(house: House) -> None:
    """In the journal and in the row that lists and triage read; it is then contained without asking."""
    first = await send(house, severity="medium")
    assert (await house.settle(first.incident or "")).severity == "medium"
    assert house.far_end.closed == {}
    await send(house, id="det-2")
    view = await house.settle(first.incident or "")
    assert (view.severity, house.store.incident(view.id)["severity"]) == ("critical", "critical")
    assert list(house.far_end.closed) == ["chat-large"]
    assert [row["incident"] for row in house.store.rows(AlertRow)] == [first.incident] * 2
    assert (await send(house, id="det-2")).decision == "duplicate"
    assert len(house.view(first.incident).alerts) == 2


async def test_another_place_is_another_incident(house: House) -> None:
    """The same kind of leak elsewhere is not the same incident."""
    first, second = await send(house), await send(house, id="det-2", endpoint="chat-small")
    assert {first.decision, second.decision} == {"start"}
    assert first.incident != second.incident
    await asyncio.gather(house.settle(first.incident), house.settle(second.incident))
    assert house.far_end.effects.total() == 2


async def test_weak_evidence_asks_and_starts_nothing(house: House) -> None:
    """The alert is kept without an incident until a person decides."""
    received = await send(house, method="score_drop")
    assert (received.decision, received.incident) == ("ask", None)
    assert house.store.rows(IncidentRow) == []
    assert house.far_end.calls.total() == 0


async def test_what_no_playbook_is_for_is_kept_with_its_reasons(house: House) -> None:
    """Nothing that was detected is thrown away."""
    received = await send(house, severity="low")
    assert (received.decision, received.incident) == ("ignore", None)
    assert received.reasons
    assert [row["decision"] for row in house.store.rows(AlertRow)] == ["ignore"]


async def test_resolved_closes_nothing(house: House) -> None:
    """It is recorded on the incident; the endpoint stays closed until people say otherwise."""
    first = await send(house)
    await house.settle(first.incident)
    resolved = await send(house, status="resolved")
    assert (resolved.decision, resolved.incident) == ("attach", first.incident)
    await house.settle(first.incident)
    assert str(house.view(first.incident).state) == "open"
    assert list(house.far_end.closed) == ["chat-large"]


async def test_a_person_starts_a_playbook_for_an_alert_once(house: House) -> None:
    """The facts come from the alert; the second person is told which incident it has."""
    await send(house, method="score_drop")
    alert = house.store.rows(AlertRow)[0]["id"]
    tries = [house.service.start_for_alert(alert, PLAYBOOK, "I know this one", ADA) for _ in range(5)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    (incident,) = [result for result in results if isinstance(result, str)]
    assert {type(result) for result in results if not isinstance(result, str)} == {Refused}
    await house.settle(incident)
    view = house.view(incident)
    assert (view.opened_by, view.facts["endpoint"]) == ("person:Ada", "chat-large")
    assert house.store.rows(AlertRow)[0]["incident"] == incident
    assert len(house.store.rows(IncidentRow)) == 1


@pytest.mark.parametrize(("alert", "playbook", "code"), [(99, PLAYBOOK, "A201"), (1, "no-such", "P140")])
async def test_starting_for_nothing_or_with_nothing_is_refused(
    house: House, alert: int, playbook: str, code: str
) -> None:
    """An alert and a playbook that do not exist."""
    await send(house, method="score_drop")
    with pytest.raises(NotFound, match=code):
        await house.service.start_for_alert(alert, playbook, "why", ADA)
    assert house.store.rows(IncidentRow) == []


async def test_a_place_that_nobody_knows_loses_nothing(house: House) -> None:
    """The alert names an endpoint that is not in the inventory: the incident runs, and a person is asked to mend it."""
    received = await send(house, endpoint="who-knows")
    assert received.decision == "start"
    view = await house.settle(received.incident)
    assert any('no target "who-knows"' in task.question for task in view.open_tasks())


async def test_many_old_alerts_are_no_reason_to_refuse_a_new_one(house: House, shelf: Shelf) -> None:
    """An open incident with more alerts than one query reads: another process still places the next one."""
    first = await send(house)
    await house.settle(first.incident)
    row = {key: value for key, value in house.store.rows(AlertRow)[0].items() if key != "id"}
    rows = [{**row, "fingerprint": f"f{number}"} for number in range(1_200)]
    await asyncio.wrap_future(
        house.store.write(lambda connection: connection.execute(table(AlertRow).insert(), rows).rowcount)
    )
    other = house.again()
    assert (await send(other, id="det-2")).decision == "attach"
    await other.settle(first.incident)
    other.close()


async def test_opening_by_hand_with_wrong_facts_makes_nothing(house: House) -> None:
    """Every problem at once, and no incident."""
    with pytest.raises(InvalidInput) as caught:
        await house.service.open(PLAYBOOK, {"severity": "awful", "no_such": "x"}, "", "seen", ADA)
    assert {problem.code for problem in caught.value.problems} == {"F100", "F101"}
    assert house.store.rows(IncidentRow) == []


async def test_two_answers_at_once_are_decided_one_after_the_other(house: House) -> None:
    """The second is refused by the rule that it now breaks, and not by an accident."""
    incident = await house.service.open(PLAYBOOK, {"endpoint": "chat-large"}, "", "seen", ADA)
    await house.settle(incident)
    task = house.view(incident).open_tasks()[0]
    given = Answer(task.choices[0]["id"], "seen")
    tries = [house.service.answer(incident, task.id, given, Person(name, ADA.roles)) for name in ("Ada", "Ben", "Eve")]
    results = await asyncio.gather(*tries, return_exceptions=True)
    refused = [result for result in results if isinstance(result, FiredoorError)]
    assert [error.problems[0].code for error in refused] == ["T102", "T102"]
    await house.settle(incident)
    assert len(house.view(incident).tasks[task.id].answers) == 1


async def test_facts_that_many_set_at_once_are_all_there(house: House) -> None:
    """Writers that lose a race decide anew; nobody's word is lost."""
    incident = await house.service.open(PLAYBOOK, {}, "", "seen", ADA)
    await house.settle(incident)
    when = [(house.clock() - timedelta(hours=n)).isoformat() for n in range(1, 9)]
    await asyncio.gather(*(house.service.set_facts(incident, {"leaked_since": at}, "found", ADA) for at in when))
    await house.settle(incident)
    said = [
        e.body["values"]["leaked_since"] for e in house.entries(incident) if "leaked_since" in e.body.get("values", {})
    ]
    assert sorted(said) == sorted(when)


SURE: dict[str, Any] = {
    "method": "content_classifier",
    "detector": "one",
    "score": 0.97,
    "threshold": 0.8,
    "severity": "high",
}
OTHER = {**SURE, "id": "det-2", "method": "extraction_test", "detector": "two"}


async def test_a_second_detector_that_agrees_later_closes_the_door(house: House) -> None:
    """One that is sure asks a person; when an independent one is sure as well nobody is asked any longer."""
    first = await send(house, **SURE)
    view = await house.settle(first.incident)
    assert house.far_end.effects == {}
    second = await send(house, **OTHER)
    view = await house.settle(first.incident)
    assert (second.decision, second.incident) == ("attach", first.incident)
    assert list(house.far_end.effects.values()) == [1]
    assert view.operations["containment.suspend.automatic"].outcome == "yes"


async def test_the_same_detector_twice_is_no_second_opinion(house: House) -> None:
    """Neither is one that is unsure: still nothing is closed without a person."""
    first = await send(house, **SURE)
    again: dict[str, Any] = {**SURE, "id": "det-3"}
    for further in (again, {**OTHER, "score": 0.5}):
        assert (await send(house, **further)).incident == first.incident
        await house.settle(first.incident)
    assert house.far_end.effects == {}
