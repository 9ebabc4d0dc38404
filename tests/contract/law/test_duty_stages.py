"""Later reports and notices to people: from another instant, on a condition of their own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from firedoor.core.facts import read_all
from firedoor.core.law.assessment import assess_one
from firedoor.duties.answer import answer
from firedoor.duties.catalogue import catalogue

DUTIES = catalogue()
BREACH = {"controller": "yes", "personal_data": "yes", "security_breach": "yes"}
MALAYSIA = {"established_in": ["MY"], **BREACH, "people_affected": 5000}
THAILAND = {"established_in": ["TH"], **BREACH}
PRODUCT = {"digital_product_manufacturer": "yes", "serves": ["DE"]}
TELECOM = {"public_communications_provider": "yes", "established_in": ["DE"], **BREACH}
CASES: list[tuple[str, str, dict[str, Any], str, str | None]] = [
    # the first notice to the Commissioner starts seven days for the people, if significant harm is likely
    (
        "my.pdpa.s12b#people",
        "2026-02-26T23:00:00+08:00",
        {**MALAYSIA, "significant_harm_likely": "yes"},
        "yes",
        "2026-03-05T23:59:59+08:00",
    ),
    (
        "my.pdpa.s12b#people",
        "2026-02-26T23:00:00+08:00",
        {**MALAYSIA, "significant_harm_likely": "no"},
        "no",
        "2026-03-05T23:59:59+08:00",
    ),
    (
        "my.pdpa.s12b#rest",
        "2026-01-31T08:00:00+08:00",
        {**MALAYSIA, "significant_harm_likely": "no"},
        "yes",
        "2026-03-02T23:59:59+08:00",
    ),
    # people in Thailand are told of a high risk, and there is no number
    ("th.pdpa.s37#people", "2026-04-12T20:00:00+07:00", {**THAILAND, "risk_to_people": "risk"}, "no", None),
    ("th.pdpa.s37#people", "2026-04-12T20:00:00+07:00", {**THAILAND, "risk_to_people": "high"}, "yes", None),
    # a severe incident: one month from the notification, clamped
    (
        "eu.cra.art14.final#incident",
        "2027-01-31T12:00:00+01:00",
        {**PRODUCT, "severe_product_incident": "yes"},
        "yes",
        "2027-02-28T23:59:59+01:00",
    ),
    (
        "eu.cra.art14.final#incident",
        "2027-01-31T12:00:00+01:00",
        {**PRODUCT, "severe_product_incident": "no"},
        "no",
        "2027-02-28T23:59:59+01:00",
    ),
    ("eu.reg611.telecom#rest", "2026-10-24T00:30:00+02:00", TELECOM, "yes", "2026-10-27T23:59:59+01:00"),
    (
        "ph.dpa.npc#full_report",
        "2026-12-28T09:00:00+08:00",
        {"established_in": ["PH"]},
        "unknown",
        "2027-01-02T23:59:59+08:00",
    ),
    (
        "sg.mas.incident#root_cause",
        "2026-02-14T09:00:00+08:00",
        {"financial_institution_singapore": "no"},
        "no",
        "2026-02-28T23:59:59+08:00",
    ),
    (
        "ch.isa.critical24h#complete",
        "2026-12-18T09:00:00+01:00",
        {"critical_infrastructure_switzerland": "yes", "cyberattack": "yes"},
        "yes",
        "2027-01-01T23:59:59+01:00",
    ),
]


@pytest.mark.parametrize(("duty", "at", "facts", "applies", "due"), CASES)
def test_a_later_report_comes_to_its_own_answer(
    duty: str, at: str, facts: dict[str, Any], applies: str, due: str | None
) -> None:
    """Whether it applies, and until when."""
    got = answer(DUTIES, duty, "", at, "Europe/Berlin", facts)
    assert (got["applies"], got["due"]) == (applies, due)


@pytest.mark.parametrize("duty", ["eu.dsa.art18.crime", "uk.osa.s10_3.illegal", "us.2258a.report", "uk.osa.s66.csea"])
def test_a_leak_of_data_starts_no_clock_about_content(duty: str) -> None:
    """Awareness of a leak is no knowledge of illegal material."""
    leak = {**BREACH, "hosting_service": "yes", "user_to_user_service": "yes", "serves": ["DE", "UK"]}
    instants = dict.fromkeys(("aware_at", "noticed_at", "suspected_at"), "2026-11-20T10:00:00+01:00")
    facts = read_all(DUTIES.facts, {**leak, **instants})
    assert assess_one(DUTIES[duty], facts, datetime(2026, 11, 21, tzinfo=UTC)).trigger is None


@pytest.mark.parametrize("duty", ["my.pdpa.s12b", "th.pdpa.s37", "sa.pdpl.art24", "tr.kvkk"])
def test_the_notice_to_people_is_addressed_to_them(duty: str) -> None:
    """The first report goes to the authority, the other to those whom it concerns."""
    people = DUTIES[f"{duty}#people"]
    assert (DUTIES[duty].addressee, people.addressee, people.authority) == (
        "authority",
        "individuals",
        "the affected people",
    )
