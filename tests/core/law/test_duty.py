"""A duty's dated versions, and later reports with a condition of their own."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from firedoor.core.law.assessment import assess_one
from firedoor.core.law.duty import Duty, with_stages
from firedoor.core.ternary import YES

BARE: dict[str, Any] = {
    "id": "xx.law", "title": "t", "jurisdiction": "XX", "instrument": "i", "provision": "p", "owed_by": "o",
    "addressee": "authority", "authority": "a", "reach": [{"says": "r", "if": "controller"}],
    "trigger": {"kind": "awareness", "fact": "aware_at"}, "source": "s", "confidence": "low",
    "verified_on": "2026-11-21", "review_by": "2027-02-21",
}  # fmt: skip
BEFORE = {"from": None, "until": "2026-02-19", "within": "36 hours", "counting": "clock_hours"}
SINCE = {"from": "2026-02-20", "within": "3 hours", "counting": "clock_hours"}
PROPOSED = {"from": None, "status": "pending", "within": "96 hours", "counting": "clock_hours"}


def duty(*versions: dict[str, Any], **more: Any) -> Duty:
    return Duty.model_validate({**BARE, "versions": versions, **more})


@pytest.mark.parametrize(("day", "label"), [(date(2019, 1, 1), "until 2026-02-19"), (date(2026, 2, 20), "2026-02-20")])
def test_a_version_whose_first_day_is_not_known_holds_until_its_last(day: date, label: str) -> None:
    """The last day of a former law is known where its first was never verified."""
    found = duty(BEFORE, SINCE, PROPOSED).version_on(day)
    assert found is not None
    assert (found.label, found.binding) == (label, True)


def test_a_version_without_any_day_is_never_chosen() -> None:
    """A proposal waits for its date."""
    assert duty(PROPOSED).version_on(date(2199, 1, 1)) is None


def test_a_version_without_a_first_day_must_be_the_first() -> None:
    """Behind another one it would overlap."""
    with pytest.raises(ValidationError, match="must end before"):
        duty(SINCE, BEFORE)


def test_a_later_report_may_have_its_own_condition_and_addressee() -> None:
    """People are told only of a high risk, the authority of any."""
    own = [{"says": "high", "if": "risk_to_people"}]
    stage = {"id": "people", "title": "p", "addressee": "individuals", "when": own, "trigger": BARE["trigger"]}
    when = {**SINCE, "when": [{"says": "any", "if": "controller"}]}
    _, people = with_stages(duty(when, stages=[stage]))
    assert [clause.says for clause in people.when] == ["high"]
    assert (people.versions[0].when, people.addressee, people.authority) == (None, "individuals", "a")


def test_a_later_report_shares_the_condition_if_it_has_none() -> None:
    """As the final report of an incident."""
    stage = {"id": "final", "title": "f", "trigger": BARE["trigger"]}
    _, final = with_stages(duty(SINCE, when=[{"says": "any", "if": "controller"}], stages=[stage]))
    assert [clause.says for clause in final.when] == ["any"]


def test_a_duty_without_a_trigger_starts_nothing_and_waits_for_nothing() -> None:
    """Its fact only says from which instant another duty counts."""
    aware = datetime(2026, 11, 21, tzinfo=UTC)
    alias = duty(SINCE, trigger={"kind": "none", "fact": "aware_at"})
    found = assess_one(alias, {"controller": YES, "aware_at": aware}, aware)
    assert (found.applies, found.trigger, found.awaits, found.provisional) == (YES, None, (), False)
