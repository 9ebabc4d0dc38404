"""One change at several instances of a system, each of which has to be told by itself.

Decides what a change means as a whole when it worked at some instances only: half a success is no success, and every
instance is tried, because one that is closed is better than none. Leaves the call at one instance to the connector.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from firedoor.core.problems import FiredoorError, InDoubt, InvalidInput, Problem, Refused, Unanswered

Result = TypeVar("Result")


async def everywhere(instances: Iterable[str], change: Callable[[str], Awaitable[Result]]) -> dict[str, Result]:
    """Do it at all instances at once and return what each said.

    Raises Unanswered or Refused when it certainly worked at none of them, and otherwise, where not all agree, InDoubt
    that names who did it and who did not.
    """
    names = list(instances)
    answers = await asyncio.gather(*(_tried(change, name) for name in names))
    failed = {name: told for name, told in zip(names, answers, strict=True) if isinstance(told, FiredoorError)}
    done = {name: told for name, told in zip(names, answers, strict=True) if not isinstance(told, FiredoorError)}
    if not failed:
        return done
    problems = [problem for error in failed.values() for problem in error.problems]
    certain = not any(isinstance(error, InDoubt) for error in failed.values())
    if done:
        raise InDoubt([_half(list(done), failed), *problems])
    if not certain:
        raise InDoubt(problems)
    if all(isinstance(error, InvalidInput) for error in failed.values()):
        raise InvalidInput(problems)
    raise (Refused if all(isinstance(error, Refused) for error in failed.values()) else Unanswered)(problems)


async def all_answer(instances: Iterable[str], look: Callable[[str], Awaitable[Result]]) -> dict[str, Result]:
    """Look at all instances at once. Raises Unanswered when one of them does not answer: a part is no whole."""
    names = list(instances)
    answers = await asyncio.gather(*(_tried(look, name) for name in names))
    errors = [told for told in answers if isinstance(told, FiredoorError)]
    if errors:
        kind = InvalidInput if all(isinstance(error, InvalidInput) for error in errors) else Unanswered
        raise kind(problem for error in errors for problem in error.problems)
    return {name: told for name, told in zip(names, answers, strict=True) if not isinstance(told, FiredoorError)}


def beyond_this_machine(host: str) -> bool:
    """Whether an address may be reached by others than processes of this machine. A name other than localhost may."""
    try:
        return not ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host != "localhost"


async def _tried(change: Callable[[str], Awaitable[Result]], name: str) -> Result | FiredoorError:
    try:
        return await change(name)
    except FiredoorError as error:
        return error


def _half(done: list[str], failed: dict[str, FiredoorError]) -> Problem:
    message = f"half done: at {', '.join(done)}, and not surely at {', '.join(failed)}"
    do = "repair or take out of the inventory what does not answer, and do it again: what is done is left as it is"
    return Problem(code="K211", message=message, do=do)
