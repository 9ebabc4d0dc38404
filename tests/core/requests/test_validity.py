"""Requests to remove content: valid under one law, incomplete under another, and what is asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from firedoor.core.clocks.clock import clocks_due_to_start, reassess
from firedoor.core.facts import read_all
from firedoor.core.language.expression import Expression
from firedoor.core.law.clause import Clause
from firedoor.core.law.duty import Duty
from firedoor.core.requests.validity import (
    COPIES,
    ELEMENTS,
    NO_CONTENT,
    elements,
    is_removal,
    validity,
    validity_by_law,
    work,
)
from firedoor.core.ternary import NO, UNKNOWN, YES
from firedoor.duties.catalogue import catalogue

DUTIES = catalogue()
US, UK, INDIA, ESAFETY = (
    DUTIES[key] for key in ("us.tida.s3.removal", "uk.osa.s10_3a.ncii48h", "in.itrules.ncii2h", "au.osa.removal24h")
)
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
COMPLETE = dict.fromkeys(ELEMENTS, "yes")
PLATFORM = {
    "covered_platform": "yes", "user_to_user_service": "yes", "serves": "US,UK", "intimate_content": "yes",
    "published_without_consent": "yes", "request_received_at": "2026-11-20T10:00:00Z",
}  # fmt: skip


def facts(**given: Any) -> dict[str, Any]:
    return dict(read_all(DUTIES.facts, given))


def named(duty: Duty) -> set[str]:
    return {path[0] for clause in elements(duty) if clause.holds for path in clause.holds.references}


@pytest.mark.parametrize("duty", [US, UK, INDIA, ESAFETY], ids=lambda duty: duty.id)
def test_a_complete_request_is_valid_and_an_unread_one_is_unknown(duty: Any) -> None:
    """Nobody has looked at it yet: unknown, with everything that is still to be checked."""
    assert validity(duty, facts(**COMPLETE)).valid is YES
    unread = validity(duty, {})
    assert (unread.valid, unread.missing) == (UNKNOWN, ())
    assert len(unread.unchecked) == len(elements(duty))


def test_each_law_has_its_own_elements() -> None:
    """The US asks for five things, the UK for five others; a signature matters in one only."""
    shared = {"request_locates_content", "request_gives_contact"}
    assert named(US) == shared | {"request_in_writing", "request_signed", "request_states_no_consent"}
    assert named(UK) == shared | {"request_declares_intimate", "request_declares_standing", "request_declares_truth"}


def test_a_request_can_be_valid_in_the_uk_and_incomplete_in_the_us() -> None:
    """What is missing is said in the law's words with the paragraph, and asked for in words for the person."""
    found = validity_by_law(DUTIES.values(), facts(**{**COMPLETE, "request_signed": "no"}))
    assert (found[UK.id].valid, found[US.id].valid) == (YES, NO)
    assert found[US.id].missing == ("the request is signed (sec 3(a)(1)(B)(i))",)
    assert found[US.id].ask == (ELEMENTS["request_signed"], NO_CONTENT)


def test_one_point_that_fails_decides_whatever_is_still_unread() -> None:
    """No signature: not valid, and the rest is still to be checked."""
    found = validity(US, facts(request_signed="no"))
    assert (found.valid, len(found.missing), len(found.unchecked)) == (NO, 1, 4)


def test_only_duties_about_removal_know_requests() -> None:
    """A duty to notify a breach asks nothing of a request."""
    assert not is_removal(DUTIES["eu.gdpr.art33.sa"])
    assert {US.id, UK.id, INDIA.id, ESAFETY.id} <= set(validity_by_law(DUTIES.values(), {}))


def test_a_clause_that_looks_at_anything_else_as_well_is_no_element() -> None:
    """Whoever asks cannot complete what lies with the platform."""
    mixed = Clause(says="signed, or a minor", holds=Expression.parse("request_signed or minor"))
    assert elements(US.model_copy(update={"when": (mixed,)})) == ()


def test_every_element_of_a_request_can_be_asked_for() -> None:
    """A curable clause of any law looks at facts that have a sentence for the person."""
    curable = [clause for duty in DUTIES.values() for clause in duty.when if clause.curable and clause.holds]
    assert curable
    assert all(path[0] in ELEMENTS for clause in curable for path in clause.holds.references)


def test_an_incomplete_request_is_worked_on_and_its_copies_too() -> None:
    """The law's clock waits for the signature; the removal does not."""
    asked, *rest = work(validity(US, facts(**{**COMPLETE, "request_signed": "no"})))
    assert asked.startswith("Ask: Please sign")
    assert COPIES in rest
    assert COPIES in work(validity(US, facts(**COMPLETE)))


def test_a_shadow_clock_runs_until_the_request_is_complete() -> None:
    """It is labelled as what it is, and becomes the law's own clock when the signature arrives."""
    known = facts(**{**COMPLETE, **PLATFORM, "request_signed": "no"})
    (shadow,) = clocks_due_to_start(DUTIES, [US.id], known, [], NOW)
    assert shadow.provisional
    assert shadow.assumption.startswith("shadow clock, the request is incomplete")
    (change,) = reassess(DUTIES, [shadow], facts(**COMPLETE, **PLATFORM), NOW)
    assert (change.after.state, change.after.assumption, change.needs_approval) == ("running", "", False)


def test_the_duties_to_remove_ask_what_became_of_the_copies() -> None:
    """The US and the UK want identical copies removed; the answer has a place for it."""
    for duty in (US, UK):
        assert any("copies" in field.title for field in duty.content)
