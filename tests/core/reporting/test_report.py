"""The report and its parts, from journals that are written by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from firedoor.core.access.redaction import SEALED, seal
from firedoor.core.content import judge
from firedoor.core.evidence.custody import check_addition, custody, form_of_keeping
from firedoor.core.evidence.kinds import with_incident
from firedoor.core.facts import FactDefinition, FactType
from firedoor.core.history.operation_titles import Names
from firedoor.core.history.timeline import SENTENCES, timeline
from firedoor.core.incident.clock_record import ClockRecord
from firedoor.core.journal import Draft, Entry, Head, Kind, chain, genesis
from firedoor.core.lifecycle import IncidentType, Phase
from firedoor.core.playbook.plan import Ask, Call, Choice, Plan
from firedoor.core.problems import InvalidInput, Refused
from firedoor.core.reporting.report import NOTICE, clock_line, report, span
from firedoor.core.reporting.timeline_chart import WIDTH, chart
from firedoor.runtime.documents.report import render_html, render_markdown

START = datetime(2026, 10, 24, 8, 0, tzinfo=UTC)
FACTS = (
    FactDefinition(name="endpoint", type=FactType.TARGET, ask="Which endpoint?"),
    FactDefinition(name="people_affected", type=FactType.COUNT, ask="How many people?"),
    FactDefinition(name="minor", type=FactType.FLAG, sealed=True),
    FactDefinition(name="contact", type=FactType.TEXT, sealed=True),
)
DEFINITIONS = {fact.name: fact for fact in FACTS}
ASK = Ask(
    id="identification.confirm", title="Confirm", phase=Phase.IDENTIFICATION, step="confirm", kind="confirm",
    question="Is it real?",
    role="commander", choices=(Choice(id="yes", label="Yes, it is real"),), within_seconds=1800, escalate_to="dpo",
)  # fmt: skip
SUSPEND = Call(
    id="containment.suspend", title="Suspend {{ facts.endpoint }}", phase=Phase.CONTAINMENT, step="suspend",
    verb="suspend",
    target="{{ facts.endpoint }}",
)  # fmt: skip
PLAN = Plan(
    playbook="leak", version="1.0.0", title="A leak", incident=IncidentType.DATA_LEAKAGE, roles=("commander", "dpo"),
    duties="auto",
    facts=FACTS, operations=(ASK, SUSPEND),
)  # fmt: skip
PROBE = {"what": "target", "name": "chat", "serving": "no", "status": 423, "detail": "", "at": START.isoformat()}
CLOCK: dict[str, Any] = {
    "id": "eu.gdpr.art33.sa", "duty": "eu.gdpr.art33.sa", "title": "Tell the authority", "citation": "GDPR, Art 33(1)",
    "authority": "the authority", "trigger_at": START.isoformat(), "trigger_event": "aware",
    "started_at": START.isoformat(),
    "due": (START + timedelta(hours=72)).isoformat(), "state": "running", "why": [],
}  # fmt: skip


def clock(**other: Any) -> ClockRecord:
    """The clock above, with some of it otherwise."""
    return ClockRecord(**{**CLOCK, **other})


class Story:
    """A journal that grows minute by minute."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.head = genesis("INC-1")
        opened = {"type": "data_leakage_in_ai_models", "title": "A leak", "severity": "high", "why": "seen"}
        self.add(0, Kind.OPENED, "source:presidio", **opened)
        self.add(0, Kind.PLANNED, playbook="leak", version="1.0.0", digest=PLAN.digest)

    def add(self, minutes: float, kind: Kind, actor: str = "firedoor", /, **body: Any) -> Story:
        """Write an entry so many minutes after the start."""
        now = START + timedelta(minutes=minutes)
        (entry,) = chain("INC-1", self.head, [Draft(kind, actor, body)], now)
        self.entries.append(entry)
        self.head = Head(entry.seq, entry.hash)
        return self

    def asked(self, minutes: float, **more: Any) -> Story:
        """A question to the commander."""
        body: dict[str, Any] = {
            "task": ASK.id, "op": ASK.id, "kind": "confirm", "role": "commander", "question": "Is it real?", "asks": [],
            "choices": [{"id": "yes", "label": "Yes, it is real", "sets": {}}], "due_at": START.isoformat(),
            "escalate_to": "dpo",
        }  # fmt: skip
        return self.add(minutes, Kind.TASK_OPENED, **{**body, **more})

    def answered(self, minutes: float, why: str = "checked by hash") -> Story:
        """Ada says yes."""
        body = {"task": ASK.id, "choice": "yes", "why": why, "by": "Ada", "role": "commander", "seen": self.head.hash}
        return self.add(minutes, Kind.TASK_ANSWERED, "person:Ada", **body, decides=True, fields={}, late=False)

    def facts(self, minutes: float, **values: Any) -> Story:
        """Something becomes known."""
        return self.add(minutes, Kind.FACTS, "person:Ada", values=values, why="counted")

    def told(self, **more: Any) -> dict[str, Any]:
        """The report."""
        return report(self.entries, PLAN, DEFINITIONS, **more)


def test_a_decision_is_shown_with_what_was_known_at_that_moment() -> None:
    """What came out later is not in it, and what was not known is named."""
    story = Story().facts(1, endpoint="chat").asked(2).answered(5).facts(9, people_affected=40)
    (decision,) = story.told()["decisions"]
    assert (decision["by"], decision["label"], decision["why"]) == ("Ada", "Yes, it is real", "checked by hash")
    assert decision["known"] == {"endpoint": "chat"}
    assert "people_affected" in decision["unknown"]
    assert decision["waited_seconds"] == 180


def test_unknown_facts_are_listed_as_unknown() -> None:
    """With the question that asks for them; what is known is not among them."""
    told = Story().facts(1, endpoint="chat", people_affected=None).told()
    assert {"name": "people_affected", "ask": "How many people?"} in told["unknown"]
    assert "endpoint" not in {fact["name"] for fact in told["unknown"]}
    assert told["facts"] == {"endpoint": "chat"}


def test_containment_is_told_door_by_door() -> None:
    """Proved closed, by which probe; the time to contain is counted from the opening."""
    doors = [
        {"door": "gateway", "proved": "yes", "probes": [PROBE], "receipt": {"at": START.isoformat(), "changed": True}}
    ]
    story = Story().facts(1, endpoint="chat").add(2, Kind.STARTED, op=SUSPEND.id, attempt=1)
    story.add(
        3, Kind.FINISHED, op=SUSPEND.id, outcome="done", result={"target": "chat", "proved": "yes", "doors": doors}
    )
    told = story.told()
    (target,) = told["containment"]
    assert (target["target"], target["state"]) == ("chat", "suspended")
    assert target["events"][0]["doors"][0]["probes"] == [PROBE]
    assert {measure["name"]: measure["seconds"] for measure in told["measures"]}["contain"] == 180


def test_a_suspension_that_failed_is_never_called_closed() -> None:
    """It says what went wrong; the summary neither counts it nor says that nothing was: it may be closed unseen."""
    story = Story().facts(1, endpoint="chat").add(2, Kind.STARTED, op=SUSPEND.id, attempt=1)
    told = story.add(3, Kind.FAILED, op=SUSPEND.id, attempt=1, problem="no answer", final=True).told()
    assert told["containment"][0]["state"] == "failed"
    assert told["containment"][0]["events"][0]["problem"] == "no answer"
    assert "chat: not proved closed; it may still be serving." in told["summary"]
    assert not [one for one in told["summary"] if one.startswith(("Suspended", "Firedoor tried"))]
    assert "Firedoor tried to suspend nothing." in Story().facts(1, endpoint="chat").told()["summary"]


@pytest.mark.parametrize("ended", [Kind.FAILED, Kind.SKIPPED])
def test_what_no_call_reached_may_still_be_serving(ended: Kind) -> None:
    """A failed capture, or a closing that was left out: the reader must not take silence for safety."""
    capture = Call.model_validate({**SUSPEND.model_dump(), "id": "containment.capture", "verb": "capture"})
    op = capture.id if ended is Kind.FAILED else SUSPEND.id
    plan = PLAN.model_copy(update={"operations": (ASK, capture, SUSPEND)})
    story = Story().facts(1, endpoint="chat").add(2, Kind.STARTED, op=op, attempt=1)
    body = {"attempt": 1, "problem": "no answer", "final": True} if ended is Kind.FAILED else {"why": "left out"}
    story.add(3, ended, op=op, **body)
    (target,) = report(story.entries, plan, plan.definitions())["containment"]
    assert target["state"] == ended.value.rpartition(".")[2]
    assert target["means"].endswith("it may still be serving")


def test_what_a_person_did_by_hand_rests_on_their_word() -> None:
    """It is not called proved."""
    story = Story().facts(1, endpoint="chat").add(2, Kind.STARTED, op=SUSPEND.id, attempt=1)
    story.add(3, Kind.FAILED, op=SUSPEND.id, attempt=1, problem="no answer", final=True)
    rescue = {
        "task": "rescue:x",
        "op": SUSPEND.id,
        "kind": "rescue",
        "choices": [{"id": "by_hand", "label": "By hand"}],
    }
    story.asked(4, **rescue)
    story.add(
        5,
        Kind.TASK_ANSWERED,
        "person:Ada",
        task="rescue:x",
        choice="by_hand",
        why="pulled the plug",
        by="Ada",
        role="commander",
    )
    (target,) = story.told()["containment"]
    assert (target["state"], target["means"]) == (
        "by_hand",
        "closed by hand, on the word of a person; not proved by Firedoor",
    )


@pytest.mark.parametrize(
    ("kind", "hours", "body", "result", "margin"),
    [
        (Kind.CLOCK_SUBMITTED, 70, {"late": False, "reference": "R"}, "met", 2 * 3600),
        (Kind.CLOCK_SUBMITTED, 75, {"late": True, "reference": "R"}, "late", -3 * 3600),
        (Kind.CLOCK_WAIVED, 10, {}, "waived", 62 * 3600),
        (Kind.CLOCK_MISSED, 73, {"due": CLOCK["due"]}, "missed", None),
    ],
)
def test_how_a_clock_ended(kind: Kind, hours: int, body: dict[str, Any], result: str, margin: int | None) -> None:
    """In time, late, ended by a person, missed: each with how far from the limit."""
    story = Story().add(0, Kind.CLOCK_STARTED, **CLOCK)
    (clock,) = story.add(hours * 60, kind, "person:Dana", id=CLOCK["id"], by="Dana", why="so", **body).told()["clocks"]
    assert (clock["result"], clock["margin_seconds"]) == (result, margin)


def test_a_submission_after_a_missed_limit_stays_late() -> None:
    """Sending it afterwards does not turn a missed limit into a kept one."""
    story = (
        Story().add(0, Kind.CLOCK_STARTED, **CLOCK).add(73 * 60, Kind.CLOCK_MISSED, id=CLOCK["id"], due=CLOCK["due"])
    )
    (clock,) = story.add(74 * 60, Kind.CLOCK_SUBMITTED, id=CLOCK["id"], late=False, by="Dana", why="sent").told()[
        "clocks"
    ]
    assert clock["result"] == "late"


def test_a_clock_without_a_limit_is_never_in_time() -> None:
    """The law sets no hours, so none are counted."""
    line = clock_line(
        clock(due=None, state="submitted", settled_at=CLOCK["started_at"], settlement={"id": "x", "why": "y"})
    )
    assert (line["result"], line["margin_seconds"]) == ("met_no_limit", None)


def test_the_same_journal_gives_the_same_report() -> None:
    """It is a pure fold: no clock is read, so anybody can make it again."""
    story = Story().facts(1, endpoint="chat").asked(2).answered(5)
    assert story.told() == story.told()
    assert story.told()["as_of"] == {"seq": 5, "at": story.entries[-1].at}


def test_an_altered_journal_is_told_in_its_report() -> None:
    """The report says that the chain is broken, and where."""
    story = Story().facts(1, endpoint="chat")

    story.entries[1] = replace(story.entries[1], actor="person:Eve")
    told = story.told()["chain"]
    assert told["holds"] is False
    assert "entry 2" in told["fault"]


def test_sealed_facts_are_covered_in_every_part() -> None:
    """By name, wherever their words were repeated, and where an answer tells them by itself."""
    choices = [{"id": "yes", "label": "A child", "sets": {"minor": "yes"}}]
    story = (
        Story()
        .facts(1, contact="call 0123456789", minor="yes")
        .asked(2, choices=choices, question="call 0123456789 again?")
    )
    story.answered(5, "the child said so")
    told = story.told(seal=seal(DEFINITIONS, story.entries))
    text = repr(told)
    assert "0123456789" not in text
    assert "the child said so" not in text
    assert told["facts"] == {"contact": SEALED, "minor": SEALED}
    assert told["decisions"][0]["choice"] == SEALED
    assert "0123456789" in repr(story.told())


def test_what_an_alert_says_of_a_sealed_fact_is_sealed_too() -> None:
    """The alert's own word for it is covered, and a value that was taken back still counts as held."""
    story = Story().add(1, Kind.ALERT, alert={"possible_minor": "yes", "title": "x"}, reasons=[])
    sealed = seal(DEFINITIONS, story.entries)
    assert sealed.cover(story.entries[-1].body)["alert"] == {"possible_minor": SEALED, "title": "x"}
    assert sealed.used
    assert seal(DEFINITIONS, Story().facts(1, contact="call 0123456789").facts(2, contact=None).entries).used
    assert not seal(DEFINITIONS, Story().facts(1, endpoint="chat", minor=None).entries).used


def test_the_timeline_has_a_sentence_for_every_kind() -> None:
    """No entry is left out, and no sentence is the bare kind."""
    assert set(SENTENCES) == set(Kind)
    story = Story().facts(1, endpoint="chat").add(2, Kind.STARTED, op=SUSPEND.id, attempt=2)
    lines = timeline(story.entries, Names(PLAN, DEFINITIONS), DEFINITIONS)
    assert [line["seq"] for line in lines] == [1, 2, 3, 4]
    assert lines[-1]["what"] == "Suspend chat: started (attempt 2)"
    assert lines[-1]["phase"] == "containment"


def test_custody_tells_everybody_who_touched_a_piece() -> None:
    """Kept, then read by a person with a reason; another piece has its own chain."""
    piece = {"name": "log", "sha256": "a" * 64, "size": 3, "mode": "vault", "op": None}
    story = (
        Story().add(1, Kind.EVIDENCE, **piece).add(2, Kind.EVIDENCE, **{**piece, "name": "card", "sha256": "b" * 64})
    )
    story.add(
        3, Kind.CUSTODY, "person:Lena", sha256="a" * 64, name="log", action="read", by="Lena", why="for the authority"
    )
    first, second = custody(story.entries)
    assert [step["action"] for step in first["chain"]] == ["kept", "read"]
    assert first["chain"][1]["by"] == "person:Lena"
    assert len(second["chain"]) == 1


@pytest.mark.parametrize(
    ("name", "mode", "why"),
    [("", "vault", "x"), ("x", "copy", "x"), ("x", "vault", ""), ("x", "auto", "ffd8ffdb0043" * 9)],
)
def test_what_may_not_be_kept(name: str, mode: str, why: str) -> None:
    """Without a name, a reason or a known form of keeping, or where the reason itself is a picture in letters."""
    with pytest.raises(InvalidInput):
        check_addition(name, mode, why)
    check_addition("output", "digest", "reported")


@pytest.mark.parametrize("kind", ["IMAGE/PNG", "video/mp4", " audio/mpeg"])
def test_what_is_called_a_picture_is_not_kept(kind: str) -> None:
    """Also where its bytes do not look like one: asked for by name it is refused, else its digest is kept."""
    verdict = with_incident(judge(b"not really"), kind, keeps=True)
    assert form_of_keeping("auto", verdict) == form_of_keeping("digest", verdict) == "digest"
    with pytest.raises(Refused, match="E106"):
        form_of_keeping("vault", verdict)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "unknown"), (0.34, "0.3 s"), (61, "1 min 1 s"), (3600, "1 h"), (266_580, "3 d 2 h"), (-90, "1 min 30 s")],
)
def test_durations_read_as_words(seconds: float | None, words: str) -> None:
    """The two largest units; unknown stays unknown."""
    assert span(seconds) == words


def test_everything_on_the_picture_is_within_it() -> None:
    """What began before the opening stands at the left edge, limits far away at the right."""
    clocks = [clock_line(clock(started_at=(START - timedelta(days=3)).isoformat()))]
    drawn = chart(
        Story().facts(30, endpoint="x").entries,
        [{"phase": "containment", "from": START.isoformat(), "to": None}],
        clocks,
    )
    (bar,) = drawn["clocks"]
    assert (bar["x"], bar["limit"]) == (0, WIDTH)
    assert all(0 <= tick["x"] <= WIDTH for tick in drawn["ticks"])
    assert drawn["phases"][0]["width"] > 0


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}"])
def test_words_from_outside_stay_words_on_the_page(hostile: str) -> None:
    """Titles, reasons and facts are escaped; nothing that came from outside becomes mark-up or a template."""
    story = Story().facts(1, endpoint=hostile).asked(2, question=hostile).answered(5, hostile)
    page = render_html(story.told())
    assert "<img" not in page
    assert "<script" not in page
    assert page.count("{{ 7*7 }}") == (page.count("7*7"))
    assert ("7*7" in page) == ("7*7" in hostile)


def test_the_page_needs_nothing_from_elsewhere() -> None:
    """No script, no address of another machine, one heading of the first level, a language and a title."""
    page = render_html(Story().facts(1, endpoint="chat").asked(2).answered(5).told())
    assert "http://" not in page
    assert "https://" not in page
    assert page.count("<h1") == 1
    assert '<html lang="en">' in page
    assert page.count(NOTICE) == 2


def test_markdown_keeps_words_from_outside_on_their_line() -> None:
    """A reason with line breaks and pipes breaks no table and opens no heading."""
    text = render_markdown(Story().asked(2).answered(5, "first\n# not a heading | cell <b>").told())
    assert "\n# not a heading" not in text
    assert "first \\# not a heading \\| cell \\<b\\>" in text
    assert text.count("\n# ") == 0
