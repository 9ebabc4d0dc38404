"""The vault: what is said to be kept is there, unaltered, and found altered otherwise."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from firedoor.core.problems import NotFound, Unanswered
from firedoor.store.incidents.vault import Vault

CONTENT = b"one line of a log"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "vault")


def test_bytes_lie_under_their_own_digest_read_only(vault: Vault) -> None:
    """As sha256sum names them, for the owner alone, and no temporary file is left."""
    kept = vault.put(CONTENT)
    assert (kept.sha256, kept.size) == (DIGEST, len(CONTENT))
    assert vault.path(DIGEST).read_bytes() == vault.get(DIGEST) == CONTENT
    assert vault.path(DIGEST).stat().st_mode & 0o777 == 0o400
    assert vault.path(DIGEST).parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in vault.path(DIGEST).parent.iterdir()] == [DIGEST]


def test_the_same_bytes_are_one_piece_also_when_they_come_at_once(vault: Vault) -> None:
    """Many incidents may keep the same log at the same moment."""
    with ThreadPoolExecutor(16) as pool:
        kept = set(pool.map(vault.put, [CONTENT * 10_000] * 64))
    assert len(kept) == 1
    assert vault.get(kept.pop().sha256) == CONTENT * 10_000


def test_what_is_not_there_is_said(vault: Vault) -> None:
    """With the advice to restore it."""
    with pytest.raises(NotFound, match="V102"):
        vault.get(DIGEST)


@pytest.mark.parametrize("damage", [b"one line of a log.", b"", b"One line of a log"])
def test_an_altered_piece_is_never_handed_out(vault: Vault, damage: bytes) -> None:
    """A longer, an empty and a changed file."""
    vault.put(CONTENT)
    vault.path(DIGEST).chmod(0o600)
    vault.path(DIGEST).write_bytes(damage)
    with pytest.raises(NotFound, match="V103"):
        vault.get(DIGEST)


def test_keeping_it_again_keeps_the_altered_file_for_examination(vault: Vault) -> None:
    """To say "kept" while something else lies there would be a lie: it is written anew, beside the altered one."""
    vault.put(CONTENT)
    vault.path(DIGEST).chmod(0o600)
    vault.path(DIGEST).write_bytes(b"forged")
    vault.put(CONTENT)
    assert vault.get(DIGEST) == CONTENT
    altered = [path for path in vault.path(DIGEST).parent.iterdir() if "altered" in path.name]
    assert [path.read_bytes() for path in altered] == [b"forged"]


def test_a_folder_that_cannot_be_written_is_refused_loudly(tmp_path: Path) -> None:
    """Nothing is kept, and it says so."""
    (tmp_path / "vault").write_text("a file where the folder should be")
    with pytest.raises(Unanswered, match="V101"):
        Vault(tmp_path / "vault").put(CONTENT)
