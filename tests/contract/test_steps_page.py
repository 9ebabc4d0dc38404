"""The page about step types is the one that the step types write."""

from __future__ import annotations

from pathlib import Path

from firedoor.steps.reference import reference
from firedoor.steps.registry import own_types

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "steps.md"


def test_the_page_is_current() -> None:
    """`make docs` writes docs/reference/steps.md; when this fails, run it and commit the page."""
    assert PAGE.read_text() == reference()


def test_every_type_and_every_field_is_explained() -> None:
    """Each type has a section, and no field goes without a meaning and a form."""
    text = reference()
    assert all(f"\n## {key}\n" in text for key in own_types())
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) > 40
    assert not [row[0] for row in rows if not row[1].strip() or row[2] in ("", "value")]
