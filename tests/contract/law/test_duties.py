"""Every duty of the catalogue keeps the same promises; its worked examples come true."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firedoor.core.clocks.clock import compute_due
from firedoor.core.facts import read_all
from firedoor.core.law.assessment import assess, assess_one
from firedoor.core.law.duty import Duty, Example
from firedoor.core.law.period import Counting
from firedoor.core.problems import InvalidInput
from firedoor.duties.answer import answer
from firedoor.duties.catalogue import FOLDER, catalogue, load, schema

DUTIES = catalogue()
WRITTEN = {key: duty for key, duty in DUTIES.items() if not duty.stage_of}
EXAMPLES = [
    pytest.param(duty, example, id=f"{key}: {example.title}")
    for key, duty in WRITTEN.items()
    for example in duty.examples
]
EVERY = [pytest.param(duty, id=key) for key, duty in WRITTEN.items()]
ZONES = ("Europe/Berlin", "America/Los_Angeles", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Kiritimati")
HOURS = (Counting.CLOCK_HOURS, Counting.FULL_HOURS)
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
IN_HOURS = [
    pytest.param(duty, id=key)
    for key, duty in DUTIES.items()
    if all(version.counting in HOURS and not version.roll for version in duty.versions)
]


def test_every_duty_of_the_list_is_carried() -> None:
    """duty_ids.txt is the list of what the law asks; whatever is carried beyond it must be entered there."""
    listed = (Path(__file__).parent / "duty_ids.txt").read_text(encoding="utf-8").split()
    assert len(listed) == len(set(listed))
    assert sorted(WRITTEN) == sorted(listed)


@pytest.mark.parametrize(("duty", "example"), EXAMPLES)
def test_a_worked_example_comes_true(duty: Duty, example: Example) -> None:
    """What the file says about a case is what the engine answers."""
    got = answer(DUTIES, duty.id, example.event, example.at, example.tz, example.facts)
    expected = example.expect.model_dump(exclude_none=True)
    later = got["latest_arguable"]
    got["latest_arguable"] = later["due"] if later else None
    assert {key: got[key] for key in expected} == expected


@pytest.mark.parametrize("duty", EVERY)
def test_a_duty_has_two_worked_examples(duty: Duty) -> None:
    """One example shows the rule, another its edge."""
    assert len(duty.examples) >= 2


@pytest.mark.parametrize("duty", EVERY)
def test_a_duty_says_where_it_stands_and_when_it_was_checked(duty: Duty) -> None:
    """Every number of law cites its source, and the date of review lies after that of verification."""
    assert duty.source
    assert duty.provision
    assert duty.verified_on < duty.review_by


@pytest.mark.parametrize("duty", EVERY)
def test_knowing_nothing_never_gives_no_and_never_starts_a_clock(duty: Duty) -> None:
    """Unknown stays unknown; without the territory not even a provisional clock runs. A law without a day is no law."""
    known = assess_one(duty, {}, datetime(2030, 1, 1, tzinfo=UTC))
    assert known.applies == ("unknown" if known.version else "no")
    assert not known.provisional


@pytest.mark.parametrize("duty", IN_HOURS)
@given(start=st.datetimes(datetime(2021, 1, 1), datetime(2032, 1, 1)), zone=st.sampled_from(ZONES))  # noqa: DTZ001
@settings(max_examples=15, deadline=None)
def test_hours_do_not_depend_on_the_zone(duty: Duty, start: datetime, zone: str) -> None:
    """An instant counted in hours is the same in every zone."""
    start = start.replace(tzinfo=UTC)
    assert compute_due(duty, start, zone, {}).due == compute_due(duty, start, "UTC", {}).due


def test_every_example_uses_facts_that_exist() -> None:
    """The catalogue's vocabulary reads every fact of every example."""
    for duty in WRITTEN.values():
        for example in duty.examples:
            assert read_all(DUTIES.facts, example.facts) is not None


def test_the_published_schema_is_the_one_in_use() -> None:
    """docs/reference/duty.schema.json is generated from `schema()`; when this fails, write it anew."""
    published = Path(__file__).parents[3] / "docs" / "reference" / "duty.schema.json"
    assert json.loads(published.read_text(encoding="utf-8")) == schema()


def test_a_broken_file_is_refused_with_all_its_problems(tmp_path: Path) -> None:
    """Every problem at once, with the file and the line of the duty."""
    (tmp_path / "x.yaml").write_text("duties:\n  - {id: xx.law, within: soon}\n  - {id: 7}\n", encoding="utf-8")
    with pytest.raises(InvalidInput) as refused:
        load([tmp_path])
    assert {problem.place.line for problem in refused.value.problems if problem.place} == {2, 3}


def test_a_file_that_names_what_does_not_exist_is_refused(tmp_path: Path) -> None:
    """A condition over an unknown fact would be unknown for ever."""
    law = (FOLDER / "eu_gdpr.yaml").read_text(encoding="utf-8")
    (tmp_path / "facts.yaml").write_text((FOLDER / "facts.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "law.yaml").write_text(law.replace("if: security_breach}", "if: securty_breach}"), encoding="utf-8")
    with pytest.raises(InvalidInput, match="securty_breach"):
        load([tmp_path])


def test_one_incident_is_held_against_every_duty() -> None:
    """Each duty of the catalogue has its say, once; how long that takes is measured in tests/benchmarks/law.py."""
    facts = read_all(
        DUTIES.facts, {"established_in": "DE,US", "jurisdictions": "FR,US-CA", "aware_at": "2026-11-20T10:00:00Z"}
    )
    judged = [one.duty for one in assess(DUTIES.values(), facts, NOW).assessments]
    assert sorted(judged) == sorted(DUTIES)
