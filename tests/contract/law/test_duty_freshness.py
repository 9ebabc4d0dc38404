"""The catalogue says when it was looked at, when it must be looked at again, and what changed."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from firedoor.core.problems import InvalidInput
from firedoor.duties.catalogue import Catalogue, catalogue
from firedoor.duties.freshness import changelog, stale

DUTIES = catalogue()
WRITTEN = [duty for duty in DUTIES.values() if not duty.stage_of]
CHECKED = date(2026, 11, 21)
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "duties-changelog.md"


def test_nothing_is_past_its_review_on_the_day_of_the_check() -> None:
    """As of 21 November 2026 every duty was looked at; `duties list --stale` shows those that are not any more."""
    assert stale(DUTIES, CHECKED) == ()


def test_a_duty_is_stale_on_the_day_after_its_review() -> None:
    """Not on the day itself; the longest overdue comes first, and a later stage is not listed beside its duty."""
    first = min(duty.review_by for duty in WRITTEN)
    due = sorted(duty.id for duty in WRITTEN if duty.review_by == first)
    assert stale(DUTIES, first) == ()
    assert [duty.id for duty in stale(DUTIES, first + timedelta(days=1))] == due
    assert len(stale(DUTIES, date(2100, 1, 1))) == len(WRITTEN)


def test_every_duty_is_reviewed_within_a_year_and_has_a_dated_changelog() -> None:
    """A duty nobody looks at for longer than a year is a guess."""
    for duty in WRITTEN:
        assert duty.review_by - duty.verified_on <= timedelta(days=366)
        assert duty.changelog
        assert all(re.match(r"\d{4}-\d\d-\d\d: \S", entry) for entry in duty.changelog)


def test_the_page_of_changes_is_current() -> None:
    """Print `changelog(catalogue())` into docs/reference/duties-changelog.md when this fails."""
    assert PAGE.read_text(encoding="utf-8") == changelog(DUTIES)
    assert all(f"`{duty.id}`" in PAGE.read_text(encoding="utf-8") for duty in WRITTEN)


def test_an_entry_without_a_day_is_refused() -> None:
    """A change that nobody dated cannot be placed."""
    duty = WRITTEN[0].model_copy(update={"changelog": ("first version",)})
    with pytest.raises(InvalidInput, match="does not begin with a day"):
        changelog(Catalogue({duty.id: duty}, {}))
