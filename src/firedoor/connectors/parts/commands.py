"""One bounded run of another program: for systems that are driven by commands and have no API worth the name.

Decides what may be run (a program with a list of arguments, never a shell), with what (a small environment, nothing on
standard input), for how long and how much it may say, and what its failure means. A look that fails is Unanswered. A
change that broke off midway (out of time, too much to read) is InDoubt. Leaves exit codes and words to the connector.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from firedoor.core.problems import FiredoorError, InDoubt, InvalidInput, Problem, Unanswered

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MAXIMUM_OUTPUT = 16 * 1024 * 1024  # bytes; a busy cluster lists thousands of jobs
MAXIMUM_ARGUMENTS = 64
MAXIMUM_ARGUMENT = 32 * 1024  # characters of one of them
_EXCERPT = 200
_FAREWELL = 2.0  # seconds in which the pipes of a killed program end


@dataclass(frozen=True)
class Command:
    """What to run: the name of a program, or its whole path, its arguments and what it needs in its environment."""

    program: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    folder: str | None = None
    timeout_seconds: float = 10.0

    def __str__(self) -> str:
        return f"{Path(self.program).name} {' '.join(self.arguments)}"[:_EXCERPT]


@dataclass(frozen=True)
class Output:
    """What a program left: its exit code, what it wrote, and its complaint as one printable line."""

    code: int
    content: bytes
    complaint: str


async def run(command: Command, *, changes: bool) -> Output:
    """Run it and wait; any exit code is an answer.

    Raises Unanswered (certainly no effect), InDoubt (perhaps one) or InvalidInput (too much was asked at once).
    """
    program = _found(command)
    _bounded(command)
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *command.arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={"PATH": PATH, "LC_ALL": "C.UTF-8", "TZ": "UTC", **command.environment},
            cwd="/",
            start_new_session=True,  # so that what it starts ends with it
        )
    except OSError as error:
        message = f"{command} could not be started: {error.strerror}"
        raise Unanswered(Problem(code="K201", message=message, do="nothing was changed; repair the program")) from None
    readers = [asyncio.create_task(_read(stream)) for stream in (process.stdout, process.stderr)]
    try:
        async with asyncio.timeout(command.timeout_seconds):
            content, complaint = await asyncio.gather(*readers)
            code = await process.wait()
    except BaseException as error:  # a cancelled run leaves nothing running either
        await _end(process, readers)
        if isinstance(error, TimeoutError | _TooMuch):
            raise _broken(command, error, changes=changes) from None
        raise
    return Output(code, content, _line(complaint))


def _found(command: Command) -> str:
    program = shutil.which(command.program, path=command.folder or PATH)
    if program is None:
        where = command.folder or "the usual folders"
        do = "install it where Firedoor runs, or name its folder in the door; nothing was changed"
        raise Unanswered(Problem(code="K201", message=f"{command.program} is not in {where}", do=do))
    return program


def _bounded(command: Command) -> None:
    long = [argument for argument in command.arguments if len(argument) > MAXIMUM_ARGUMENT or "\0" in argument]
    if long or len(command.arguments) > MAXIMUM_ARGUMENTS:
        message = f"{command} has more or longer arguments than are sent at once"
        raise InvalidInput(Problem(code="K102", message=message, do="choose fewer things in one door"))


class _TooMuch(Exception):
    """A program that does not stop talking."""

    def __str__(self) -> str:
        return f"it wrote more than {MAXIMUM_OUTPUT} bytes"


async def _read(stream: asyncio.StreamReader | None) -> bytes:
    assert stream is not None  # noqa: S101 - both are pipes
    chunks, size = [], 0
    while chunk := await stream.read(65536):
        size += len(chunk)
        if size > MAXIMUM_OUTPUT:
            raise _TooMuch
        chunks.append(chunk)
    return b"".join(chunks)


async def _end(process: asyncio.subprocess.Process, readers: list[asyncio.Task[bytes]]) -> None:
    """Kill it with all that it has started, and read its pipes to their end, for which asyncio waits as well."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    with suppress(TimeoutError):  # somebody who left the group may hold a pipe open for ever
        async with asyncio.timeout(_FAREWELL):
            await asyncio.gather(_drain(process.stdout), _drain(process.stderr))
            await process.wait()


async def _drain(stream: asyncio.StreamReader | None) -> None:
    assert stream is not None  # noqa: S101 - both are pipes
    while await stream.read(65536):
        pass


def _broken(command: Command, error: Exception, *, changes: bool) -> FiredoorError:
    what = str(error) or f"no answer within {command.timeout_seconds:g} s"
    if changes:
        do = "observe the door before anything is repeated: the command may have had its effect"
        return InDoubt(Problem(code="K202", message=f"{command} broke off: {what}", do=do))
    do = "see whether the system is up and reachable from here; nothing was changed by this command"
    return Unanswered(Problem(code="K201", message=f"{command} was not answered: {what}", do=do))


def _line(said: bytes) -> str:
    text = " ".join(said[: 64 * 1024].decode("utf-8", "replace").split())
    return "".join(character if character.isprintable() else " " for character in text)[:_EXCERPT]
