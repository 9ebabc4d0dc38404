"""How a draft follows the facts, and what of it an edited text takes over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Draft, Entry, Head, Kind, chain
from firedoor.core.notices.merge import facts_since, merge, redrafts

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
OPENED = Draft(Kind.OPENED, "person:Ben", {"type": "data_leakage_in_ai_models", "title": "t", "severity": "high"})
LINES = st.lists(st.sampled_from(["", "a", "b", "c", "d: 1", "d: 2"]), max_size=8)


def facts(**values: Any) -> Draft:
    """An entry that sets facts."""
    return Draft(Kind.FACTS, "person:Ada", {"values": values, "why": "seen"})


def written(*drafts: Draft) -> list[Entry]:
    """A journal of these."""
    found: list[Entry] = []
    for number, draft in enumerate(drafts):
        head = Head(found[-1].seq, found[-1].hash) if found else Head(0, "")
        found += chain("INC-1", head, [draft], NOW + timedelta(minutes=number))
    return found


def shown(view: IncidentView, _: str) -> str:
    """A notice that places one fact."""
    return f"People: {view.facts.get('people')}\n"


def text(lines: list[str]) -> str:
    """Lines as a text."""
    return "".join(f"{line}\n" for line in lines)


def test_each_wording_names_the_facts_behind_it() -> None:
    """A fact that the notice does not place makes no version; one that comes back is no change."""
    entries = written(OPENED, facts(people=1), facts(cause="x"), facts(people=2, cause="y"), facts(people=1))
    found = redrafts(entries, "", {"people"}, shown)
    assert [(one.seq, dict(one.facts)) for one in found] == [
        (2, {}), (4, {"people": (1, 2)}), (5, {"people": (2, 1)}),
    ]  # fmt: skip
    assert facts_since(found, 2) == {}
    assert facts_since(found, 4) == {"people": (2, 1)}


def late(view: IncidentView, _: str) -> str:
    """A notice that says whether its limit has passed."""
    return f"{view.clocks['C'].state}\n{shown(view, '')}"


def test_a_limit_that_passes_is_time_whatever_else_was_learned() -> None:
    """A fact in no line of the notice is no hand on it; a fact that stands in it is."""
    runs = Draft(Kind.CLOCK_STARTED, "firedoor", {"id": "C", "state": "running", "due": None})
    missed = Draft(Kind.CLOCK_MISSED, "firedoor", {"id": "C", "due": None})
    for learned in ([], [facts(cause="x")]):
        found = redrafts(written(OPENED, runs, *learned, missed), "C", {"people"}, late)
        assert [one.by_time for one in found] == [True, True]
    found = redrafts(written(OPENED, runs, facts(people=1), missed), "C", {"people"}, late)
    assert [one.by_time for one in found] == [True, False, True]


def test_what_a_person_worded_stays() -> None:
    """A line of the draft follows the facts, one that was edited does not and is named; additions stay."""
    base = "People: ?\nData: ?\n\nEnd\n"
    merged = merge(base, "People: about ten\nData: ?\n\nEnd\nRegards\n", "People: 12\nData: names\n\nEnd\n")
    assert merged.text == "People: about ten\nData: names\n\nEnd\nRegards\n"
    assert merged.left == ("People: 12",)


@given(base=LINES, draft=LINES)
def test_an_unedited_text_becomes_the_draft(base: list[str], draft: list[str]) -> None:
    """Whatever the facts changed: with no edit nothing is left over."""
    merged = merge(text(base), text(base), text(draft))
    assert (merged.text, merged.left) == (text(draft), ())


@given(base=LINES, edited=LINES)
def test_nothing_changes_where_the_facts_say_nothing_new(base: list[str], edited: list[str]) -> None:
    """An edited text stays as it is."""
    assert merge(text(base), text(edited), text(base)).text == text(edited)
