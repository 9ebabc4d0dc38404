"""Where stored content is: files and folders, buckets of S3, and manifests that name either.

Decides which files there are, by which locator each is named, how one tells that it has changed, and how its bytes are
opened. Symbolic links are not followed, and nothing but a regular file is opened. Leaves hashing to `pool`. boto3 comes
with the extra `aws` and is imported late.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast
from urllib.parse import urlsplit

from firedoor.core.content.locators import locator_fault
from firedoor.core.json_types import as_object, text_at
from firedoor.core.language.json_payload import read_json
from firedoor.core.problems import InvalidInput, Problem

MANIFEST = ".jsonl"
LONGEST_LINE = 64 * 1024  # bytes of a line of a manifest
MOST_PROBLEMS = 20
S3 = "s3"


@dataclass(frozen=True, slots=True)
class Item:
    """Stored content: its locator, what changes when it changes, and how its bytes are opened."""

    locator: str
    mark: str
    open: Callable[[], BinaryIO]


def items(paths: Iterable[str]) -> Iterator[Item]:
    """Everything below some paths, in order. Raises InvalidInput for a path that is not there or a wrong manifest."""
    every = list(paths)
    for path in every:
        if urlsplit(path).scheme != S3 and not Path(path).exists():  # before anything is hashed
            raise _refused(path[:200], "it is not there", "name a file, a folder, a manifest or s3://BUCKET/PREFIX")
    for path in every:
        if urlsplit(path).scheme == S3:
            yield from _bucket(path)
        elif path.endswith(MANIFEST):
            yield from _manifest(Path(path))
        else:
            yield from _disk(Path(path))


def _disk(path: Path) -> Iterator[Item]:
    """A file, or every regular file below a folder."""
    try:
        about = path.stat()
    except (OSError, ValueError):
        raise _refused(str(path), "it is not there, or cannot be read", "name a file or a folder") from None
    if stat.S_ISREG(about.st_mode):
        yield Item(str(path), _mark(about), partial(_opened, path))
        return
    for folder, folders, files in os.walk(path):
        folders.sort()
        for name in sorted(files):
            file = Path(folder, name)
            try:
                found = file.lstat()
            except OSError:
                continue  # it has gone meanwhile
            if stat.S_ISREG(found.st_mode):
                yield Item(str(file), _mark(found), partial(_opened, file))


def _mark(about: os.stat_result) -> str:
    return f"{about.st_size}-{about.st_mtime_ns}-{about.st_ino}"


def _opened(path: Path) -> BinaryIO:
    """A regular file, whatever has taken its place meanwhile: no link is followed, no pipe waited for."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError("no regular file")
    return os.fdopen(descriptor, "rb")


def _manifest(path: Path) -> Iterator[Item]:
    """What a file of JSON lines names: `{"locator": ...}` with a path, from the file's folder, or an address of S3."""
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(iter(lambda: lines.readline(LONGEST_LINE + 1), b""), 1):
                if line.strip():
                    yield from _named(path, number, line)
    except OSError:
        raise _refused(str(path), "it is not there, or cannot be read", "name a file of JSON lines") from None


def _named(manifest: Path, number: int, line: bytes) -> Iterator[Item]:
    try:
        row = as_object(read_json(line, maximum_bytes=LONGEST_LINE, maximum_depth=8))
    except InvalidInput:
        raise _refused(f"{manifest}, line {number}", "it is no JSON", 'write {"locator": "..."}') from None
    locator = text_at(row, "locator")
    if fault := locator_fault(locator):
        raise _refused(f"{manifest}, line {number}", fault, 'write {"locator": "..."}')
    if urlsplit(locator).scheme == S3:
        yield _object(_client(), *_parts(locator), mark="")
        return
    file = manifest.parent / locator
    if not file.is_file():
        yield Item(locator, "", partial(_opened, file))  # it is told as not read, beside the others
        return
    for item in _disk(file):
        yield Item(locator, item.mark, item.open)


def _bucket(address: str) -> Iterator[Item]:
    """Every object whose key begins as the address says."""
    client = _client()
    bucket, prefix = _parts(address)
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for one in page.get("Contents", ()):
            mark = f"{one['Size']}-{one['ETag']}-{one['LastModified'].isoformat()}"
            yield _object(client, bucket, one["Key"], mark)


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Body(io.RawIOBase):
    """The bytes of an object as they come; nothing of them is kept on disk."""

    def __init__(self, body: _Readable) -> None:
        self._body = body

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""
        return self._body.read(size)


def _object(client: Any, bucket: str, key: str, mark: str) -> Item:  # noqa: ANN401 - boto3 has no types
    def opened() -> BinaryIO:
        return cast("BinaryIO", _Body(client.get_object(Bucket=bucket, Key=key)["Body"]))

    return Item(f"{S3}://{bucket}/{key}", mark, opened)


@cache
def _client() -> Any:  # noqa: ANN401
    """The client of S3 with the credentials of the surroundings: one for all threads, as boto3 allows."""
    try:
        import boto3
    except ImportError:
        raise _refused("s3", "boto3 is not installed", "pip install 'firedoor[aws]'") from None
    return boto3.client(S3)


def _parts(address: str) -> tuple[str, str]:
    found = urlsplit(address, allow_fragments=False)
    if not found.netloc:
        raise _refused(address[:200], "it names no bucket", "write s3://BUCKET/PREFIX")
    query = f"?{found.query}" if found.query else ""  # a key may hold a question mark
    return found.netloc, found.path.removeprefix("/") + query


def _refused(where: str, message: str, do: str) -> InvalidInput:
    return InvalidInput(Problem(code="X211", field=where, message=message, do=do))
