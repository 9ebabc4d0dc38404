"""A process of its own that reads what somebody else has written: no network, no other programs, bounded in time.

Decides how such a process is started, told one request (JSON), heard (JSON lines: progress, then an answer) and ended
when it makes no progress; and what it gives up before it reads. Leaves what it reads to the program that is named.
"""

from __future__ import annotations

import json
import os
import re
import resource
import selectors
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import IO, BinaryIO

from firedoor.core.json_types import Json, JsonObject, as_object, as_objects, object_at
from firedoor.core.problems import InvalidInput, Problem
from firedoor.runtime.hashing.isolation import leave_the_network

QUIET = 600.0  # seconds without a word of progress
LARGEST_ANSWER = 256 * 1024 * 1024  # bytes
KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR")  # nothing of ours, no address and no secret
REFUSED = ("subprocess.", "os.exec", "os.posix_spawn", "os.fork", "os.system", "os.spawn", "socket.connect",
           "socket.bind", "socket.getaddrinfo", "pty.", "ftplib.", "smtplib.", "urllib.")  # fmt: skip
Progress = Callable[[JsonObject], None]


def ask(program: str, request: JsonObject, heard: Progress | None = None, quiet: float = QUIET) -> JsonObject:
    """Start a program of ours, hand it a request, and return its answer. Raises InvalidInput for what it refuses."""
    process = subprocess.Popen(  # noqa: S603 - our own module, in this interpreter
        [sys.executable, "-I", "-B", "-m", program],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/", start_new_session=True,
        env={name: os.environ[name] for name in KEPT if name in os.environ},
    )  # fmt: skip
    try:
        assert process.stdin is not None  # noqa: S101 - for the type checker
        assert process.stdout is not None  # noqa: S101
        with process.stdin as told:
            told.write(json.dumps(request).encode())
        return _answer(process.stdout, heard, quiet)
    except BrokenPipeError:
        raise _ended("it ended before it began") from None
    finally:
        process.kill()  # also when somebody stops the examination
        process.wait()
        if process.stdout:
            process.stdout.close()


def _answer(said: IO[bytes], heard: Progress | None, quiet: float) -> JsonObject:
    for line in _lines(said, quiet):
        word = as_object(json.loads(line))
        if "answer" in word:
            return object_at(word, "answer")
        if "problems" in word:
            raise InvalidInput(Problem.model_validate(one) for one in as_objects(word["problems"]))
        if heard:
            heard(word)
    raise _ended("it ended without an answer, perhaps for want of memory")


def _lines(said: IO[bytes], quiet: float) -> Iterator[bytes]:
    found = bytearray()
    with selectors.DefaultSelector() as waiting:
        waiting.register(said, selectors.EVENT_READ)
        while True:
            if not waiting.select(quiet):
                raise _ended(f"it made no progress within {quiet:.0f} seconds")
            piece = os.read(said.fileno(), 1 << 20)
            if not piece:
                return
            found += piece
            if len(found) > LARGEST_ANSWER:
                raise _ended("its answer is too large")
            while (end := found.find(b"\n")) >= 0:
                yield bytes(found[:end])
                del found[: end + 1]


def _ended(why: str) -> InvalidInput:
    do = "look at the sizes of what was given, or give it fewer files"
    return InvalidInput(Problem(code="X310", message=f"the process that reads was ended: {why}", do=do))


class Said:
    """What the process itself says: progress, then one answer or problems."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def __call__(self, **word: Json) -> None:
        """Say one line."""
        self._out.write(json.dumps(word, default=str).encode() + b"\n")
        self._out.flush()


def serve(work: Callable[[JsonObject, Said], Mapping[str, Json]], *, largest_file: int) -> None:
    """In the process: give up the network and other programs, read the request, answer. `largest_file`: bytes."""
    alone = leave_the_network()  # while there is one thread
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    request = as_object(json.loads(sys.stdin.buffer.read()))
    sys.addaudithook(_refuse)
    said = Said(sys.stdout.buffer)
    try:
        answer = work(request, said)
    except InvalidInput as error:
        said(
            problems=[
                problem.model_dump(mode="json", exclude_none=True, exclude={"place"}) for problem in error.problems
            ]
        )
        return
    said(answer={**answer, "isolation": "namespace" if alone else "hook"})


def problem_text(said: object, *secrets: str) -> str:
    """The first line of what a library says, without secrets and what it quotes: that may be somebody's data."""
    words = str(said).splitlines()[0] if str(said) else type(said).__name__
    for secret in secrets:
        words = words.replace(secret, "...") if secret else words
    return re.sub(r""""[^"]*"|'[^']*'""", "(...)", words)[:300]


def _refuse(event: str, _: tuple[object, ...]) -> None:
    if event.startswith(REFUSED):
        raise PermissionError("a process that reads evidence does nothing else")
