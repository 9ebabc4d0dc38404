"""Attack: pictures under another name, given to the command line: as evidence, as what was sent, as a receipt."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.attacks.content.test_content_gate import found_in
from tests.attacks.disguises import DISGUISES, HARMLESS, PLANT
from tests.cli.test_cli_clocks import FACTS, SA, _incident  # noqa: F401 - a fixture
from tests.support.command import Firedoor, _firedoor  # noqa: F401 - a fixture

FEW = ("png", "heic", "base64-in-json", "zip", "pdf-hidden-picture", "docx-picture", "mail", "svg", "escapes")
HOW = ("--channel", "the portal", "--sent-at", "now", "--field", "reasons_for_delay=late")
assert FACTS


@pytest.mark.parametrize("name", FEW)
def test_what_was_sent_is_known_by_its_digest(firedoor: Firedoor, incident: str, tmp_path: Path, name: str) -> None:
    """A duty is met all the same: the digest proves the file, which stays with whoever sent it."""
    file = tmp_path / "x.bin"
    file.write_bytes(DISGUISES[name])
    added = firedoor("evidence", "add", incident, file, "--why", "reported")
    assert (added.code, "the bytes were not kept" in added.out) == (0, True), added.err
    sent = firedoor("submit", incident, SA, "--reference", "DPA-1", *HOW, "--file", file)
    assert sent.code == 0, sent.err
    for verb in ("as-sent", "receipt"):
        assert firedoor("notice", verb, incident, SA, file, "--why", "handed in").code == 0
    shown = firedoor("notice", "export", incident, SA, "--format", "md")
    assert (shown.code, PLANT.decode() in shown.out) == (0, False)
    file.unlink()
    assert found_in(tmp_path, [DISGUISES[name]]) == []


def test_a_text_that_was_sent_is_kept(firedoor: Firedoor, incident: str, tmp_path: Path) -> None:
    """And a bag holds it; what was refused is named in it by its digest."""
    file = tmp_path / "letter.eml"
    file.write_bytes(HARMLESS["mail-of-text"])
    assert firedoor("notice", "as-sent", incident, SA, file, "--why", "by mail").code == 0
    pieces = firedoor("evidence", "list", incident, "--format", "json").json["evidence"]
    assert pieces[-1]["mode"] == "vault"
    assert firedoor("evidence", "export", incident, tmp_path / "bag").code == 0
    assert firedoor("evidence", "verify", tmp_path / "bag").code == 0
    assert firedoor("doctor", "--format", "json").json
