"""Backup and restore: the database, the vault and one's own files, in one tar archive that proves itself.

Decides the order: first the database as it stands at one moment, then the vault, which only
grows, so that every piece that the database names is there; at the end a manifest with the
digest of every file and the head of every journal. A restore puts everything into an empty
folder, or nothing. Leaves the database to its own tools where it is PostgreSQL.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any, TypedDict

from sqlalchemy import make_url

from firedoor.core.content import judge, might_be_kept
from firedoor.core.problems import InvalidInput, Problem, Refused, Unanswered
from firedoor.runtime.config.settings import Settings
from firedoor.store.database.engine import open_read_only
from firedoor.store.incidents.verification import heads_at_one_moment, verify_stored

MANIFEST, DIGEST, DATABASE = "manifest.json", "manifest.sha256", "firedoor.db"
FORM = "firedoor.backup.v1"
OWN_FILES = ("targets.yaml", "organisation.yaml", "mappings/*.yaml")
CHUNK = 1 << 20
HEAD = 64 * 1024  # bytes by which most of what is no text is known


class Stored(TypedDict):
    """A file in the archive."""

    sha256: str
    size: int  # bytes


@dataclass
class Contents:
    """What is in an archive, and what was found wrong with it."""

    files: dict[str, Stored] = field(default_factory=dict)  # by name: sha256 and size in bytes
    heads: dict[str, list[Any]] = field(default_factory=dict)  # by incident: entry and hash
    problems: list[Problem] = field(default_factory=list)
    database: str = "sqlite"
    digest: str = ""  # of the manifest
    withheld: dict[str, str] = field(default_factory=dict)  # what an earlier version kept and the gate refuses: why

    @property
    def pieces(self) -> int:
        """How many pieces of evidence there are."""
        return sum(name.startswith("vault/") for name in self.files)


def back_up(settings: Settings, file: Path, now: datetime) -> Contents:
    """Write an archive while everything runs. Raises Refused for a file that exists, Unanswered when it fails."""
    if file.exists():
        raise Refused(Problem(code="B101", message=f"{file} exists already", do="give the backup another name"))
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    try:
        contents = _written(settings, partial, now)
        partial.replace(file)
    except (OSError, sqlite3.Error) as error:
        problem = Problem(
            code="B102", message=f"the backup was not made: {error}", do="check the paths and the free space; try again"
        )
        raise Unanswered(problem) from error
    finally:
        partial.unlink(missing_ok=True)
    return contents


def _written(settings: Settings, partial: Path, now: datetime) -> Contents:
    contents = Contents()
    with os.fdopen(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as raw:
        with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for name, path in _sources(settings, partial.parent, contents):
                contents.files[name] = _add(archive, name, path)
                if name.startswith("vault/") and PurePosixPath(name).name != contents.files[name]["sha256"]:
                    contents.problems.append(_altered(name))
            contents.digest = _add_manifest(archive, contents, now)
        raw.flush()
        os.fsync(raw.fileno())
    return contents


def _sources(settings: Settings, scratch: Path, contents: Contents) -> Iterator[tuple[str, Path]]:
    """Every file in the order in which it must be read: the database, then the vault."""
    url = make_url(settings.database)
    contents.database = url.get_backend_name()
    if contents.database == "sqlite":
        with tempfile.TemporaryDirectory(dir=scratch, prefix=".firedoor-backup-") as folder:
            copy = Path(folder) / DATABASE
            _snapshot(Path(url.database or ""), copy)
            contents.heads, broken = _verified(copy)
            contents.problems += broken
            yield DATABASE, copy
    vault = settings.data_dir / "vault"
    for path in sorted(path for path in vault.glob("??/*") if not path.name.startswith(".")):
        name, fault = path.relative_to(settings.data_dir).as_posix(), refused(path)
        if fault:
            contents.withheld[name] = fault
        else:
            yield name, path
    for pattern in OWN_FILES:
        for path in sorted(settings.data_dir.glob(pattern)):
            yield path.relative_to(settings.data_dir).as_posix(), path


def refused(path: Path) -> str:
    """Why a piece of the vault is copied nowhere; "" for what the gate of content lets through."""
    with path.open("rb") as file:
        head = file.read(HEAD)
        if not might_be_kept(head):
            return judge(head).why
        return judge(head + file.read()).why


def _snapshot(source: Path, copy: Path) -> None:
    """Copy the database as it stands at one moment; whoever writes meanwhile is not held up."""
    if not source.is_file():
        raise InvalidInput(
            Problem(code="B103", message=f"there is no database at {source}", do="see FIREDOOR_DATA_DIR")
        )
    read_only = f"{source.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(read_only, uri=True)) as origin, closing(sqlite3.connect(copy)) as target:
        origin.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")  # one file, whole by itself


def _verified(database: Path) -> tuple[dict[str, list[Any]], list[Problem]]:
    """The head of every journal of a database at rest, and what is wrong with any."""
    engine = open_read_only(f"sqlite:///{database}")
    try:
        with engine.connect() as connection:
            heads = {name: [head.seq, head.hash] for name, head in heads_at_one_moment(connection).items()}
        faults = [fault for _, _, fault in verify_stored(engine) if fault is not None]
    finally:
        engine.dispose()
    message = "{0.incident}: entry {0.seq} {0.what}"
    do = "find out who changed the database; an earlier backup may be whole"
    return heads, [Problem(code="B110", message=message.format(fault), do=do) for fault in faults]


def _add(archive: tarfile.TarFile, name: str, path: Path) -> Stored:
    """Add a file, hashing what is really written."""
    with path.open("rb") as file:
        member = tarfile.TarInfo(name)
        member.size, member.mode = os.fstat(file.fileno()).st_size, 0o600
        reader = _Hashing(file)
        archive.addfile(member, reader)
    return {"sha256": reader.digest.hexdigest(), "size": member.size}


class _Hashing:
    """A file that is hashed while it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        content = self.file.read(size)
        self.digest.update(content)
        return content


def _add_manifest(archive: tarfile.TarFile, contents: Contents, now: datetime) -> str:
    whole = {
        "form": FORM, "made_at": now.isoformat(), "database": contents.database, "heads": contents.heads,
        "files": contents.files, "withheld": contents.withheld,
    }  # fmt: skip
    content = json.dumps(whole, indent=1, sort_keys=True).encode()
    digest = hashlib.sha256(content).hexdigest()
    for name, written in ((MANIFEST, content), (DIGEST, digest.encode())):
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(written), 0o600
        archive.addfile(member, io.BytesIO(written))
    return digest


def _altered(name: str) -> Problem:
    message = f"{name} is not what was kept under this name"
    return Problem(code="B111", message=message, do="look for the piece in an earlier backup; keep this one as it is")


# -- restoring -----------------------------------------------------------------------------------


def restore(settings: Settings, file: Path) -> Contents:
    """Put an archive into the empty data folder, or nothing of it. Raises Refused or InvalidInput."""
    folder = settings.data_dir.absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        problem = Problem(code="B120", message=f"{folder} is not empty", do="name another with FIREDOOR_DATA_DIR")
        raise Refused(problem)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".firedoor-restore-"))
        try:
            contents = _restored(settings, file, staging)
            _flush(staging)
            staging.rename(folder)  # over an empty folder or none: all at once
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except (OSError, sqlite3.Error) as error:
        problem = Problem(
            code="B121", message=f"nothing was restored: {error}", do="check the paths and the free space"
        )
        raise Unanswered(problem) from error
    return contents


def _restored(settings: Settings, file: Path, staging: Path) -> Contents:
    """Unpack and verify. Raises InvalidInput with every problem of the archive."""
    found, proof = _unpacked(file, staging)
    contents = _contents(found, proof)
    if contents.database == "sqlite" and settings.database_url:
        message = "the archive holds an SQLite database, and FIREDOOR_DATABASE_URL names another"
        raise Refused(Problem(code="B122", message=message, do="unset FIREDOOR_DATABASE_URL, then restore again"))
    if not contents.problems and contents.database == "sqlite":
        heads, contents.problems = _verified(staging / DATABASE)
        if heads != contents.heads:
            contents.problems.append(_broken("the journals do not stand where the manifest says"))
    altered = [name for name in found if name.startswith("vault/") and found[name]["sha256"] != Path(name).name]
    if contents.problems:
        raise InvalidInput(contents.problems)
    contents.problems = [
        _altered(name) for name in altered
    ]  # so it was backed up: told, and no reason to restore nothing
    return contents


def _unpacked(file: Path, staging: Path) -> tuple[dict[str, Stored], dict[str, bytes]]:
    """Write the files of the archive below `staging`; no name leads outside, and nothing but files is taken."""
    found: dict[str, Stored] = {}
    proof: dict[str, bytes] = {}
    try:
        with tarfile.open(file, mode="r:") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isreg() else None
                if content is None or not _ours(member.name):
                    raise InvalidInput(_broken(f"it holds {member.name[:100]!r}, which no backup writes"))
                if member.name in (MANIFEST, DIGEST):
                    proof[member.name] = content.read()
                else:
                    found[member.name] = _extract(content, staging / member.name)
    except FileNotFoundError:
        raise InvalidInput(Problem(code="B123", message=f"there is no {file}", do="check the path")) from None
    except (tarfile.TarError, EOFError) as error:
        raise InvalidInput(_broken(str(error))) from None
    return found, proof


def _ours(name: str) -> bool:
    path = PurePosixPath(name)
    known = (
        name in (MANIFEST, DIGEST, DATABASE) or path.parts[0] == "vault" or any(path.match(own) for own in OWN_FILES)
    )
    return known and not path.is_absolute() and ".." not in path.parts and len(path.parts) <= 3


def _extract(content: IO[bytes], path: Path) -> Stored:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    mode = 0o400 if path.name != DATABASE and "vault" in path.parts[-3:-1] else 0o600
    size, reader = 0, _Hashing(content)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as out:
        while chunk := reader.read(CHUNK):
            size += out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    return {"sha256": reader.digest.hexdigest(), "size": size}


def _contents(found: dict[str, Stored], proof: dict[str, bytes]) -> Contents:
    manifest = proof.get(MANIFEST, b"")
    digest = hashlib.sha256(manifest).hexdigest()
    if DIGEST in proof and proof[DIGEST] != digest.encode():
        raise InvalidInput(_broken("its manifest was altered"))
    try:
        said = json.loads(manifest)
        files, heads, database = said["files"], said["heads"], said["database"]
        known = said["form"] == FORM and DIGEST in proof
    except (ValueError, KeyError, TypeError):
        raise InvalidInput(_broken("its manifest is missing: the end was cut off, or it is no backup")) from None
    if not known:
        raise InvalidInput(_broken(f"its form is not {FORM}, or its end was cut off"))
    names = sorted(name for name in {*files, *found} if files.get(name) != found.get(name))
    wrong = [_broken(f"{name} is missing or not as the manifest says") for name in names]
    return Contents(found, heads, wrong, database, digest)


def _broken(what: str) -> Problem:
    return Problem(code="B124", message=f"the archive is not whole: {what}", do="take another backup; keep this one")


def _flush(folder: Path) -> None:
    for path in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
