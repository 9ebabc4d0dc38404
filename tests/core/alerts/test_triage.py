"""Which playbook an alert starts, and whether the reason says so to a person at 03:00."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firedoor.core.alerts.alert import Alert, Method
from firedoor.core.alerts.start_rules import conditions
from firedoor.core.alerts.triage import Decision, KnownIncident, Triage, triage
from firedoor.core.facts import Count
from firedoor.core.lifecycle import IncidentType
from firedoor.core.playbook.playbook import StartRule
from firedoor.core.severity import Severity
from firedoor.core.ternary import NO, UNKNOWN, YES

LEAK, NCII, TRAINING = (
    IncidentType.DATA_LEAKAGE, IncidentType.NONCONSENSUAL_GENERATION, IncidentType.UNAUTHORIZED_TRAINING
)  # fmt: skip
DIGEST = hashlib.sha256(b"one detection").hexdigest()
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Book:
    """As much of a playbook as triage sees."""

    name: str
    incident: IncidentType
    start: tuple[StartRule, ...]


def book(name: str, incident: IncidentType, *when: str, source: str = "presidio", **facts: Any) -> Book:
    """Return a playbook with one start rule for each condition."""
    return Book(name, incident, tuple(StartRule(source=source, when=text, facts=facts) for text in when))


def alert(**changes: Any) -> Alert:
    """Return a leak of high severity on one model."""
    base = {
        "source": "presidio", "source_id": "1", "fingerprint": DIGEST, "title": "Personal data", "raw_sha256": DIGEST,
        "severity": "high", "model": "support-chat", "method": "personal_data_detector",
    }  # fmt: skip
    return Alert(**{**base, **changes})


def incident(**changes: Any) -> KnownIncident:
    """Return an open leak on the same model, from another detection."""
    base = {
        "id": "INC-1",
        "incident_type": LEAK,
        "open": True,
        "opened_at": NOON,
        "places": frozenset({"support-chat"}),
    }
    return KnownIncident(**{**base, **changes})


LEAKS = book("model-data-leakage", LEAK, "alert.severity >= high", endpoint="{{ alert.model }}")
IMAGES = book("nonconsensual-content", NCII, "alert.severity >= high")


def words(result: Triage) -> str:
    """Return all reasons as one text."""
    return " ".join(result.reasons)


def test_a_rule_that_holds_starts_its_playbook_and_says_which() -> None:
    """The reason names the playbook, the source and the condition; the facts come from the alert."""
    result = triage(alert(), [LEAKS])
    assert (result.decision, result.playbook, result.incident_type) == (Decision.START, "model-data-leakage", LEAK)
    assert result.facts == {"endpoint": "support-chat"}
    assert result.reasons == ('The start rule of "model-data-leakage" holds: presidio, alert.severity >= high.',)


def test_no_rule_that_holds_leaves_it_unassigned_and_names_the_nearest() -> None:
    """The reason names the condition that failed and the value that it met."""
    result = triage(
        alert(severity="medium"), [LEAKS, book("other", LEAK, "alert.severity >= high and alert.occurrences > 3")]
    )
    assert (result.decision, result.playbook) == (Decision.IGNORE, None)
    assert 'nearest was of "model-data-leakage"' in words(result)
    assert "alert.severity >= high (alert.severity is medium)" in words(result)


def test_the_nearest_is_of_the_incident_that_the_alert_names() -> None:
    """Then of its own source; a rule for everything that fails in fewer parts says less about what was missing."""
    anything = book("anything", NCII, "alert.method == 'removal_request'", source="any")
    mine = book("mine", LEAK, "alert.severity >= critical and alert.occurrences >= 5")
    result = triage(alert(incident_type=LEAK, occurrences=1), [anything, mine])
    assert 'nearest was of "mine"' in words(result)
    assert "alert.occurrences >= 5 (alert.occurrences is 1)" in words(result)


def test_a_source_that_no_rule_listens_to_is_named() -> None:
    """A misspelt source in a playbook shows here, with the one that was meant."""
    result = triage(alert(severity="medium"), [book("typo", LEAK, "", source="presidoi")])
    assert result.decision is Decision.IGNORE
    assert 'No start rule listens to presidio (did you mean "presidoi"?' in words(result)
    assert "no playbook has a start rule" in words(triage(alert(), []))


def test_a_condition_that_nobody_can_answer_asks() -> None:
    """An alert without a severity is not an alert of low severity."""
    result = triage(alert(severity=None), [LEAKS])
    assert (result.decision, result.candidates) == (Decision.ASK, ("model-data-leakage",))
    assert "alert.severity is unknown" in words(result)


def test_a_rule_that_cannot_be_read_asks() -> None:
    """A broken rule is no reason to miss an incident, nor to crash."""
    result = triage(alert(), [book("broken", LEAK, "alert.severity >=")])
    assert result.decision is Decision.ASK
    assert "cannot be read" in words(result)


def test_a_rule_that_holds_is_not_held_up_by_one_that_is_unknown() -> None:
    """Containment does not wait for the answer to another playbook's question."""
    other = book("other", LEAK, "alert.occurrences > 3 and alert.severity >= high")
    assert triage(alert(), [other, LEAKS]).playbook == "model-data-leakage"


def test_the_incident_that_the_alert_names_decides_between_playbooks() -> None:
    """Two playbooks listen alike; the detector says what it saw."""
    for kind, name in ((LEAK, "model-data-leakage"), (NCII, "nonconsensual-content")):
        result = triage(alert(incident_type=kind), [LEAKS, IMAGES])
        assert (result.decision, result.playbook) == (Decision.START, name)
        assert f"because the alert names {kind}" in words(result)


def test_a_playbook_for_another_incident_than_the_alert_names_asks() -> None:
    """The wrong playbook would contain the wrong thing."""
    result = triage(alert(incident_type=TRAINING), [LEAKS, IMAGES])
    assert (result.decision, result.playbook) == (Decision.ASK, None)
    assert result.candidates == ("model-data-leakage", "nonconsensual-content")


def test_a_guess_below_half_does_not_decide() -> None:
    """A sender who is not sure has not said which incident it is."""
    assert triage(alert(incident_type=TRAINING, confidence=0.3), [LEAKS]).decision is Decision.START


def test_the_more_specific_rule_wins_and_says_against_what() -> None:
    """More conditions before fewer, a named source before any, a higher severity before a lower one."""
    two = book("two", LEAK, "alert.severity >= high and alert.model == 'support-chat'")
    result = triage(alert(), [LEAKS, two])
    assert result.playbook == "two"
    assert "more conditions (2 against 1)" in words(result)
    everything = book("everything", LEAK, "alert.severity >= high", source="any")
    assert "for presidio alone" in words(triage(alert(), [everything, LEAKS]))
    worst = book("worst", LEAK, "alert.severity >= critical")
    assert "higher severity (critical against high)" in words(triage(alert(severity="critical"), [LEAKS, worst]))


def test_a_tie_asks_whatever_the_order() -> None:
    """Nothing but a person decides between equals; the order of files does not."""
    twin = book("twin", LEAK, "alert.severity >= high")
    for books in ([LEAKS, twin], [twin, LEAKS]):
        result = triage(alert(), books)
        assert (result.decision, result.candidates) == (Decision.ASK, ("model-data-leakage", "twin"))
        assert "equally specific" in words(result)


@pytest.mark.parametrize(
    ("when", "number"),
    [
        ("", 0),
        ("alert.severity >= high", 1),
        ("a and b and c", 3),
        ("a and (b or c)", 2),
        ("a or b or c", 1),
        ("a >", 0),
    ],
)
def test_alternatives_count_as_one_condition(when: str, number: int) -> None:
    """An `or` widens a rule; it does not make it more specific."""
    assert conditions(when) == number


@pytest.mark.parametrize("method", [Method.MEMBERSHIP_INFERENCE, Method.SCORE_DROP])
def test_weak_evidence_asks_however_severe(method: Method) -> None:
    """A membership test at critical severity contains nothing by itself."""
    result = triage(alert(method=method, severity="critical"), [LEAKS])
    assert (result.decision, result.playbook) == (Decision.ASK, "model-data-leakage")
    assert "weak evidence" in result.reasons[0]


def test_a_suspected_minor_forces_the_legal_branch() -> None:
    """Containment starts as it would have; the branch for people is forced, with the reason first."""
    result = triage(alert(possible_minor=YES), [LEAKS])
    assert (result.decision, result.legal_branch) == (Decision.START, True)
    assert result.reasons[0].startswith("A child may be concerned")


def test_a_suspected_minor_is_never_left_unassigned() -> None:
    """With no rule that holds a person is asked; without a suspicion nobody is."""
    assert triage(alert(possible_minor=YES, severity="low"), [LEAKS]).decision is Decision.ASK
    assert triage(alert(possible_minor=NO, severity="low"), [LEAKS]).decision is Decision.IGNORE


def test_an_unknown_minor_is_an_open_question_about_intimate_content() -> None:
    """Not known is said, and forces nothing."""
    result = triage(alert(incident_type=NCII, possible_minor=UNKNOWN), [IMAGES])
    assert not result.legal_branch
    assert "not known whether a child" in words(result)


def test_the_same_detection_is_attached_to_its_open_incident() -> None:
    """A new episode of a detection that is being worked on starts nothing twice."""
    known = incident(fingerprints=frozenset({DIGEST}), incident_type=NCII, places=frozenset())
    result = triage(alert(episode="2"), [LEAKS], [known])
    assert (result.decision, result.incident) == (Decision.ATTACH, "INC-1")


def test_another_detection_of_the_same_kind_and_place_is_attached() -> None:
    """A thousand answers that leak are one incident; another model, or another kind, is another one."""
    assert triage(alert(), [LEAKS], [incident()]).decision is Decision.ATTACH
    assert triage(alert(model="other"), [LEAKS], [incident()]).decision is Decision.START
    assert triage(alert(incident_type=NCII), [IMAGES], [incident()]).decision is Decision.START
    assert triage(alert(), [LEAKS], [incident(open=False)]).decision is Decision.START


def test_the_newest_of_several_open_incidents_takes_it() -> None:
    """Whatever their order."""
    newer = incident(id="INC-2", opened_at=datetime(2026, 11, 21, tzinfo=UTC))
    for known in ([incident(), newer], [newer, incident()]):
        assert triage(alert(), [LEAKS], known).incident == "INC-2"


def test_an_attached_alert_that_is_worse_says_so() -> None:
    """The people on the incident must hear that it grew, and that a child may be concerned."""
    result = triage(alert(severity="critical", possible_minor=YES), [LEAKS], [incident(severity=Severity.HIGH)])
    assert "more severe than the incident so far (critical > high)" in words(result)
    assert (result.decision, result.legal_branch) == (Decision.ATTACH, True)


def test_resolved_closes_nothing() -> None:
    """Attached to the open incident, kept beside the closed one; a person is asked when nobody saw it begin."""
    resolved, mine = alert(status="resolved"), frozenset({DIGEST})
    attached = triage(resolved, [LEAKS], [incident(fingerprints=mine)])
    assert (attached.decision, "closes no incident" in words(attached)) == (Decision.ATTACH, True)
    assert triage(resolved, [LEAKS], [incident(fingerprints=mine, open=False)]).decision is Decision.IGNORE
    unseen = triage(resolved, [LEAKS])
    assert (unseen.decision, "never seen here" in words(unseen)) == (Decision.ASK, True)


def test_a_detection_that_comes_back_after_closing_starts_again_and_says_so() -> None:
    """The review of the closed incident promised something that did not hold."""
    result = triage(alert(episode="2"), [LEAKS], [incident(fingerprints=frozenset({DIGEST}), open=False)])
    assert result.decision is Decision.START
    assert "led to INC-1, which is closed" in words(result)


def test_facts_keep_their_types_and_unknown_ones_stay_unknown() -> None:
    """A count stays a range, a list a list; what the alert does not say is left out, with the reason."""
    rich = book("rich", LEAK, "", people_affected="{{ alert.subjects }}", kinds="{{ alert.data_categories }}",
                least={"min": 1}, story="{{ alert.model }} via {{ alert.endpoint }}", dataset="{{ alert.dataset }}",
                place="{{ alert.labels.region | upper }}", bad="{{ alert.model() }}",
                where="{{ alert.locators }}")  # fmt: skip
    result = triage(alert(subjects=Count(minimum=2), data_categories=("contact",), labels={"region": "eu"}), [rich])
    assert result.facts == {
        "people_affected": {"min": 2, "max": None}, "kinds": ["contact"], "least": {"min": 1}, "place": "EU",
    }  # fmt: skip
    assert all(f"The fact {name} " in words(result) for name in ("story", "dataset", "bad", "where"))
    assert "The fact dataset stays unknown: the alert does not say alert.dataset." in words(result)


def test_a_label_that_is_absent_is_empty_and_not_unknown() -> None:
    """As in Prometheus; otherwise a rule for one team would ask people about every other team's alerts."""
    rule = book("team", LEAK, "alert.labels.team == 'safety'")
    assert triage(alert(), [rule]).decision is Decision.IGNORE
    assert triage(alert(labels={"team": "safety"}), [rule]).decision is Decision.START


def test_notes_of_the_reader_reach_the_person() -> None:
    """Alerts that the sender left out must not stay in a log."""
    assert "left out 3" in words(triage(alert(notes=("The sender left out 3.",)), [LEAKS]))


CONDITIONS = (
    "",
    "alert.severity >= high",
    "alert.severity >= low and alert.model == 'm'",
    "alert.occurrences > 3",
    "alert.",
)


@given(
    rules=st.lists(
        st.tuples(st.sampled_from(CONDITIONS), st.sampled_from([LEAK, NCII]), st.sampled_from(["presidio", "any"]))
    ),
    order=st.randoms(use_true_random=False),
    minor=st.sampled_from([YES, NO, UNKNOWN]),
    method=st.sampled_from([None, *Method]),
    severity=st.sampled_from([None, *Severity]),
)
def test_triage_always_decides_alike_with_a_reason(
    rules: Any, order: Any, minor: Any, method: Any, severity: Any
) -> None:
    """For any playbooks in any order: one decision, a reason, no start on weak evidence, no forgotten child."""
    books = [book(f"p{index}", kind, when, source=source) for index, (when, kind, source) in enumerate(rules)]
    given_alert = alert(possible_minor=minor, method=method, severity=severity)
    result = triage(given_alert, books)
    order.shuffle(books)
    assert triage(given_alert, books) == result
    assert result.reasons
    assert not (result.decision is Decision.START and given_alert.strength == "weak")
    assert not (result.decision is Decision.IGNORE and minor is YES)
    assert (result.decision is Decision.START) <= (result.playbook is not None)
