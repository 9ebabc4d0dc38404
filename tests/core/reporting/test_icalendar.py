"""Clocks in a calendar."""

from datetime import UTC, datetime

from firedoor.core.reporting.icalendar import calendar

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
CLOCK = {
    "incident": "INC-2026-0001",
    "id": "eu.gdpr.art33.sa",
    "title": "Tell the authority, in time; or say why",
    "citation": "GDPR, Art 33(1)",
    "due": "2026-11-24T04:00:00+01:00",
    "state": "running",
}


def test_a_running_clock_is_an_event_at_its_limit_in_utc() -> None:
    """The limit of 04:00 in Berlin stands at 03:00 UTC; commas and semicolons are escaped."""
    text = calendar([CLOCK], NOW)
    assert "DTSTART:20261124T030000Z\r\n" in text
    assert "SUMMARY:INC-2026-0001 limit: Tell the authority\\, in time\\; or say why\r\n" in text.replace("\r\n ", "")


def test_what_is_settled_or_has_no_limit_stands_in_no_calendar() -> None:
    """A submitted clock, and one for which the law sets no hours."""
    text = calendar([{**CLOCK, "state": "submitted"}, {**CLOCK, "due": None}], NOW)
    assert "VEVENT" not in text


def test_no_line_is_longer_than_the_standard_allows() -> None:
    """RFC 5545 section 3.1: 75 octets; what was folded reads the same when unfolded."""
    text = calendar([{**CLOCK, "citation": "Straße " * 40}], NOW)
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75
    assert "Straße " * 39 in text.replace("\r\n ", "")


def test_of_what_only_some_need_to_know_nothing_but_the_number_is_told() -> None:
    """Neither the duty nor the article nor the role: each would tell what happened."""
    task = {"incident": "INC-2026-0001", "number": 3, "role": "victim_support", "due": CLOCK["due"], "neutral": True}
    text = calendar([{**CLOCK, "neutral": True}], NOW, [task]).replace("\r\n ", "")
    assert "SUMMARY:INC-2026-0001: a limit\r\n" in text
    assert "SUMMARY:INC-2026-0001: task T3\r\n" in text
    assert not [word for word in ("art33", "authority", "GDPR", "victim") if word in text]


def test_a_task_is_an_event_without_its_question() -> None:
    """A number, a role and an instant."""
    task = {"incident": "INC-2026-0001", "number": 3, "role": "dpo", "question": "Is it Ada?", "due": CLOCK["due"]}
    text = calendar([], NOW, [task])
    assert "SUMMARY:INC-2026-0001: task T3 for dpo\r\n" in text
    assert "Ada" not in text
