"""The table of who helps: its form, its reach, and that each entry says where it was read and how sure that is."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

import pytest

from firedoor.core.problems import InvalidInput
from firedoor.core.requests.help import HelpKind, who_helps
from firedoor.core.ternary import NO, UNKNOWN, YES
from firedoor.helplines.catalogue import helplines, load
from firedoor.interfaces.cli.system.doctor_help import state_of_help

TABLE = helplines()
READ = date(2026, 11, 30)
GOOD = """entries:
  - {id: a, name: A service, kind: police, for: everyone, countries: [FR], url: "https://a.example/", source: a page,
     read_on: 2026-11-30, review_by: 2027-05-30, confidence: high}
"""


def test_forty_countries_have_somebody_of_their_own() -> None:
    """Not counting what helps everywhere."""
    own = {country for one in TABLE.entries for country in one.countries}
    assert len(own) >= 40
    assert own <= set(TABLE.names)
    assert all(set(names) == {"en", "de", "fr", "es"} for names in TABLE.names.values())


def test_every_entry_is_read_again_within_a_year_and_an_unsure_one_sooner() -> None:
    """What was not verified says so."""
    for one in TABLE.entries:
        most = timedelta(days=100) if one.confidence == "low" else timedelta(days=366)
        assert one.review_by - one.read_on <= most, one.id
        assert one.confidence != "high" or one.source.startswith(("https://", "http://")), one.id
    assert TABLE.stale(READ) == ()
    assert len(TABLE.stale(date(2100, 1, 1))) == len(TABLE.entries)


@pytest.mark.parametrize("country", sorted(TABLE.names))
def test_nobody_is_shown_what_is_not_for_them(country: str) -> None:
    """A child is never sent to a service for adults; of an age that is not known both are shown."""
    child, adult, either = (who_helps(TABLE.entries, country, age) for age in (YES, NO, UNKNOWN))
    assert {one.audience for one in child} <= {"children", "everyone"}
    assert {one.audience for one in adult} <= {"adults", "everyone"}
    assert {one.id for one in either} == {one.id for one in (*child, *adult)}
    kinds = defaultdict(list)
    for one in child:
        kinds[one.kind].append(one.id)
    assert {HelpKind.REMOVAL, HelpKind.DIRECTORY} <= set(kinds)


def test_a_country_that_is_not_in_the_table_is_shown_what_helps_everywhere() -> None:
    """Removal services for both ages."""
    assert {one.id for one in who_helps(TABLE.entries, "XX", UNKNOWN)} == {
        "stopncii", "take-it-down", "child-helplines",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "says"),
    [("confidence: high", "confidence: low"), ("review_by: 2027-05-30", "review_by: 2026-11-30"),
     ("https://a.example/", "http://a.example/"), ("kind: police", "kind: army"), ("[FR]", "[ZZ]"),
     ("source: a page,", ""), ("name: A service", "name: A service, tel: 1")],
)  # fmt: skip
def test_an_entry_that_lacks_something_is_refused(tmp_path: Path, change: str, says: str) -> None:
    """Each by itself; unchanged it is read."""
    (tmp_path / "countries.yaml").write_text('names: {FR: {en: "France"}}', encoding="utf-8")
    (tmp_path / "one.yaml").write_text(GOOD, encoding="utf-8")
    assert load(tmp_path).entries[0].id == "a"
    (tmp_path / "one.yaml").write_text(GOOD.replace(change, says), encoding="utf-8")
    with pytest.raises(InvalidInput):
        load(tmp_path)


def test_doctor_says_when_it_must_be_read_again() -> None:
    """A number that is out of date is worse than none."""
    assert state_of_help(READ)[0] == "well"
    state, found, do = state_of_help(date(2027, 3, 1))
    assert (state, "at.147" in found, bool(do)) == ("note", True, True)
