"""Every kind of entry has one form, one fold, its words and its rows; what is written has the form of its kind."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from firedoor.core.entries import people
from firedoor.core.entries.registry import FORMS, read_body
from firedoor.core.history import timeline
from firedoor.core.incident import view
from firedoor.core.incident.view import IncidentView, fold
from firedoor.core.journal import Draft, Kind, chain, genesis
from firedoor.core.playbook import plan
from firedoor.duties.catalogue import catalogue
from firedoor.runtime.config import playbooks
from firedoor.runtime.rehearsal.drill import rehearse_all
from firedoor.store.incidents import projections

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
# Kinds from which nothing follows for the incident as it stands, and why.
NO_FOLD = {
    Kind.MESSAGE: "it has left; what the playbook does next hangs on the operation",
    Kind.GLASS_BROKEN: "the answer beside it counts; the review reads the journal",
    Kind.LINK_MADE: "a way to answer, which has its own table",
    Kind.NOTE: "remembered, and nothing else",
}
# Kinds that no list is made of, so that no row hangs on them.
NO_ROW = {
    Kind.OPENED: "the row of the incident is made with it", Kind.ALERT: "alerts are rows of their own",
    Kind.RUN_PAUSED: "read with the incident", Kind.RUN_UNPAUSED: "read with the incident",
    Kind.TASK_CLAIMED: "read with the incident", Kind.GLASS_BROKEN: "read with the incident",
    Kind.LINK_MADE: "links are rows of their own", Kind.CUSTODY: "read with the incident",
    Kind.NOTE: "read with the incident", Kind.REQUEST_RECEIVED: "read with the incident",
    Kind.REQUEST_COMPLETED: "read with the incident", Kind.REQUEST_WRITTEN: "read with the incident",
    Kind.REQUEST_ANSWERED: "read with the incident", Kind.REQUEST_WITHDRAWN: "read with the incident",
    Kind.COPIES: "read with the incident",
    Kind.BANK_FEEDBACK: "read with the incident",
}  # fmt: skip


def test_every_kind_has_its_form_fold_words_and_rows() -> None:
    """A kind that is added without one of the four fails here."""
    assert set(FORMS) == set(Kind)
    assert len(set(FORMS.values())) == len(FORMS)
    assert set(view.HANDLERS) == set(Kind) - set(NO_FOLD)
    assert set(timeline.SENTENCES) == set(Kind)
    assert set(projections.HANDLERS) == set(Kind) - set(NO_ROW)


def test_a_choice_of_the_plan_is_a_choice_of_the_journal() -> None:
    """`Ask.written_choices` casts: the two have the same fields, and what is written holds every one that must be."""
    written = plan.Choice(id="yes", label="Yes", consequence="It begins.").model_dump(mode="json")
    assert set(plan.Choice.model_fields) == set(people.Choice.__annotations__) == set(written)
    assert people.Choice.__required_keys__ <= set(written)


@pytest.mark.parametrize(
    ("kind", "body"),
    [("incident.sold", {}), ("note", {}), ("note", {"text": "x", "more": 1}), ("note", {"text": {"a": 1}})],
)
def test_what_has_no_form_is_named(kind: str, body: dict[str, object]) -> None:
    """A kind that nobody knows, a field too few, a field too many, a field of another type."""
    with pytest.raises(ValueError, match=kind):
        read_body(kind, body)


def test_an_unknown_kind_is_never_passed_over() -> None:
    """A journal of a later version: the entry is set aside loudly, and the others count."""
    drafts = [Draft(Kind.OPENED, "person:Ann", {"type": "data_leakage_in_ai_models", "title": "x", "severity": "low"})]
    entries = list(chain("INC-1", genesis("INC-1"), drafts, NOW))
    strange = type(entries[0])(**{**entries[0].as_json(), "seq": 2, "kind": "incident.sold", "body": {}})
    found: IncidentView = fold("INC-1", [*entries, strange])
    assert found.title == "x"
    assert "incident.sold" in str(found.unread[2])


@pytest.mark.parametrize("name", playbooks.all_playbooks())
def test_what_the_drills_write_has_the_form_of_its_kind(name: str) -> None:
    """Each entry of each drill of each playbook that ships."""
    seen = set()
    for result in rehearse_all(playbooks.load_playbook(name), playbooks.compiled(name), catalogue()):
        for entry in result.entries:
            read_body(entry.kind, entry.body)
            seen.add(entry.kind)
    assert len(seen) > 12
