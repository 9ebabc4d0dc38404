"""Several hashing processes at once: each file goes to one of them, piece by piece, and comes back as hashes.

Decides the bounds (bytes, pixels, memory, seconds), that a process which breaks one is ended and replaced while the
others go on, and that at most a few files are under way. Bytes pass through the memory of this process and are written
nowhere. Leaves where files are to `sources`, and what a process may do to `isolation`.
"""

from __future__ import annotations

import json
import os
import selectors
import struct
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Self

from firedoor.core.hashing.lookup import Hashed
from firedoor.core.json_types import JsonObject, object_at, text_at
from firedoor.core.problems import InvalidInput, Problem
from firedoor.runtime.hashing.isolation import Held
from firedoor.runtime.hashing.sources import Item

PIECE = 256 * 1024  # bytes handed over at once
PROGRAM = "firedoor.runtime.hashing.worker"
TIME, ENDED, UNREAD = "time", "ended", "not_read"
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # nothing of ours, and a thread each
START = 120.0  # seconds for a process to load what it needs, on a busy machine
EXTRA = "pip install 'firedoor[hashing]'"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost. Beyond `picture` bytes a file has a SHA-256 and no PDQ hash."""

    picture: int = 64 * 1024 * 1024  # bytes
    pixels: int = 50_000_000
    memory: int = 2 * 1024 * 1024 * 1024  # bytes beyond what the process has when it begins
    seconds: float = 30.0  # without any progress


class _TooSlow(Exception):
    """A process did not take or answer anything in time."""


class Worker:
    """One hashing process. Not for two threads at once."""

    def __init__(self, limits: Limits, root: str) -> None:
        self._limits = limits
        arguments = [root, *(str(number) for number in (limits.memory, limits.picture, limits.pixels))]
        self._process = subprocess.Popen(  # noqa: S603 - our own module, in this interpreter
            [sys.executable, "-I", "-B", "-m", PROGRAM, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=ENVIRONMENT, cwd="/",
            start_new_session=True,
        )  # fmt: skip
        assert self._process.stdin is not None  # noqa: S101 - for the type checker
        assert self._process.stdout is not None  # noqa: S101
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._to, False)
        os.set_blocking(self._from, False)
        self.held = self._hello()

    def hash(self, item: Item) -> Hashed:
        """Hash one file. Raises _TooSlow or BrokenPipeError when the process has to be replaced."""
        with item.open() as content:
            while piece := content.read(PIECE):
                self._send(struct.pack(">I", len(piece)) + piece)
        self._send(struct.pack(">I", 0))
        said = self._line(self._limits.seconds)
        quality, size = said.get("quality"), said.get("bytes")
        return Hashed(
            item.locator, text_at(said, "sha256"), size if isinstance(size, int) else 0, text_at(said, "pdq"),
            quality if isinstance(quality, int) else None,
            {name: str(value) for name, value in object_at(said, "dihedral").items()}, text_at(said, "why"),
        )  # fmt: skip

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _hello(self) -> Held:
        try:
            said = self._line(START)
        except (_TooSlow, BrokenPipeError):
            self.end()
            raise InvalidInput(
                Problem(code="X210", message="no process that hashes could be started", do=EXTRA)
            ) from None
        return Held(text_at(said, "network"), text_at(said, "files"))

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            _ready(self._to, selectors.EVENT_WRITE, self._limits.seconds)
            view = view[os.write(self._to, view) :]

    def _line(self, seconds: float) -> JsonObject:
        found = b""
        while not found.endswith(b"\n"):
            _ready(self._from, selectors.EVENT_READ, seconds)
            piece = os.read(self._from, PIECE)
            if not piece:
                raise BrokenPipeError
            found += piece
        said: JsonObject = json.loads(found)
        return said


class Pool:
    """So many hashing processes. Used as a context; `held` says what they were kept from."""

    def __init__(self, workers: int, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._root = tempfile.TemporaryDirectory(prefix="firedoor-empty-")
        self._free: SimpleQueue[Worker] = SimpleQueue()
        self._threads = ThreadPoolExecutor(workers)
        self._count = workers
        self._every: list[Worker] = []
        try:
            self._every = [Worker(self.limits, self._root.name) for _ in range(workers)]
        except InvalidInput:
            self.close()
            raise
        for one in self._every:
            self._free.put(one)
        self.held = self._every[0].held

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all processes."""
        self._threads.shutdown(cancel_futures=True)
        for one in self._every:
            one.end()
        self._root.cleanup()

    def hashed(self, items: Iterable[Item]) -> Iterator[Hashed]:
        """Hash files, in their order; a few are under way at once."""
        waiting: deque[Future[Hashed]] = deque()
        for item in items:
            waiting.append(self._threads.submit(self._one, item))
            if len(waiting) > 2 * self._count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def _one(self, item: Item) -> Hashed:
        worker = self._free.get()
        try:
            return worker.hash(item)
        except (_TooSlow, BrokenPipeError) as error:
            worker = self._replaced(worker)
            return Hashed(item.locator, why=TIME if isinstance(error, _TooSlow) else ENDED)
        except Exception:  # noqa: BLE001 - whatever a disk or a bucket raises; its words may quote what it read
            worker = self._replaced(worker)  # it waits in the middle of a file
            return Hashed(item.locator, why=UNREAD)
        finally:
            self._free.put(worker)

    def _replaced(self, worker: Worker) -> Worker:
        worker.end()
        fresh = Worker(self.limits, self._root.name)
        self._every[self._every.index(worker)] = fresh
        return fresh


def _ready(descriptor: int, event: int, seconds: float) -> None:
    with selectors.DefaultSelector() as waiting:
        waiting.register(descriptor, event)
        if not waiting.select(seconds):
            raise _TooSlow
