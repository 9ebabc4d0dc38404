"""Requests as records: each with its own arrival, elements, clocks and answer; two of them never give three clocks."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firedoor.core.access.redaction import SEALED, seal
from firedoor.core.clocks.engine import Law
from firedoor.core.clocks.request_clocks import clocks_of
from firedoor.core.facts import read_all
from firedoor.core.incident.view import IncidentView, fold, suppose
from firedoor.core.journal import Draft, Entry, Kind, chain, genesis
from firedoor.core.problems import InvalidInput, NotFound, NotPermitted, Refused
from firedoor.core.reporting.requests import all_told
from firedoor.core.requests.request import RemovalRequest
from firedoor.core.requests.validity import ELEMENTS
from firedoor.core.tasks.answers import Answer, Person, answer_task, set_facts
from firedoor.core.tasks.request_actions import Given, Told, answer_request, complete, receive, the_request, written
from firedoor.core.tasks.sending import NO_COPY
from firedoor.duties.catalogue import catalogue

DUTIES = catalogue()
US, UK = "us.tida.s3.removal", "uk.osa.s10_3a.ncii48h"
PLATFORM = {
    "covered_platform": "yes", "user_to_user_service": "yes", "serves": "US,UK", "intimate_content": "yes",
    "published_without_consent": "yes",
}  # fmt: skip
LAW = Law(DUTIES, read_all(DUTIES.facts, {**PLATFORM, "established_in": "US", "time_zone": "America/New_York"}))
START = datetime(2026, 11, 20, 10, tzinfo=UTC)
ANNA, BEN = Person("anna", frozenset(("legal",))), Person("ben", frozenset(("dpo",)))
SENDING = {"channel": "e-mail", "sent_at": "now", "as_sent": NO_COPY, "reasons_for_delay": "nobody was there"}
ALL = dict.fromkeys(ELEMENTS, "yes")
UNSIGNED = {**ALL, "request_signed": "no"}
OLD = Path(__file__).parents[1] / "cases" / "request-as-one-fact.jsonl"


class Incident:
    """A journal in memory with a clock of its own; after each entry the law looks at it."""

    def __init__(self) -> None:
        self.view, self.now = IncidentView("INC-2026-0001"), START
        opened = {"type": "nonconsensual_content_generation", "title": "Images", "severity": "high"}
        self.write([Draft(Kind.OPENED, "person:anna", opened)])

    def write(self, drafts: list[Draft]) -> None:
        suppose(self.view, drafts, self.now)
        for _ in range(3):
            suppose(self.view, LAW.drafts(self.view, self.facts, "auto", ("legal", "dpo"), self.now), self.now)
        self.now += timedelta(minutes=1)

    @property
    def facts(self) -> dict[str, Any]:
        return dict(read_all(DUTIES.facts, {k: v for k, v in self.view.facts.items() if k in DUTIES.facts}))

    def alert(self, fingerprint: str, at: datetime | None = None, **more: Any) -> None:
        alert = {
            "source": "generic", "method": "removal_request", "fingerprint": fingerprint, "status": "firing",
            "occurred_at": (at or self.now).isoformat(), **more,
        }  # fmt: skip
        self.write([Draft(Kind.ALERT, "source:generic", {"alert": alert, "reasons": []})])

    def by_hand(self, told: Told = Told(), at: datetime | None = None, kind: str = "removal") -> str:  # noqa: B008 - frozen
        name, drafts = receive(self.view, kind, at, told, "a letter came", ANNA, self.now)
        self.write(drafts)
        return name

    def complete(self, name: str, elements: dict[str, str]) -> None:
        self.write(complete(self.view, name, None, Told(elements), "read in the letter", ANNA, self.now))

    def answer(self, name: str, outcome: str, reference: str = "ticket 77") -> None:
        clocks = clocks_of(self.view, LAW.by_request[0], the_request(self.view, name))
        given = Given(outcome, "looked at", reference, SENDING)
        self.write(answer_request(self.view, name, given, clocks, ANNA, self.now))

    def agree(self) -> None:
        """A second person agrees to every limit that would move later."""
        while tasks := [task for task in self.view.open_tasks() if task.kind == "clock"]:
            self.write(answer_task(self.view, tasks[0].id, Answer("approve", "so it is"), BEN, {}, self.now))

    def told(self) -> list[dict[str, Any]]:
        return all_told(self.view, LAW, self.facts, "auto", self.now)

    def clocks(self, duty: str) -> dict[str, str]:
        return {name: clock.state for name, clock in self.view.clocks.items() if clock.duty == duty}


def states(incident: Incident) -> list[str]:
    """The status of each request."""
    return [one["status"] for one in incident.told()]


def test_two_requests_have_two_clocks_for_each_law_whatever_is_typed_later() -> None:
    """A time that somebody sets by hand is about the first request; it opens no third one."""
    incident = Incident()
    incident.alert("a" * 64)
    incident.alert("b" * 64)
    typed = (START - timedelta(minutes=9)).isoformat()
    incident.write(set_facts(incident.view, {"request_received_at": typed}, "it says so", ANNA, DUTIES.facts))
    assert len(incident.view.requests) == len(incident.clocks(US)) == len(incident.clocks(UK)) == 2
    assert the_request(incident.view, "R1").received_at == START - timedelta(minutes=9)


def test_what_one_request_contains_says_nothing_about_another() -> None:
    """The second is read and is complete; the first is still unread, and only the second has clocks of the law."""
    incident = Incident()
    incident.alert("a" * 64)
    incident.alert("b" * 64)
    incident.complete("R2", ALL)
    assert sorted(incident.clocks(US).values()) == ["provisional", "running"]
    assert [law["valid"] for one in incident.told() for law in one["laws"] if law["duty"] == US] == ["unknown", "yes"]


def test_facts_about_the_request_are_about_the_first() -> None:
    """Answering the playbook's question completes it, though its time is no fact of the incident."""
    incident = Incident()
    incident.alert("a" * 64)
    incident.write(set_facts(incident.view, ALL, "read", ANNA, DUTIES.facts))
    assert set(incident.clocks(US).values()) == set(incident.clocks(UK).values()) == {"running"}


def test_an_answer_ends_the_clocks_of_its_request_and_no_others() -> None:
    """The other person still waits."""
    incident = Incident()
    incident.alert("a" * 64)
    incident.alert("b" * 64)
    incident.answer("R1", "removed")
    assert sorted(incident.clocks(US).values()) == ["provisional", "submitted"]
    incident.answer("R2", "withdrawn")
    assert sorted(incident.clocks(UK).values()) == ["submitted", "waived"]
    assert states(incident) == ["removed", "withdrawn"]
    with pytest.raises(Refused):
        incident.answer("R2", "refused")


def test_an_answered_request_starts_nothing_more() -> None:
    """Not even where a fact about the organisation becomes known later."""
    incident = Incident()
    incident.alert("a" * 64)
    incident.answer("R1", "refused")
    before = dict(incident.view.clocks)
    incident.write(set_facts(incident.view, {"search_service": "yes"}, "it does", ANNA, DUTIES.facts))
    assert set(incident.view.clocks) == set(before)


def test_the_same_person_about_the_same_content_is_one_request() -> None:
    """However the name is written; what the second letter adds counts, and what it leaves out takes nothing away."""
    incident = Incident()
    first = incident.by_hand(Told(UNSIGNED, "Invented Person", locators=("post/1",)))
    again = incident.by_hand(Told({"request_signed": "yes"}, " invented  PERSON", locators=("post/1",)))
    other = incident.by_hand(Told({}, "Another Person", locators=("post/1",)))
    assert again == first != other
    assert len(incident.clocks(US)) == 2
    one = the_request(incident.view, first)
    assert (one.elements["request_signed"], len(one.copies)) == ("yes", 1)


def test_a_further_delivery_of_the_same_detection_completes_the_first() -> None:
    """It says something new, so it is journalled; it is no second request."""
    incident = Incident()
    incident.alert("a" * 64, locators=["post/1"])
    incident.alert("a" * 64, locators=["post/1", "post/2"], severity="high")
    (one,) = incident.view.requests.values()
    assert one.locators == ("post/1", "post/2")
    assert len(incident.clocks(US)) == 1


def test_it_was_received_at_the_latest_when_we_had_it() -> None:
    """A time that is ahead moves nothing, by whichever way it came."""
    incident = Incident()
    incident.alert("a" * 64, at=START + timedelta(hours=5))
    assert the_request(incident.view, "R1").received_at == START + timedelta(minutes=1)
    with pytest.raises(InvalidInput):
        incident.by_hand(at=incident.now + timedelta(hours=1))


def test_an_incomplete_request_starts_no_clock_of_the_law_until_the_rest_comes() -> None:
    """Only a shadow runs, which nobody can miss; completed after it had ended, the law's 48 hours begin then."""
    incident = Incident()
    incident.alert("a" * 64)
    incident.complete("R1", UNSIGNED)
    assert set(incident.clocks(US).values()) == {"provisional"}  # a signature is not asked for in the UK
    assert set(incident.clocks(UK).values()) == {"running"}
    assert states(incident) == ["incomplete"]
    (us,) = [law for law in incident.told()[0]["laws"] if law["duty"] == US]
    assert us["shadow"]
    assert us["missing"] == ["the request is signed (sec 3(a)(1)(B)(i))"]
    incident.now = START + timedelta(days=5)
    completed = incident.now
    incident.complete("R1", {"request_signed": "yes"})
    (clock,) = [clock for clock in incident.view.clocks.values() if clock.duty == US]
    assert (clock.state, datetime.fromisoformat(clock.due)) == ("running", completed + timedelta(hours=48))


def test_completed_in_time_the_earlier_limit_is_kept() -> None:
    """No limit moves to the less safe side by one person's word."""
    incident = Incident()
    incident.alert("a" * 64)
    incident.complete("R1", UNSIGNED)
    incident.now += timedelta(hours=3)
    incident.complete("R1", {"request_signed": "yes"})
    (clock,) = [clock for clock in incident.view.clocks.values() if clock.duty == US]
    assert clock.state == "running"
    assert datetime.fromisoformat(clock.trigger_at) == the_request(incident.view, "R1").received_at


def test_a_use_of_rights_has_a_month_of_its_own() -> None:
    """GDPR Art 12(3): each person's request counts by itself."""
    law = Law(DUTIES, read_all(DUTIES.facts, {"established_in": "DE", "controller": "yes", "member_state": "DE"}))
    view = IncidentView("INC-2026-0002")
    for number in (1, 2):
        told = Told({}, f"Invented Person {number}")
        suppose(view, receive(view, "rights", None, told, "a letter", ANNA, START)[1], START)
    suppose(view, law.drafts(view, {}, "auto", ("legal",), START), START)
    assert [one for one in view.clocks if one.startswith("eu.gdpr.art12")] == [
        f"eu.gdpr.art12.requests@request-by-hand-{number}" for number in (1, 2)
    ]
    assert not any("tida" in one for one in view.clocks)


def test_letters_are_noted_and_end_nothing() -> None:
    """With the reference by which they are found again."""
    incident = Incident()
    incident.alert("a" * 64)
    incident.write(written(incident.view, "1", "question", None, "mail of 14:02", ANNA, incident.now))
    assert incident.told()[0]["letters"][0]["letter"] == "question"
    assert states(incident) == ["open"]
    with pytest.raises(InvalidInput):
        written(incident.view, "1", "poem", None, "x", ANNA, incident.now)


@pytest.mark.parametrize(
    ("given_", "error"),
    [
        (Given("removed", "gone"), InvalidInput),  # nothing proves it
        (Given("done", "gone", "x"), InvalidInput),
        (Given("refused", ""), InvalidInput),
    ],
)
def test_an_answer_needs_its_proof_and_a_reason(given_: Given, error: type[Exception]) -> None:
    """Whoever refuses says why; whoever says that it is gone says where that is seen."""
    incident = Incident()
    incident.alert("a" * 64)
    with pytest.raises(error):
        answer_request(incident.view, "R1", given_, [], ANNA, incident.now)


def test_who_may_answer_and_which_there_are() -> None:
    """A role that answers people; a request that exists."""
    incident = Incident()
    incident.alert("a" * 64)
    viewer = Person("vi", frozenset(("engineering",)))
    with pytest.raises(NotPermitted):
        answer_request(incident.view, "R1", Given("refused", "no"), [], viewer, incident.now)
    with pytest.raises(NotFound):
        the_request(incident.view, "R7")


def test_who_asked_is_sealed_in_every_journal() -> None:
    """The name, how to reach them, and where the content is; also where the words are repeated."""
    incident = Incident()
    told = Told({}, "Invented Person", "person@example.org", "5521", ("post/8812",))
    _, drafts = receive(incident.view, "removal", None, told, "Invented Person wrote", ANNA, START)
    (entry,) = chain("INC-2026-0001", genesis("INC-2026-0001"), drafts, START)
    shown = seal({}, [entry]).cover(entry.as_json())
    assert shown["body"]["requester"] == shown["body"]["request_locators"] == SEALED
    assert "Invented" not in json.dumps(shown)


def old_journal() -> list[Entry]:
    """A journal of the first release: one request as facts, two more as alerts."""
    return [Entry(**json.loads(line)) for line in OLD.read_text().splitlines()]


def test_a_journal_of_before_folds_into_records() -> None:
    """The facts and the alert that opened it are one request; its clocks keep their names, and none is added."""
    view = fold("INC-2026-0007", old_journal())
    assert not view.unread
    assert [(one.name, one.id, one.own) for one in view.requests.values()] == [
        ("R1", "request-1", True), ("R2", "request-2", False), ("R3", "request-3", False),
    ]  # fmt: skip
    known = dict(read_all(DUTIES.facts, {k: v for k, v in view.facts.items() if k in DUTIES.facts}))
    now = old_journal()[-1].instant + timedelta(minutes=1)
    drafts = LAW.drafts(view, known, "auto", ("legal",), now)
    assert not [draft for draft in drafts if draft.kind == Kind.CLOCK_STARTED]
    own = [
        [clock["id"] for clock in one["clocks"] if clock["duty"] == US]
        for one in all_told(view, LAW, known, "auto", now)
    ]
    assert own == [[US], [f"{US}@request-2"], [f"{US}@request-3"]]


ELEMENTS_SEEN = st.sampled_from([ALL, UNSIGNED, {"request_signed": "yes"}])
STEP = st.one_of(
    st.tuples(st.just("alert"), st.integers(0, 4)),
    st.tuples(st.just("hand"), st.integers(0, 4)),
    st.tuples(st.just("fact"), st.integers(0, 50)),
    st.tuples(st.just("elements"), ELEMENTS_SEEN),
    st.tuples(st.just("complete"), st.tuples(st.integers(1, 5), ELEMENTS_SEEN)),
    st.tuples(st.just("answer"), st.tuples(st.integers(1, 5), st.sampled_from(["removed", "refused", "withdrawn"]))),
    st.tuples(st.just("later"), st.integers(1, 60)),
)  # fmt: skip


def take(incident: Incident, what: str, how: Any) -> None:
    """One thing that happens. What cannot be done to a request is refused, and changes nothing."""
    match what:
        case "alert":
            incident.alert(str(how) * 64, at=incident.now - timedelta(hours=how), locators=[f"post/{how}"])
        case "hand":
            incident.by_hand(Told({}, f"Person {how}", locators=(f"post/{how}",)))
        case "fact":
            at = (START - timedelta(hours=how)).isoformat()
            incident.write(set_facts(incident.view, {"request_received_at": at}, "typed", ANNA, DUTIES.facts))
        case "elements":
            incident.write(set_facts(incident.view, how, "typed", ANNA, DUTIES.facts))
        case "later":
            incident.now += timedelta(hours=how)
            incident.write([])
        case "complete" if how[0] <= len(incident.view.requests) and numbered(incident, how[0]).open:
            incident.complete(f"R{how[0]}", how[1])
        case "answer" if how[0] <= len(incident.view.requests) and numbered(incident, how[0]).open:
            incident.answer(f"R{how[0]}", how[1])


def numbered(incident: Incident, number: int) -> RemovalRequest:
    """A request by its number."""
    return the_request(incident.view, str(number))


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(STEP, max_size=14))
def test_the_clocks_are_those_of_the_open_requests_and_no_others(steps: list[tuple[str, Any]]) -> None:
    """Running: open valid requests times the laws that reach. Open in all: open requests times those laws."""
    incident = Incident()
    for what, how in steps:
        take(incident, what, how)
        incident.agree()
    told = [one for one in incident.told() if one["open"]]
    for duty in (US, UK):
        valid = [law["valid"] for one in told for law in one["laws"] if law["duty"] == duty]
        found = list(incident.clocks(duty).values())
        assert found.count("running") == valid.count("yes"), (duty, valid, found)
        assert found.count("running") + found.count("provisional") == len(told), (duty, valid, found)
    numbers = [one.number for one in incident.view.requests.values()]
    assert numbers == list(range(1, len(numbers) + 1))
