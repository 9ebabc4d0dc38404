"""The vault: bytes under custody, stored once under their own SHA-256.

Decides where a piece lies and that it is on disk, unaltered and read-only,
before anyone is told that it is kept; and that nothing comes in that the gate of
`core.content` refuses, whoever brings it. Leaves the record of who kept it, and
why, to the journal. A piece whose digest alone may be kept never comes here.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from firedoor.core.content import ContentVerdict, judge
from firedoor.core.problems import NotFound, Problem, Refused, Unanswered


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored piece."""

    sha256: str
    size: int  # bytes


class Vault:
    """A folder of content-addressed files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, content: bytes, verdict: ContentVerdict | None = None) -> Kept:
        """Store bytes. Returns after they are flushed to disk; storing the same bytes twice is one piece.

        `verdict` is that of `judge` about these bytes, for who has asked already. Raises Refused, and then nothing of
        them was on disk, or Unanswered where they cannot be stored.
        """
        admit(content, verdict)
        digest = hashlib.sha256(content).hexdigest()
        path = self.path(digest)
        if not self._intact(path, digest):
            try:
                self._set_aside(path)
                self._write(path, content)
            except OSError as error:
                raise Unanswered(
                    Problem(
                        code="V101",
                        message=f"the evidence could not be stored: {error.strerror}",
                        do="free the disk, then try again",
                    )
                ) from error
        return Kept(digest, len(content))

    def get(self, digest: str) -> bytes:
        """Read a piece back, checking that it is what was stored."""
        try:
            content = self.path(digest).read_bytes()
        except FileNotFoundError:
            raise NotFound(
                Problem(
                    code="V102", message=f"the vault holds nothing under {digest[:12]}", do="restore it from the backup"
                )
            ) from None
        if hashlib.sha256(content).hexdigest() != digest:
            raise NotFound(
                Problem(
                    code="V103",
                    message=f"what lies under {digest[:12]} was altered",
                    do="restore it from the backup; keep the altered file for examination",
                )
            )
        return content

    def path(self, digest: str) -> Path:
        """Where a piece lies."""
        return self.folder / digest[:2] / digest

    @staticmethod
    def _intact(path: Path, digest: str) -> bool:
        """Whether the piece lies there as it was stored: a claim that it is kept must be true today."""
        try:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == digest
        except OSError:
            return False

    @staticmethod
    def _set_aside(path: Path) -> None:
        """Keep what was altered for examination, beside the piece."""
        if path.exists():
            path.rename(path.with_name(f"{path.name}.altered.{os.urandom(4).hex()}"))

    @staticmethod
    def _write(path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = path.with_name(
            f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}"
        )  # the same bytes may come twice at once
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o400)
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def admit(content: bytes, verdict: ContentVerdict | None = None) -> None:
    """Let bytes into a vault. Raises Refused for what the gate of content does not let through."""
    found = verdict or judge(content)
    if not found.keep:
        do = "keep its digest alone; the original stays where it is"
        raise Refused(Problem(code="V104", message=f"the bytes are not kept: {found.why}", do=do))
