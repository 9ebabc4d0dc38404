"""What a locked telephone shows at night: eighty characters say how bad, which, what, until when and whose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firedoor.core.notices.subject_lines import LONGEST, headline, sentence
from firedoor.core.ports import Notice, Standing

MADE = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
REAL = "Is it real personal data, of a real person, given to somebody who may not have it?"
ARTICLE = "Notify the supervisory authority (GDPR Art. 33(1))"


def notice(severity: str = "high", **more: Any) -> Notice:
    """A notice of that night."""
    standing = Standing(incident="INC-2026-0042", state="contained", severity=severity, restricted=False, link="x")
    told = {"kind": "task", "roles": ("commander",), "due_at": MADE + timedelta(minutes=30), **more}
    return Notice(key="k", handle="h", incident="INC-2026-0042", made_at=MADE, link="x", standing=standing, **told)


GOLDEN = [
    ({"task": "T1", "what": REAL}, "[high] INC-2026-0042 T1 by 03:30 UTC, commander: " + REAL),
    (
        {"task": "T1", "what": REAL, "kind": "reminder", "severity": "critical"},
        "[critical] INC-2026-0042 reminder T1 by 03:30 UTC, commander: " + REAL,
    ),
    (
        {"task": "T1", "what": REAL, "kind": "escalation", "roles": ("manager", "commander")},
        "[high] INC-2026-0042 OVERDUE T1, now manager and commander: " + REAL,
    ),
    (
        {"task": "T9", "what": ARTICLE, "roles": ("dpo",), "due_at": MADE + timedelta(hours=72)},
        "[high] INC-2026-0042 T9 by 25 Nov 03:00 UTC, dpo: " + ARTICLE,
    ),
    (
        {"task": "T9", "what": "an approval", "roles": ("victim_support",), "due_at": MADE + timedelta(days=60)},
        "[high] INC-2026-0042 T9 by 21 Jan 2027 03:00 UTC, victim support: an approval",
    ),
    (
        {"task": "T4", "what": REAL, "kind": "message", "roles": ("legal", "dpo")},
        "[high] INC-2026-0042 T4 passed on by 03:30 UTC, legal and dpo: " + REAL,
    ),
    ({"clock": "c", "what": ARTICLE, "kind": "reminder"}, "[high] INC-2026-0042 legal limit 03:30 UTC: " + ARTICLE),
    (
        {"clock": "c", "what": ARTICLE, "kind": "reminder", "became": "missed"},
        "[high] INC-2026-0042 LIMIT PASSED 03:30 UTC: " + ARTICLE,
    ),
    (
        {"clock": "c", "what": ARTICLE, "kind": "reminder", "due_at": None},
        "[high] INC-2026-0042 legal limit, as soon as possible: " + ARTICLE,
    ),
    (
        {"kind": "message", "roles": ("dpo", "legal", "communications", "manager"), "what": "Tell those who must know"},
        "[high] INC-2026-0042 message for dpo, legal and 2 more: Tell those who must know",
    ),
    ({"kind": "message", "severity": "unknown"}, "INC-2026-0042 message for commander"),
    ({"task": "T1", "what": REAL, "became": "decided"}, "INC-2026-0042 T1 has been answered"),
    ({"task": "T1", "what": REAL, "became": "withdrawn"}, "INC-2026-0042 T1 is not needed any more"),
    ({"kind": "state", "what": REAL}, "INC-2026-0042: contained"),
]


@pytest.mark.parametrize(("told", "line"), GOLDEN, ids=lambda value: value if isinstance(value, str) else "")
def test_the_line_is_as_somebody_reads_it_at_night(told: dict[str, Any], line: str) -> None:
    """Word for word; whoever changes one reads all of them again."""
    assert sentence(notice(**told)) == line


@pytest.mark.parametrize("told", [told for told, _ in GOLDEN], ids=str)
def test_what_matters_stands_in_the_first_eighty_characters(told: dict[str, Any]) -> None:
    """All but what it is about, of which at least the beginning is there."""
    assert len(headline(notice(**told))) <= 76


@given(what=st.text(max_size=400), task=st.sampled_from(["", "T1"]), roles=st.lists(st.text(max_size=30), max_size=6))
def test_a_line_stays_a_line(what: str, task: str, roles: list[str]) -> None:
    """However long a question is and whatever stands in it."""
    line = sentence(notice(what=what, task=task, roles=tuple(roles), kind="message"))
    assert len(line) <= LONGEST
    assert len(line.splitlines()) == 1
    assert line.startswith("[high] INC-2026-0042")
