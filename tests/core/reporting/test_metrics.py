"""Figures over incidents, and the week in a message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from firedoor.core.history.operation_titles import Names
from firedoor.core.incident.view import fold
from firedoor.core.journal import Draft, Entry, Kind, chain, genesis
from firedoor.core.playbook.plan import Plan
from firedoor.core.reporting.metrics import (
    CLOCKS,
    FORMULA,
    Figure,
    as_csv,
    figure_of,
    percentile,
    read_back,
    summary,
    written,
)
from firedoor.core.reporting.weekly_summary import digest_message

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def figure(number: int, contain: float | None = None, **changes: object) -> Figure:
    """An incident of the eleventh month."""
    values: dict[str, object] = {
        "incident": f"INC-2026-{number:04}", "type": "data_leakage_in_ai_models", "severity": "high", "state": "open",
        "opened_at": "2026-11-02T03:00:00+00:00", "closed_at": None, "seconds": (None, None, contain, None, None),
        "clocks": (1, 0, 0, 0, 2, 0), "reopened": 0, "dismissed": False,
    }  # fmt: skip
    return Figure(**{**values, **changes})


def test_the_median_and_the_ninetieth_percentile_are_of_what_is_known() -> None:
    """Eleven spans and one that is unknown: the sixth, and the tenth, which nine tenths do not exceed."""
    found = summary([figure(n, float(n)) for n in range(1, 12)] + [figure(12)])
    contain = next(time for time in found["times"] if time["name"] == "contain")
    assert (contain["median_seconds"], contain["p90_seconds"]) == (6.0, 10.0)
    assert (contain["known"], contain["unknown"]) == (11, 1)


def test_of_nothing_there_is_no_time() -> None:
    """None, and not zero, which would look quick."""
    assert percentile([], 0.9) is None
    assert {time["median_seconds"] for time in summary([])["times"]} == {None}


def test_false_alarms_and_second_openings_are_counted_apart() -> None:
    """A dismissed incident has ended, and is no closed one."""
    over = "2026-11-03T03:00:00+00:00"
    found = summary([figure(1), figure(2, closed_at=over, dismissed=True), figure(3, closed_at=over, reopened=2)])
    assert (found["open"], found["closed"], found["false_alarms"], found["reopened"]) == (1, 1, 1, 1)
    assert found["clocks"] == {**dict.fromkeys(CLOCKS, 0), "met": 3, "open": 6}


def test_an_unknown_span_is_an_empty_field() -> None:
    """A spreadsheet must not take it for a number."""
    lines = as_csv([figure(1, 4.5)]).splitlines()
    row = dict(zip(lines[0].split(","), lines[1].split(","), strict=True))
    assert (row["contain_seconds"], row["close_seconds"], row["clocks_open"]) == ("4.5", "", "2")


def test_the_digest_says_first_what_may_still_be_missed() -> None:
    """Passed limits, then those that come, then overdue tasks; a task's question is not told."""
    clocks = [{"incident": "INC-1", "title": "Tell the authority", "due_at": "2026-11-20T03:00:00+00:00"},
              {"incident": "INC-2", "title": "Tell the people", "due_at": "2026-11-24T03:00:00+00:00"},
              {"incident": "INC-3", "title": "Keep", "due_at": None}]  # fmt: skip
    tasks = [{"incident": "INC-1", "number": 4, "role": "dpo", "question": "Is it Ada's record?",
              "due_at": "2026-11-20T03:00:00+00:00"}]  # fmt: skip
    subject, text = digest_message(summary([figure(1, 3.0)]), clocks, tasks, NOW)
    assert subject.endswith("1 limit has passed, 1 limit comes next, 1 task is overdue")
    assert text.index("INC-1  Tell the authority") < text.index("INC-2  Tell the people") < text.index("T4 for dpo")
    assert "Ada" not in text
    assert "median 3.0 s" in text


@pytest.mark.parametrize("share", [0.5, 0.9, 1.0])
def test_a_percentile_of_one_is_that_one(share: float) -> None:
    """Whatever the share."""
    assert percentile([7.0], share) == 7.0


PLAN = Plan(
    playbook="p", version="1", title="t", incident="data_leakage_in_ai_models", roles=(), duties=(), facts=(),
    operations=(),
)  # fmt: skip


def clock(name: str) -> Draft:
    """A clock that runs for an hour."""
    body = {"id": name, "duty": name, "title": name, "citation": "Article 1", "authority": "a", "state": "running",
            "started_at": NOW.isoformat(), "trigger_at": NOW.isoformat(), "trigger_event": "aware",
            "due": (NOW + timedelta(hours=1)).isoformat()}  # fmt: skip
    return Draft(Kind.CLOCK_STARTED, "firedoor", body)


def story() -> list[Entry]:
    """Ten minutes between any two steps: noticed before, confirmed, told, closed, opened again, dismissed."""
    opened = {"type": "data_leakage_in_ai_models", "title": "t", "severity": "high"}
    began = (NOW - timedelta(hours=2)).isoformat()
    sent = {"id": "first", "by": "Ada", "why": "", "reference": "7", "late": True}
    steps = [
        [Draft(Kind.OPENED, "x", opened), Draft(Kind.FACTS, "x", {"values": {"leaked_since": began}, "why": ""})],
        [Draft(Kind.STATE, "x", {"state": "confirmed"}), *map(clock, ("first", "second", "third"))],
        [Draft(Kind.CLOCK_SUBMITTED, "x", sent), Draft(Kind.CLOCK_WAIVED, "x", {"id": "second", "by": "A", "why": ""})],
        *([Draft(Kind.STATE, "x", {"state": state})] for state in ("closed", "confirmed", "dismissed")),
    ]
    entries: list[Entry] = []
    for number, drafts in enumerate(steps):
        head = genesis("INC-1") if not entries else type(genesis(""))(entries[-1].seq, entries[-1].hash)
        entries += chain("INC-1", head, drafts, NOW + timedelta(minutes=10 * number))
    return entries


def test_what_is_counted_of_one_incident_changes_only_with_the_formula() -> None:
    """Whoever makes this fail on purpose raises FORMULA as well, and writes both down here."""
    entries = story()
    found = figure_of(fold("INC-1", entries), entries, Names(PLAN, {}))
    assert FORMULA == 3
    assert written(found) == {
        "type": "data_leakage_in_ai_models", "severity": "high", "state": "dismissed", "opened_at": entries[0].at,
        "closed_at": entries[-1].at, "seconds": (7200.0, 600.0, None, 600.0, 3000.0), "clocks": (0, 1, 0, 1, 1, 0),
        "reopened": 1, "dismissed": True, "practice": False, "requests": (),
    }  # fmt: skip
    assert read_back("INC-1", written(found)) == found
