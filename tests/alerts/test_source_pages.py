"""The pages about the sources that ship: they are current, and what stands on one is read as it says."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest

from firedoor.alerts.registry import find
from firedoor.alerts.shipped import shipped
from firedoor.core.alerts.signatures import SCHEMES
from firedoor.interfaces.cli.alert_source_pages import pages

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"
EXAMPLE = re.compile(
    r"^```json\n([^`]*)^```\n\n```console\n\$ (firedoor alert parse [^\n]*)\n```\n\n(.*?)"
    r"(?=^[A-Z][^\n]*:\n\n```json|\Z)",
    re.MULTILINE | re.DOTALL,
)


def test_the_pages_are_current() -> None:
    """`make docs` writes them; when this fails, run it and commit them. No page of a source that is gone lies about."""
    written = pages()
    assert [name for name, text in written.items() if (REFERENCE / name).read_text(encoding="utf-8") != text] == []
    assert {f"sources/{file.name}" for file in (REFERENCE / "sources").iterdir()} == set(written) - {"alert-sources.md"}


@pytest.mark.parametrize("name", shipped())
def test_what_a_page_shows_is_read(name: str) -> None:
    """Each example with the headers of the command under it: as many alerts as the page has tables, with their ids."""
    text = (REFERENCE / "sources" / f"{name}.md").read_text(encoding="utf-8").partition("## Examples")[2]
    found = EXAMPLE.findall(text)
    assert len(found) == len(shipped()[name].examples)
    for body, command, becomes in found:
        words = shlex.split(command)
        given = dict(one.split("=", 1) for flag, one in pairwise(words) if flag == "--header")
        alerts = find(name).parse(body.encode(), {key.lower(): value for key, value in given.items()})
        assert re.findall(r"`source_id` \| `([^`]*)`", becomes) == [alert.source_id for alert in alerts]


@pytest.mark.parametrize("name", shipped())
def test_a_page_says_what_to_set_at_the_detector(name: str) -> None:
    """The address of the source, or the code that sends; and which token, secret or certificate belongs to it."""
    one, text = shipped()[name], pages()[f"sources/{name}.md"]
    there = text.partition("## At the detector")[2].partition("## What is read")[0]
    assert f"alerts/{name}" in there or name in ("consent-ledger", "hma", "membership-inference", "sigma", "whylabs")
    assert ("firedoor token create" in text) == ("bearer" in one.authentication)
    assert ("FIREDOOR_SOURCE_SECRET_" in text) == bool({"hmac", "sns"} & set(one.authentication))
    assert "hmac" not in one.authentication or one.signature in SCHEMES.values()
