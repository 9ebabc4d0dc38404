"""What every shipped playbook must keep: all twelve steps, drills that hold, and no path that forgets a duty."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from firedoor.alerts.registry import example_body, sources
from firedoor.alerts.shipped import shipped
from firedoor.core.alerts.alert import Alert, Method
from firedoor.core.alerts.triage import Decision, triage
from firedoor.core.canonical import canonical
from firedoor.core.facts import FactType
from firedoor.core.lifecycle import IncidentType, Phase, State
from firedoor.core.playbook.plan import Ask, Call, Keep, Mark, Plan, Tell
from firedoor.core.playbook.playbook import Drill, DrillAnswer, DrillExpectation
from firedoor.core.problems import InvalidInput
from firedoor.core.severity import Severity
from firedoor.duties.catalogue import catalogue
from firedoor.runtime.config import playbooks as library
from firedoor.runtime.rehearsal.drill import DrillResult, rehearse

NAMED = library.all_playbooks()
BOOKS = list(NAMED.values())
NAMES = ("model-data-leakage", "nonconsensual-generation", "unauthorized-training")
TWELVE = {
    "confirm the incident type": "identification.confirm",
    "assess scope and impact": "identification.scope",
    "tell the stakeholders": "identification.tell-stakeholders",
    "suspend the affected models": "containment.suspend",
    "preserve evidence": "containment.preserve",
    "notify data-protection authorities": "containment.notify-authorities",
    "root-cause analysis": "remediation.root-cause",
    "corrective measures": "remediation.corrective-measures",
    "tell the affected people": "remediation.notify-people",
    "lessons-learned session": "post_incident.lessons-learned",
    "update policies and procedures": "post_incident.update-policies",
    "prevent the next one": "post_incident.prevent",
}
DOES = {
    "identification.confirm": Ask, "identification.scope": Ask, "identification.tell-stakeholders": Tell,
    "containment.suspend": Call, "containment.preserve": Keep, "containment.notify-authorities": Ask,
}  # fmt: skip
DRILLS = [(name, drill.drill) for name in NAMES for drill in library.load_playbook(name).header.drills]


def drill_of(name: str, drill: str) -> Drill:
    """The drill of a playbook by its name."""
    return next(found for found in library.load_playbook(name).header.drills if found.drill == drill)


def test_there_is_a_playbook_for_every_incident() -> None:
    """The three incidents of the mission each have one playbook."""
    assert {playbook.incident for playbook in library.all_playbooks().values()} == set(IncidentType)
    assert tuple(library.all_playbooks()) == NAMES


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("wanted", TWELVE)
def test_all_twelve_steps_are_there(name: str, wanted: str) -> None:
    """Each step of the outline is a step of the playbook that does what its name says, in its phase."""
    step = TWELVE[wanted]
    operations = [operation for operation in library.compiled(name) if operation.step == step]
    assert any(isinstance(operation, DOES.get(step, Ask)) for operation in operations)
    assert {operation.phase for operation in operations} == {Phase(step.split(".")[0])}


@pytest.mark.parametrize("name", NAMES)
def test_every_question_says_what_to_look_at_or_is_plain(name: str) -> None:
    """A person who is asked for more than a yes finds guidance; the longest questions fit on a screen."""
    asks = [
        op
        for op in library.compiled(name)
        if isinstance(op, Ask) and op.kind in ("confirm", "decide", "facts", "review")
    ]
    assert not [ask.id for ask in asks if not ask.guidance and not all(choice.consequence for choice in ask.choices)]
    assert not [ask.id for ask in asks if len(ask.question) > 160]


@pytest.mark.parametrize("name", NAMES)
def test_every_role_is_asked_or_told(name: str) -> None:
    """No role stands in the list for decoration."""
    plan = library.compiled(name)
    used = {role for op in plan if isinstance(op, Ask) for role in (op.role, op.escalate_to)}
    told = {role for op in plan if isinstance(op, Tell) for role in op.to}
    assert set(plan.roles) == used | told


@pytest.mark.parametrize("name", NAMES)
def test_the_reflex_is_strict_and_reversible(name: str) -> None:
    """Without a person only strong evidence closes anything, only at a known target, after its state was captured."""
    plan = library.compiled(name)
    conditions = {op.condition for op in plan if op.id.endswith(".automatic")}
    assert conditions
    assert all('facts.evidence_strength == "strong"' in str(c) and " is known" in str(c) for c in conditions)
    calls = [op for op in plan if isinstance(op, Call) and op.reflex and op.verb == "suspend"]
    assert calls
    assert all(call.snapshot and not call.allow_irreversible for call in calls)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_resumed_without_people(name: str) -> None:
    """After a real incident two people agree before anything answers again; after a false alarm at least one."""
    plan = library.compiled(name)
    approvals = {op.step: op.approvals for op in plan if isinstance(op, Ask) and op.id.endswith("approve")}
    resumed = [op for op in plan if isinstance(op, Call) and op.verb == "resume"]
    assert resumed
    assert all(approvals[op.step] >= (2 if op.phase is Phase.REMEDIATION else 1) for op in resumed)


@pytest.mark.parametrize("name", NAMES)
def test_what_alters_comes_after_what_keeps(name: str) -> None:
    """Purging, retraining and removing are marked as altering, so that the compiler orders them after evidence."""
    altering = [op.step for op in library.compiled(name) if isinstance(op, Ask) and op.alters]
    assert "remediation.corrective-measures" in altering


@pytest.mark.parametrize(("name", "drill"), DRILLS)
def test_drills_go_as_expected(name: str, drill: str) -> None:
    """Every drill of every playbook holds, with a restart between any two of its rounds."""
    result = rehearse(library.compiled(name), drill_of(name, drill), catalogue())
    assert result.mismatches == (), "\n".join((*result.mismatches, *result.story()))


@pytest.mark.parametrize("name", NAMES)
def test_there_is_a_plain_drill_and_a_nasty_one(name: str) -> None:
    """At least two rehearsals ship with each playbook, one of them with something that misbehaves."""
    drills = library.load_playbook(name).header.drills
    assert len(drills) >= 2
    assert any(behaviour != "works" for drill in drills for behaviour in drill.targets.values())
    assert any(not drill.targets for drill in drills)


def test_an_example_that_does_not_exist_is_found_by_check(tmp_path: Path) -> None:
    """With the place in the page and the nearest name."""
    file = tmp_path / "wrong.yaml"
    file.write_text(
        library.find("model-data-leakage").read_text().replace("example: presidio.json", "example: presido.json")
    )
    with pytest.raises(InvalidInput, match="presidio has no example") as caught:
        library.compiled(file)
    assert (caught.value.problems[0].code, caught.value.problems[0].place is not None) == ("P305", True)


def test_a_drill_notices_when_its_playbook_is_wrong() -> None:
    """A wrong expectation of each kind is one mismatch: a drill can fail."""
    drill = drill_of("model-data-leakage", "an invented person is no leak")
    wrong = DrillExpectation(
        state=State.CLOSED, order=("close",), skipped=("identification.confirm",),
        clocks={"us.sec.8k105": "submitted"},
        suspended=("chat-small",), told=("nobody",), contained_within="1s",
    )  # fmt: skip
    found = rehearse(
        library.compiled("model-data-leakage"), drill.model_copy(update={"expect": wrong}), catalogue()
    ).mismatches
    words = (
        "dismissed",
        "close was not",
        "finished, not left",
        "no such clock",
        "never proved",
        "told nothing",
        "contained never",
    )
    assert len(found) == len(words)
    assert all(any(word in line for line in found) for word in words)


def effects_of(name: str, drill: str) -> int:
    """How many effects a drill performs."""
    result = rehearse(library.compiled(name), drill_of(name, drill), catalogue())
    return sum(entry.kind == "operation.started" and "key" in entry.body for entry in result.entries)


@pytest.mark.parametrize(
    ("name", "drill"),
    [
        ("model-data-leakage", "a planted record comes back, and everybody answers"),
        ("model-data-leakage", "an invented person is no leak"),
        ("unauthorized-training", "the use was lawful after all"),
    ],
)
def test_killed_after_any_effect_nothing_is_lost_or_doubled(name: str, drill: str) -> None:
    """For each effect: the driver dies before it could write the outcome; the drill still goes as expected, once."""
    plan, rehearsal = library.compiled(name), drill_of(name, drill)
    for number in range(1, effects_of(name, drill) + 1):
        result = rehearse(plan, rehearsal, catalogue(), lose=number)
        assert result.mismatches == (), f"effect {number}: {result.mismatches}"
        assert set(result.changes.values()) <= {1}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(4))
def test_no_path_ends_with_an_open_duty(name: str, seed: int) -> None:
    """However people answer and systems behave, the incident ends only when every clock is met, waived or ended."""
    plan = library.compiled(name)
    result = rehearse(plan, wandering(plan, random.Random(seed)), catalogue())  # noqa: S311 - a walk that can be repeated
    assert result.mismatches == (), "\n".join((*result.mismatches, *result.story()[-12:]))
    assert result.view.state in (State.CLOSED, State.DISMISSED)
    assert result.view.open_clocks() == []
    assert result.view.clocks


def wandering(plan: Plan, chance: random.Random) -> Drill:
    """A drill in which everybody answers something, and the systems behave somehow."""
    answers = [_some_answer(op, chance) for op in plan if isinstance(op, Ask)]
    endings = [
        DrillAnswer(task="rescue:*", choice=chance.choice(["by_hand", "skip"])),
        DrillAnswer(task="list:*", choice="done"),
        DrillAnswer(task="clock-change:*", choice=chance.choice(["approve", "keep"])),
        *(DrillAnswer(task="*", choice=choice) for choice in chance.sample(["yes", "no"], 2)),
    ]
    targets = {"the-model": chance.choice(["works", "lies", "down", "fails"])}
    facts = {fact.name: "the-model" for fact in plan.facts if fact.type is FactType.TARGET}
    organisation = {
        "established_in": ["DE", "UK", "US"], "serves": ["UK", "US", "IN"], "time_zone": "Europe/Berlin",
        "member_state": "DE",
        "covered_platform": "yes", "user_to_user_service": "yes", "us_communications_provider": "yes",
    }  # fmt: skip
    return Drill.model_validate({
        "drill": "wandering", "severity": chance.choice(["low", "critical"]), "targets": targets,
            "organisation": organisation,
        "facts": {**facts, "evidence_strength": chance.choice(["strong", "weak"]),
                      "request_received_at": "2026-11-21T02:00:00Z"},
        "answers": [answer.model_dump(exclude={"after"}) for answer in (*answers, *endings)],
        "expect": {},
    })  # fmt: skip


def _some_answer(ask: Ask, chance: random.Random) -> DrillAnswer:
    choice = chance.choice(ask.choices)
    fields = dict.fromkeys((*choice.requires, "reasons_for_delay"), "as rehearsed")
    return DrillAnswer(task=ask.id, choice=choice.id, fields=fields)


def parsed_examples() -> list[tuple[str, Alert]]:
    """Every alert that the sources' own examples hold."""
    found = []
    for source in sources().values():
        for example in source.examples:
            alerts = source.parse(example_body(example), example.headers)
            found += [(f"{source.id}: {alert.title}", alert) for alert in alerts]
    return found


def test_the_examples_of_every_source_start_the_right_playbook() -> None:
    """An alert that names its incident starts that playbook or asks a person; no severe one is dropped."""
    playbooks = list(library.all_playbooks().values())
    started = 0
    for label, alert in parsed_examples():
        decided = triage(alert, playbooks)
        started += decided.decision is Decision.START
        if decided.decision is Decision.START and alert.incident_type:
            assert decided.incident_type is alert.incident_type, label
        severe = alert.severity is not None and alert.severity >= Severity.HIGH and alert.status == "firing"
        assert not (severe and decided.decision is Decision.IGNORE), f"{label}: {decided.reasons}"
    assert started >= 4


@pytest.mark.parametrize("source", [*sources(), "a-mapped-one"])
def test_every_source_can_start_a_leak(source: str) -> None:
    """A severe leak starts whichever source says it, a mapped one too, and fills the facts of the reflex."""
    alert = Alert.model_validate({
        "source": source, "source_id": "1", "fingerprint": "0" * 64, "title": "leak", "severity": "critical",
        "incident_type": "data_leakage_in_ai_models", "method": "canary", "model": "chat", "endpoint": "chat-eu",
        "raw_sha256": "0" * 64,
    })  # fmt: skip
    books = list(library.all_playbooks().values())
    decided = triage(alert, books)
    assert decided.playbook == "model-data-leakage"
    assert decided.facts["endpoint"] == "chat-eu"
    assert triage(alert.model_copy(update={"endpoint": None}), books).facts["endpoint"] == "chat"
    assert decided.facts["evidence_strength"] == "strong"
    assert decided.facts["severity"] == "critical"


@pytest.mark.parametrize("severity", list(Severity))
@pytest.mark.parametrize("kind", [*IncidentType, None])
@pytest.mark.parametrize("method", [*Method, None])
def test_a_severe_alert_of_any_source_is_never_ignored(
    severity: Severity, kind: IncidentType | None, method: Method | None
) -> None:
    """It starts the playbook of its incident, or asks a person, whatever else the sender does not say."""
    alert = Alert.model_validate({
        "source": "a-mapped-one", "source_id": "1", "fingerprint": "0" * 64, "title": "x", "severity": severity,
        "incident_type": kind, "method": method, "model": "chat", "raw_sha256": "0" * 64,
    })  # fmt: skip
    decided = triage(alert, BOOKS)
    assert severity < Severity.HIGH or decided.decision in (Decision.START, Decision.ASK)
    if decided.decision is Decision.START and kind is not None:
        assert decided.incident_type is kind


def test_every_source_begins_a_drill_of_what_it_can_start() -> None:
    """What each of our sources tells goes through the same intake in a drill as it does in the server."""
    drills = {name: book.header.drills for name, book in NAMED.items()}
    rehearsed = {name: {drill.alert.source for drill in found if drill.alert} for name, found in drills.items()}
    assert set().union(*rehearsed.values()) == set(sources()) - set(shipped())
    assert all(found >= {"generic", "cloudevents", "alertmanager"} for found in rehearsed.values())
    assert {rule.source for book in BOOKS for rule in book.start} == {"any"}


VENDORS = {
    "model-data-leakage": ("grafana", "pagerduty", "datadog", "macie", "trufflehog"),
    "nonconsensual-generation": ("hive", "rekognition", "openai-moderation", "azure-content-safety", "hma"),
    "unauthorized-training": ("consent-ledger", "canarytokens", "guardduty", "falco", "membership-inference"),
}


@pytest.mark.parametrize(("name", "source"), [(name, source) for name in VENDORS for source in VENDORS[name]])
def test_a_drill_begins_with_a_vendors_alert(name: str, source: str) -> None:
    """The example that ships opens the incident, by itself or by a person where it is left to one."""
    drill = Drill.model_validate({"drill": "a vendor's", "alert": {"source": source, "example": f"{source}.json"}})
    result = rehearse(library.compiled(name), drill, catalogue())
    if not result.view.opened_at:
        assert "ask" in str(result.mismatches), result.mismatches
        by_hand = {"source": source, "example": f"{source}.json", "started_by": "Ada"}
        drill = Drill.model_validate({"drill": "a vendor's", "alert": by_hand})
        result = rehearse(library.compiled(name), drill, catalogue())
    assert result.view.opened_at, result.mismatches


LEAK: dict[str, Any] = {"id": "1", "severity": "high", "incident": "data_leakage_in_ai_models"}
DELIVERY: dict[str, Any] = {"source": "generic", "body": LEAK}


def begun(**alert: Any) -> DrillResult:
    """A drill of the leak playbook that begins with this delivery."""
    drill = Drill.model_validate({"drill": "a delivery", "alert": {**DELIVERY, **alert}})
    return rehearse(library.compiled("model-data-leakage"), drill, catalogue())


def test_a_drill_whose_alert_starts_nothing_says_why() -> None:
    """The decision and its reasons, as the sender would be told; a body that is refused; a source that is not there."""
    low = begun(body={**LEAK, "severity": "low"})
    assert "does not start model-data-leakage" in low.mismatches[0]
    assert "alert.severity >= high (alert.severity is low)" in low.mismatches[0]
    assert "the alert is refused: is missing" in begun(body={"severity": "high"}).mismatches[0]
    assert "no source of alerts is called" in begun(source="nobody").mismatches[0]
    assert low.view.opened_at == ""


def test_a_person_starts_it_for_an_alert_that_asks() -> None:
    """As on a server: the facts of the alert are the detector's, the incident is the person's."""
    result = begun(body={"id": "1", "severity": "low", "endpoint": "chat"}, started_by="Ada")
    assert result.entries[0].actor == "person:Ada"
    facts = next(entry for entry in result.entries if entry.kind == "facts.set")
    assert (facts.actor, facts.body["values"]) == ("source:generic", {"severity": "low", "endpoint": "chat"})


@pytest.mark.parametrize(
    "wrong",
    [{"facts": {"endpoint": "x"}}, {"severity": "high"}, {"alert": {"source": "generic"}},
     {"alert": {**DELIVERY, "example": "generic.json"}}],
)  # fmt: skip
def test_a_drill_begins_in_one_way(wrong: dict[str, Any]) -> None:
    """With an alert that tells the facts, or with facts; a delivery has an example or a body."""
    with pytest.raises(ValueError, match=r"leave both out|one of the two"):
        Drill.model_validate({"drill": "x", "alert": DELIVERY, **wrong})


def test_a_removal_request_starts_the_clock_from_its_arrival() -> None:
    """A request from any source starts the playbook, and the removal laws count from its arrival."""
    alert = Alert.model_validate({
        "source": "takedown", "source_id": "1", "fingerprint": "0" * 64,
            "title": "request", "method": "removal_request",
        "occurred_at": "2026-07-03T22:15:00+01:00", "locators": ["post/8812"], "raw_sha256": "0" * 64,
    })  # fmt: skip
    decided = triage(alert, list(library.all_playbooks().values()))
    assert decided.playbook == "nonconsensual-generation"
    assert decided.facts["request_received_at"] == "2026-07-03T21:15:00+00:00"
    assert decided.facts["content_locators"] == ["post/8812"]


def files() -> Mapping[str, Path]:
    """Every playbook and part by its path within the folder."""
    folder = library.folder()
    return {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*.yaml"))}


@pytest.mark.parametrize("file", files())
def test_a_playbook_reads_like_a_page(file: str) -> None:
    """It opens with a comment that says what it is for, and keeps its lines short where a person reads."""
    text = files()[file].read_text()
    assert text.startswith("# ")
    prose = [line for line in text.splitlines() if "{" not in line]
    assert not [line for line in prose if len(line) > 160]
    assert yaml.safe_load(text)["playbook"] == Path(file).stem


@pytest.mark.parametrize("name", NAMES)
def test_a_plan_is_a_value(name: str) -> None:
    """A plan survives its own JSON, and its digest does not depend on who compiled it when."""
    plan = library.compiled(name)
    again = Plan.model_validate_json(canonical(plan.model_dump(mode="json")))
    assert again == plan
    assert again.digest == plan.digest
    assert [op.id for op in plan if isinstance(op, Mark)][-2:] == ["close", "dismiss"]


def test_duties_that_are_named_must_exist(tmp_path: Path) -> None:
    """`duties:` is checked against the catalogue, with the place and the nearest name."""
    text = library.find("model-data-leakage").read_text().replace("duties: auto", "duties: [eu.gdpr.art33.sb]")
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(library.FiredoorError) as caught:
        library.compiled(path)
    problem = caught.value.problems[0]
    assert "eu.gdpr.art33.sb" in problem.message
    assert 'did you mean "eu.gdpr.art33.sa"' in problem.do
    assert problem.place is not None
    assert text.splitlines()[problem.place.line - 1].startswith("duties:")
