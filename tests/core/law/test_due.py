"""When a duty is due: properties that hold for every duty, and readings beside the default."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firedoor.core.facts import FactType, read_all
from firedoor.core.law.due import DueKind, compute_due
from firedoor.core.law.duty import Duty
from firedoor.core.problems import InvalidInput
from firedoor.duties.catalogue import catalogue, conditions

DUTIES = catalogue()
STARTS = st.datetimes(datetime(2018, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Sydney", "Pacific/Kiritimati"]
)
DUTY = st.sampled_from(list(DUTIES.values()))


def facts(**given_facts: Any) -> dict[str, Any]:
    return dict(read_all(DUTIES.facts, given_facts))


@given(DUTY, STARTS, ZONES)
@settings(max_examples=400, deadline=None)
def test_never_due_before_its_trigger(duty: Duty, start: datetime, zone: str) -> None:
    """A period ends after it begins, in every zone."""
    due = compute_due(duty, start, zone, {})
    assert due.due is None or due.due > start
    assert (due.due is None) == (due.kind is DueKind.NONE)


@given(DUTY, STARTS, st.integers(1, 20_000), ZONES)
@settings(max_examples=400, deadline=None)
def test_an_earlier_trigger_is_never_due_later(duty: Duty, start: datetime, minutes: int, zone: str) -> None:
    """Within one version of the law."""
    one, two = (compute_due(duty, at, zone, {}) for at in (start, start + timedelta(minutes=minutes)))
    if one.version == two.version and one.due and two.due:
        assert one.due <= two.due


@given(DUTY, STARTS, ZONES)
@settings(max_examples=300, deadline=None)
def test_the_arguable_reading_is_later_and_has_a_basis(duty: Duty, start: datetime, zone: str) -> None:
    """It is never the default, and never without a reason."""
    due = compute_due(duty, start, zone, {})
    if due.latest_arguable:
        assert due.due is not None
        assert due.latest_arguable.due > due.due
        assert due.latest_arguable.basis


@given(DUTY, STARTS, ZONES, st.data())
@settings(max_examples=300, deadline=None)
def test_knowing_less_never_makes_a_limit_later(duty: Duty, start: datetime, zone: str, data: st.DataObject) -> None:
    """A limit that rests on what is not known yet is the earliest it can turn out to be; a hold the latest."""
    names = [name for condition in conditions(duty) for (name, *_) in condition.references]
    flags = [name for name in dict.fromkeys(names) if DUTIES.facts[name].type is FactType.FLAG]
    full = facts(**{name: data.draw(st.sampled_from(["yes", "no"])) for name in flags})
    known = compute_due(duty, start, zone, full)
    guessed = compute_due(duty, start, zone, {name: full[name] for name in flags if data.draw(st.booleans())})
    if known.due and guessed.due:
        assert guessed.due >= known.due if duty.hold else guessed.due <= known.due


def test_an_unknown_case_takes_the_earlier_end_and_shows_the_later() -> None:
    """NIS2: until it is known whether it is a trust service provider, 24 hours count."""
    due = compute_due(DUTIES["eu.nis2.art23.notification"], datetime(2026, 5, 5, tzinfo=UTC), "UTC", {})
    assert due.due == datetime(2026, 5, 6, tzinfo=UTC)
    assert due.latest_arguable
    assert due.latest_arguable.due == datetime(2026, 5, 8, tzinfo=UTC)


def test_days_end_in_the_authoritys_zone_and_an_earlier_own_day_is_shown() -> None:
    """A trigger at 00:30 in Austin is still the evening before in Honolulu."""
    due = compute_due(
        DUTIES["us.tx.521_053.ag"], datetime.fromisoformat("2026-04-02T00:30:00-05:00"), "Pacific/Honolulu", {}
    )
    assert due.due
    assert due.due.isoformat() == "2026-05-02T23:59:59-05:00"
    assert "counted in Pacific/Honolulu the last day would be 2026-05-01" in due.why


def test_awareness_alone_gives_the_outer_limit_of_dora() -> None:
    """Not classified yet: 24 hours after awareness."""
    aware = datetime(2026, 6, 2, 6, tzinfo=UTC)
    due = compute_due(DUTIES["eu.dora.art19.initial"], aware, "UTC", facts(noon_rule_excluded="yes"), event="aware")
    assert due.due == aware + timedelta(hours=24)


@pytest.mark.parametrize("start", [datetime(2026, 1, 1), datetime(1500, 1, 1, tzinfo=UTC)])  # noqa: DTZ001
def test_a_trigger_without_offset_or_sense_is_refused(start: datetime) -> None:
    """Instants are aware and of this age."""
    with pytest.raises(InvalidInput):
        compute_due(DUTIES["eu.gdpr.art33.sa"], start, "UTC", {})


def test_ten_thousand_computations_end_where_one_by_one_would() -> None:
    """Deadlines of many incidents are recomputed at once; nothing of one is carried into another."""
    duties, start = list(DUTIES.values()), datetime(2029, 1, 1, tzinfo=UTC)
    moments = [(duties[n % len(duties)], start + timedelta(minutes=n)) for n in range(10_000)]
    at_once = [compute_due(duty, at, "Europe/Berlin", {}) for duty, at in moments]
    assert all(at_once[n] == compute_due(*moments[n], "Europe/Berlin", {}) for n in range(9_999, -1, -997))
