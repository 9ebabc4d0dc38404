"""Where the key ring is kept, and how it is made, read and rotated.

Decides that the ring stands in a file for this user alone, or behind a reference to a secret; that it is made once, and
never again over a database whose secrets are sealed with other keys; and that a running process sees a rotation at
once. Leaves what a key is to `store.keyring`.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from firedoor.core.problems import NotFound, Problem, Refused
from firedoor.runtime.config.secrets import ReferencedSecrets
from firedoor.runtime.config.settings import Settings
from firedoor.store.database.keyring import Keyring, new_ring, read_ring

REFERENCE = "secret://"
OTHERS = 0o077
PAGE = "docs/how-to/keep-keys.md"


class KeyFile:
    """The ring of an installation; calling it returns the ring as it is now."""

    def __init__(self, settings: Settings) -> None:
        self.reference = settings.keyring if settings.keyring.startswith(REFERENCE) else ""
        self.path = Path(settings.keyring) if settings.keyring else settings.data_dir / "keys" / "keyring"
        self._read: tuple[tuple[int, int, int], Keyring] | None = None

    @property
    def where(self) -> str:
        """The place, for people."""
        return self.reference or str(self.path)

    def __call__(self) -> Keyring:
        """The ring. Raises NotFound where there is none, Refused for a file that others can reach."""
        if self.reference:
            return read_ring(ReferencedSecrets().resolve(self.reference), self.reference)
        try:
            status = self.path.stat()
        except FileNotFoundError:
            message, do = f"there is no key ring at {self.where}", f"put it back from where you keep it; see {PAGE}"
            raise NotFound(Problem(code="S114", message=message, do=do)) from None
        known = (status.st_mtime_ns, status.st_ino, status.st_size)
        if self._read is None or self._read[0] != known:
            for problem in self.exposed():
                raise Refused(problem)
            self._read = known, read_ring(self.path.read_text(), self.where)
        return self._read[1]

    def exists(self) -> bool:
        """Whether there is a ring; a reference always says that there is."""
        return bool(self.reference) or self.path.exists()

    def exposed(self) -> Iterator[Problem]:
        """What is wrong with who can reach the file."""
        if self.reference or not self.path.exists():
            return
        status = self.path.stat()
        if not stat.S_ISREG(status.st_mode):
            yield Problem(code="U162", message=f"{self.path} is no regular file", do="name the key ring's own file")
        elif status.st_mode & OTHERS:
            message = f"the key ring {self.path} can be read or changed by others (mode {status.st_mode & 0o777:o})"
            do = f"chmod 600 {self.path}; if others may have read it, then: firedoor keys rotate"
            yield Problem(code="U162", message=message, do=do)

    def make(self, now: datetime) -> Keyring:
        """Make the ring where there is none; of two processes one makes it, and both read it."""
        ring = new_ring(now)
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._written(ring) as beside, contextlib.suppress(FileExistsError):
            os.link(beside, self.path)
        return self()

    def change(self, what: Callable[[Keyring], Keyring]) -> Keyring:
        """Put a changed ring in place of this one, in one step. Raises Refused where it is kept elsewhere."""
        if self.reference:
            do = f"`firedoor keys new` prints a key; add it at the end of what {self.reference} holds; see {PAGE}"
            message = "the key ring is kept behind a reference, where Firedoor cannot write"
            raise Refused(Problem(code="S115", message=message, do=do))
        ring = what(self())
        with self._written(ring) as beside:
            beside.replace(self.path)
        return ring

    @contextlib.contextmanager
    def _written(self, ring: Keyring) -> Iterator[Path]:
        """The ring in a file beside its own, on disk, for this user alone from its first moment."""
        beside = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        try:
            with os.fdopen(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
                file.write(ring.text)
                file.flush()
                os.fsync(file.fileno())
            yield beside
        finally:
            beside.unlink(missing_ok=True)


def need_keys(keys: KeyFile, sealed_with: set[str], now: datetime) -> bool:
    """See that there is a ring, and make one for a database that needs no other. Returns whether it is new.

    Raises Refused where secrets are sealed with keys that are not here: a new ring would only hide that.
    """
    known: set[str] = set()
    if keys.exists():
        known = {key.id for key in keys().keys}
    elif not sealed_with:
        keys.make(now)
        return True
    if missing := sorted(sealed_with - known):
        found = "which the key ring does not hold" if known else f"and there is no key ring at {keys.where}"
        message = f"secrets in the database are sealed with the key {', '.join(missing)}, {found}"
        do = f"put the key ring back (no backup holds it) or set FIREDOOR_KEYRING; if lost: firedoor keys lost; {PAGE}"
        raise Refused(Problem(code="S111", message=message, do=do))
    return False
