"""One bounded run of a program of the machine, for systems that are driven by a command and a signal.

Decides that no shell reads the command, that it inherits no secrets from our environment, and what it means when it
cannot be started or does not end. Leaves the meaning of its exit status to the connector.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass

from firedoor.core.problems import InDoubt, Problem, Unanswered

_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "SSH_AUTH_SOCK", "DOCKER_HOST")
_MAXIMUM = 2000  # characters of what it said that are kept


@dataclass(frozen=True)
class Ended:
    """How a program ended: its exit status (negative: the signal that killed it) and the end of what it said."""

    status: int
    said: str


async def run(command: Sequence[str], timeout_seconds: float, *, changes: bool) -> Ended:
    """Run it to its end. Raises Unanswered where it cannot start, InDoubt where it `changes` and does not end."""
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=environment,
        )
    except OSError as error:
        do = "see whether the program is there and may be run by this process"
        message = f"{command[0]} cannot be started: {error.strerror}"
        raise Unanswered(Problem(code="K212", message=message, do=do)) from None
    try:
        said, _ = await asyncio.wait_for(process.communicate(), timeout_seconds)
    except TimeoutError:
        raise _unended(command, timeout_seconds, changes=changes) from None
    finally:
        if process.returncode is None:
            process.kill()
    return Ended(process.returncode or 0, said.decode(errors="replace").strip()[-_MAXIMUM:])


def _unended(command: Sequence[str], timeout_seconds: float, *, changes: bool) -> Unanswered:
    message = f"{' '.join(command)} did not end within {timeout_seconds:g} s"
    if changes:
        do = "observe the door before anything is repeated: the command may have had its effect"
        return InDoubt(Problem(code="K202", message=message, do=do))
    return Unanswered(Problem(code="K201", message=message, do="run it by hand and see what it waits for"))
