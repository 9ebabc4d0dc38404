"""Figures over incidents, and the week in a message."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from firedoor.core.digest import digest_message
from firedoor.core.figures import CLOCKS, Figure, as_csv, percentile, summary

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
