"""What `doctor` says about the keys outside the database: who reaches them, and whether all that are needed are there.

Decides what is worth a person's attention. Changes nothing, and shows no key.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from firedoor.runtime.config.settings import Settings

PAGE = "docs/how-to/keep-keys.md"


def key_looks(settings: Settings) -> Iterator[tuple[Literal["well", "note", "wrong"], str, str]]:
    """Each with what to do."""
    from firedoor.runtime.config.keys import KeyFile

    keys = KeyFile(settings)
    if not settings.database_url and not (settings.data_dir / "firedoor.db").exists():
        return
    for problem in keys.exposed():
        yield "wrong", problem.message, problem.do
        return
    yield from _needed(settings, keys)


def _needed(settings: Settings, keys: object) -> Iterator[tuple[Literal["well", "note", "wrong"], str, str]]:
    from firedoor.runtime.config.keys import KeyFile
    from firedoor.store.database.engine import open_read_only
    from firedoor.store.database.keyring import Keyring
    from firedoor.store.identity.sealed_values import used_keys

    assert isinstance(keys, KeyFile)  # noqa: S101 - its type is imported late
    ring = keys() if keys.exists() else Keyring()
    engine = open_read_only(settings.database)
    try:
        used = used_keys(engine)
    finally:
        engine.dispose()
    known = {key.id for key in ring.keys}
    if missing := sorted(key for key in used if key and key not in known):
        do = f"put the key ring back (no backup holds it); if it is lost: firedoor keys lost; {PAGE}"
        yield "wrong", f"secrets are sealed with {', '.join(missing)}, which is not on the key ring {keys.where}", do
        return
    if used[""]:
        yield "wrong", f"{used['']} secrets are stored in clear", "the next start of the server seals them"
    if not ring.keys:
        yield "note", f"there is no key ring at {keys.where} yet; the next start makes it", ""
    elif not used[""]:
        yield "well", f"{len(ring.keys)} at {keys.where}, for you only; {used.total()} secrets are sealed", ""
    if not keys.reference and keys.path.resolve().is_relative_to(settings.data_dir.resolve()):
        do = f"set FIREDOOR_KEYRING to a place of its own; {PAGE}"
        yield "note", "the key ring lies in the data folder: whoever copies the whole folder has both", do
