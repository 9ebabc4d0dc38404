"""The pages about security say nothing that no test shows: each claim names tests, and each named test is there.

Reads SECURITY.md, the threat model and the page about ASVS. Leaves links and commands on pages to `test_docs.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SECURITY, MODEL = ROOT / "SECURITY.md", ROOT / "docs" / "explanation" / "threat-model.md"
ASVS = ROOT / "docs" / "reference" / "asvs.md"
TEST = re.compile(r"\btests/[\w/]+\.py\b")
STATUS = re.compile(r"met|(?:partly|does not apply): \S+ \S+.*")
# The chapters of version 5.0.0, and how many sections each has.
SECTIONS = {
    1: 5, 2: 4, 3: 7, 4: 4, 5: 4, 6: 8, 7: 6, 8: 4, 9: 2, 10: 7, 11: 7, 12: 3, 13: 4, 14: 3, 15: 4, 16: 5, 17: 3,
}  # fmt: skip
CLAIMS = ("What we count as a vulnerability", "What holds", "Prefect")  # the parts of SECURITY.md that claim something


def rows(page: Path) -> Iterator[list[str]]:
    """The cells of every row of every table, without heads."""
    for line in page.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and not set(line) <= set("|- ") and cells[-1] not in ("test", "tests"):
            yield cells


def part(text: str, heading: str) -> str:
    """What stands below a heading of the second level."""
    return text.partition(f"## {heading}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("page", [SECURITY, MODEL, ASVS], ids=lambda page: page.name)
def test_every_test_that_a_page_names_is_there(page: Path) -> None:
    """And has tests in it."""
    named = set(TEST.findall(page.read_text()))
    assert len(named) > 10
    assert [
        name for name in sorted(named) if not (ROOT / name).is_file() or "def test_" not in (ROOT / name).read_text()
    ] == []


def test_every_section_of_asvs_has_a_status_and_its_reason() -> None:
    """Met or partly, with a test, and with what is missing; or why it does not apply. No section is left out."""
    found = [cells for cells in rows(ASVS) if re.match(r"V\d+\.\d+ ", cells[0])]
    wanted = [f"V{chapter}.{number}" for chapter, many in SECTIONS.items() for number in range(1, many + 1)]
    assert [cells[0].split()[0] for cells in found] == wanted
    assert [cells[:2] for cells in found if not STATUS.fullmatch(cells[1])] == []
    claimed = [cells for cells in found if not cells[1].startswith("does not apply")]
    assert [cells[0] for cells in claimed if not TEST.search(cells[-1])] == []
    assert re.findall(r"^## V(\d+) \S+", ASVS.read_text(), re.MULTILINE) == [str(chapter) for chapter in SECTIONS]


def test_every_attack_of_the_threat_model_names_its_test() -> None:
    """With the line that it crosses, and what holds."""
    attacks = [cells for cells in rows(MODEL) if len(cells) == 4 and (cells[0].isdigit() or cells[0] == "all")]
    assert len(attacks) > 20
    assert [cells[1] for cells in attacks if not TEST.search(cells[3])] == []


def test_every_claim_of_security_names_its_test() -> None:
    """A line that begins with a dash below one of those headings links what shows it; advice stands elsewhere."""
    text = SECURITY.read_text()
    for heading in CLAIMS:
        claims = [
            re.sub(r"\s+", " ", one) for one in re.findall(r"^- .*(?:\n  .*)*", part(text, heading), re.MULTILINE)
        ]
        assert claims, heading
        assert [claim for claim in claims if not TEST.search(claim)] == []
