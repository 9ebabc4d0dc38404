"""What people may do, and every rule that refuses: the code, what is wrong, and that nothing is written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.sending import SENT

from firedoor.core.facts import FactDefinition, FactType
from firedoor.core.incident.view import IncidentView, suppose
from firedoor.core.journal import Draft, Kind
from firedoor.core.problems import FiredoorError, InvalidInput, NotFound, NotPermitted, Refused
from firedoor.core.tasks.answers import Answer, Person, answer_task, set_facts, submit_clock

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
DUE = NOW + timedelta(hours=1)
DEFINITIONS = {
    "known_at": FactDefinition(name="known_at", type=FactType.INSTANT),
    "people": FactDefinition(name="people", type=FactType.COUNT),
    "kind": FactDefinition(name="kind", type=FactType.CHOICE, choices=("a", "b")),
}
ADA, BEN, EVE = (Person(name, frozenset(("dpo", "manager"))) for name in ("Ada", "Ben", "Eve"))
CHOICES = [
    {"id": "approve", "label": "Yes", "sets": {"known_at": "now", "kind": "a"}, "requires": []},
    {"id": "refuse", "label": "No", "sets": {}, "requires": ["people", "ticket"]},
]


class Desk:
    """One incident with tasks that are opened as a test needs them."""

    def __init__(self, **task: Any) -> None:
        self.view = IncidentView("INC-1")
        opened = {"type": "data_leakage_in_ai_models", "title": "t", "severity": "high"}
        suppose(self.view, [Draft(Kind.OPENED, "person:Ben", opened)], NOW)
        self.open("ask", **task)

    def open(self, task: str, **more: Any) -> None:
        """Open a task."""
        body = {
            "task": task, "op": task, "kind": "decide", "role": "dpo", "escalate_to": "manager", "question": "Is it?",
            "choices": CHOICES, "asks": ["people"], "approvals": 1, "due_at": DUE.isoformat(), **more,
        }  # fmt: skip
        suppose(self.view, [Draft(Kind.TASK_OPENED, "firedoor", body)], NOW)

    def say(self, choice: str = "approve", person: Person = ADA, task: str = "ask", now: datetime = NOW, **more: Any):
        """Answer, take it in, and return the entries."""
        given = Answer(choice, more.pop("why", "seen"), **more)
        drafts = answer_task(self.view, task, given, person, DEFINITIONS, now)
        suppose(self.view, drafts, now)
        return drafts

    def refuses(self, kind: type[FiredoorError], code: str, *arguments: Any, **more: Any) -> None:
        """The answer is refused with this code, and nothing of it is written."""
        before = self.view.head
        with pytest.raises(kind) as caught:
            self.say(*arguments, **more)
        assert caught.value.problems[0].code == code
        assert self.view.head == before


def test_an_answer_is_an_entry_with_who_when_why_and_what_was_seen() -> None:
    """The answer names the person, the role, the reason and the entry that was the newest then."""
    desk = Desk()
    seen = desk.view.head.hash
    answered, facts = desk.say(why="  in the log  ", fields={"ticket": "7"})
    assert answered.actor == "person:Ada"
    expected = {"choice": "approve", "why": "in the log", "by": "Ada", "role": "dpo", "seen": seen, "decides": True}
    assert answered.body.items() >= {**expected, "late": False, "fields": {"ticket": "7"}}.items()
    assert facts.body["values"] == {"known_at": NOW.isoformat(), "kind": "a"}


@pytest.mark.parametrize("name", ["T1", "t1", "1", "ask"])
def test_a_task_is_named_by_its_number_or_its_id(name: str) -> None:
    """However a tired person writes it."""
    assert Desk().say(task=name)


@pytest.mark.parametrize("name", ["T2", "", "T", "ask ", "0", "T\u00b2", "\uff11", "T1T"])
def test_t101_a_task_that_does_not_exist(name: str) -> None:
    """The open ones are named."""
    Desk().refuses(NotFound, "T101", task=name)


def test_t102_a_task_that_was_answered() -> None:
    """The second answer changes nothing and says who was first."""
    desk = Desk()
    desk.say()
    desk.refuses(Refused, "T102", person=EVE)


@pytest.mark.parametrize("roles", [[], ["legal"], ["DPO"]])
def test_t103_a_person_without_the_role(roles: list[str]) -> None:
    """Only the role that was asked may answer."""
    Desk().refuses(NotPermitted, "T103", person=Person("Zoe", frozenset(roles)))


def test_t103_a_role_that_one_claims_but_does_not_have() -> None:
    """Naming another role than one's own does not help."""
    Desk().refuses(NotPermitted, "T103", person=Person("Zoe", frozenset({"legal"})), role="dpo")
    Desk().refuses(NotPermitted, "T103", person=ADA, role="manager")


def test_an_escalated_task_may_be_answered_by_either() -> None:
    """The role it went to may answer, and the first one still."""
    for role in ("dpo", "legal"):
        desk = Desk()
        escalated = {"task": "ask", "role": "legal", "why": "nobody answered"}
        suppose(desk.view, [Draft(Kind.TASK_ESCALATED, "firedoor", escalated)], NOW)
        assert desk.say(person=Person("Zoe", frozenset({role})))[0].body["role"] == role


def test_t104_four_eyes_are_four() -> None:
    """One person cannot be the second one as well, by whatever role."""
    desk = Desk(approvals=2)
    assert desk.say()[0].body["decides"] is False
    desk.refuses(Refused, "T104")
    assert desk.view.tasks["ask"].open
    assert desk.say(person=EVE)[0].body["decides"] is True


def test_t104_who_answered_the_one_may_not_answer_the_other() -> None:
    """A task can be independent of another one."""
    desk = Desk()
    desk.open("check", four_eyes_with="ask")
    desk.say()
    desk.refuses(Refused, "T104", task="check")
    assert desk.say(person=EVE, task="check")


def test_t105_who_started_it_does_not_approve_it() -> None:
    """With several approvals the person who opened the incident is not one of them."""
    Desk(approvals=2).refuses(Refused, "T105", person=BEN)
    assert Desk(approvals=1).say(person=BEN)


@pytest.mark.parametrize("choice", ["", "Approve", "yes", "approve "])
def test_t106_a_choice_that_was_not_offered(choice: str) -> None:
    """The offered ones are named."""
    Desk().refuses(InvalidInput, "T106", choice)


@pytest.mark.parametrize(
    "given",
    [{}, {"facts": {"people": 3}}, {"fields": {"ticket": "7"}}, {"fields": {"ticket": " ", "people": "3"}},
     {"facts": {"people": None}, "fields": {"ticket": "7"}}],
)  # fmt: skip
def test_t107_what_a_choice_requires_must_come_with_it(given: dict[str, Any]) -> None:
    """Each required fact or field; an empty one and a null are none."""
    Desk().refuses(InvalidInput, "T107", "refuse", **given)


@pytest.mark.parametrize("fields", [{"a": "x" * 4001}, {str(n): "x" for n in range(41)}])
def test_t108_fields_have_bounds(fields: dict[str, str]) -> None:
    """A journal is no place for a novel."""
    Desk().refuses(InvalidInput, "T108", fields=fields)


@pytest.mark.parametrize("why", ["", "  \n", "x" * 4001])
def test_t109_a_reason_is_needed(why: str) -> None:
    """Empty, blank and endless reasons are none."""
    Desk().refuses(InvalidInput, "T109", why=why)


@pytest.mark.parametrize("facts", [{"nobody": 1}, {"people": "many"}, {"kind": "c"}, {"people": 1, "known_at": "noon"}])
def test_facts_that_do_not_fit_refuse_the_whole_answer(facts: dict[str, Any]) -> None:
    """A fact that is unknown to the vocabulary or does not fit its type: nothing is written."""
    code = "F100" if "nobody" in facts else "F101"
    Desk().refuses(InvalidInput, code, facts=facts)


def test_two_of_three_agree() -> None:
    """Of a question with two approvals, the second equal answer decides; a different one does not."""
    desk = Desk(approvals=2)
    desk.say("approve")
    desk.say("refuse", EVE, facts={"people": 1}, fields={"ticket": "7"})
    assert desk.view.tasks["ask"].open
    assert desk.say("approve", Person("Zoe", frozenset({"dpo"})))[0].body["decides"] is True
    assert desk.view.tasks["ask"].decided == "approve"


def test_one_refusal_of_an_approval_decides_at_once() -> None:
    """Two must agree, and one is enough to stop it."""
    desk = Desk(approvals=3, kind="approve")
    desk.say()
    assert desk.say("refuse", EVE, facts={"people": 1}, fields={"ticket": "7"})[0].body["decides"] is True
    desk.refuses(Refused, "T102", person=Person("Zoe", frozenset({"dpo"})))


@pytest.mark.parametrize(("after", "late"), [(timedelta(0), False), (timedelta(microseconds=1), True)])
def test_a_late_answer_counts_and_says_so(after: timedelta, late: bool) -> None:
    """It is accepted, because a late answer is better than none, and marked."""
    assert Desk().say(now=DUE + after)[0].body["late"] is late


def test_facts_are_set_with_what_they_were_before() -> None:
    """What was believed until then stays on record; what changes nothing writes nothing."""
    desk = Desk()
    suppose(desk.view, set_facts(desk.view, {"people": "1..5"}, "counted", ADA, DEFINITIONS), NOW)
    (draft,) = set_facts(desk.view, {"people": 3}, "counted again", EVE, DEFINITIONS)
    assert (draft.body["before"], draft.body["values"]) == ({"people": {"min": 1, "max": 5}}, {"people": 3})
    assert set_facts(desk.view, {"people": "1..5"}, "the same", EVE, DEFINITIONS) == []
    with pytest.raises(InvalidInput, match="T109"):
        set_facts(desk.view, {"people": 3}, " ", EVE, DEFINITIONS)


class Court(Desk):
    """A desk with a running clock and its task."""

    def __init__(self, **clock: Any) -> None:
        super().__init__()
        body = {"id": "duty", "duty": "duty", "state": "running", "due": DUE.isoformat(), "kind": "instant", **clock}
        suppose(self.view, [Draft(Kind.CLOCK_STARTED, "firedoor", body)], NOW)
        choices = [{"id": "submitted", "requires": ["reference"]}, {"id": "not_required"}]
        self.open("send", kind="submit", clock="duty", choices=choices, asks=[])

    def send(self, now: datetime = NOW, clock: str = "duty", **fields: str) -> list[Draft]:
        """Say that it was sent."""
        drafts = submit_clock(self.view, clock, {**SENT, **fields}, "sent", ADA, now)
        suppose(self.view, drafts, now)
        return drafts


def test_c101_a_clock_that_does_not_run() -> None:
    """The ones that run are named."""
    with pytest.raises(NotFound, match="C101"):
        Court().send(clock="other", reference="7")


def test_c102_a_clock_that_was_met() -> None:
    """It cannot be met twice."""
    court = Court()
    assert [draft.kind for draft in court.send(reference="7")] == [Kind.TASK_ANSWERED, Kind.CLOCK_SUBMITTED, Kind.FACTS]
    with pytest.raises(Refused, match="C102"):
        court.send(reference="8")


def test_c103_a_clock_whose_draft_is_not_made_yet() -> None:
    """Without its task there is nothing to answer yet."""
    court = Court()
    del court.view.tasks["send"]
    with pytest.raises(Refused, match="C103"):
        court.send(reference="7")


def test_nothing_is_submitted_without_a_reference() -> None:
    """Without the receipt's number it is only a claim."""
    with pytest.raises(InvalidInput, match="T107"):
        Court().send()


def test_c104_after_the_limit_the_reasons_are_needed() -> None:
    """Late is late, and says why."""
    late = DUE + timedelta(seconds=1)
    with pytest.raises(InvalidInput, match="C104"):
        Court().send(late, reference="7")
    drafts = Court().send(late, reference="7", reasons_for_delay="the DPO was in hospital")
    assert drafts[1].body["late"] is True


def test_nobody_is_late_for_a_hold() -> None:
    """What asks to keep something until an instant has no limit that could be missed."""
    assert Court(kind="hold_until").send(DUE + timedelta(days=1), reference="7")[1].body["late"] is False


def test_not_required_waives_the_clock_with_a_name() -> None:
    """The clock ends by a decision that has an owner."""
    court = Court()
    drafts = court.say("not_required", ADA, "send", why="no risk")
    assert [draft.kind for draft in drafts] == [Kind.TASK_ANSWERED, Kind.CLOCK_WAIVED]
    assert drafts[1].body["by"] == "Ada"
    assert court.view.open_clocks() == []


def test_what_was_proposed_for_a_clock_dies_with_it() -> None:
    """A change that somebody approves later must not bring a submitted clock back to life."""
    court = Court()
    payload = {"id": "duty", "state": "running", "due": (DUE + timedelta(days=9)).isoformat()}
    choices = [{"id": "approve"}, {"id": "keep"}]
    court.open("change", kind="clock", clock="duty", choices=choices, asks=[], payload=payload)
    court.send(reference="7")
    court.refuses(Refused, "T102", "approve", task="change")
    assert court.view.clocks["duty"].state == "submitted"
