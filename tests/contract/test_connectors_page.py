"""The page of connectors says what the connectors and their rigs say."""

from __future__ import annotations

from tests.contract.connectors_page import ROOT, page

from firedoor.connectors.registry import available


def test_the_page_is_written_again_after_a_change() -> None:
    """It is what `python -m tests.contract.connectors_page` writes."""
    written = (ROOT / "docs" / "reference" / "connectors.md").read_text()
    assert written == page(written), "run: python -m tests.contract.connectors_page"


def test_every_connector_of_ours_has_a_row() -> None:
    """With what it was tried on; none says that it was tried on nothing."""
    written = (ROOT / "docs" / "reference" / "connectors.md").read_text()
    missing = [kind for kind, origin in available().items() if not origin.package and f"| `{kind}` |" not in written]
    assert missing == []
    assert "nothing yet" not in written
