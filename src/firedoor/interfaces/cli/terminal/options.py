"""The options that many commands share, and the written forms of their values.

Decides how `--format`, `KEY=VALUE` and files are given. Leaves what the values
mean to the API.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Literal

import typer

from firedoor.core.json_types import as_object

if TYPE_CHECKING:
    from firedoor.core.problems import FiredoorError

MAXIMUM_BYTES = 64 * 1024**2  # as much as the API takes for a piece of evidence


class Format(StrEnum):
    """How a command writes its answer."""

    TEXT = "text"
    JSON = "json"


def incident_name(given: str | None) -> str | None:
    """Refuse what cannot be the name of an incident, so that it never becomes part of an address."""
    if given is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}", given):
        raise told("NotFound", "S103", f"there is no incident {given[:64]}", "`firedoor incidents` lists them")
    return given


EntryOption = Annotated[int, typer.Option("--after", min=0, metavar="NUMBER", help="Continue after this number.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=1000, help="Maximum number to list.")]
AfterOption = Annotated[
    str,
    typer.Option("--after", metavar="PLACE", help="Continue after this place, named at the end of the previous page."),
]
FormatOption = Annotated[Format, typer.Option("--format", help="Output format: text for people, json for programs.")]
IncidentArgument = Annotated[
    str, typer.Argument(metavar="INCIDENT", help="Such as INC-2026-0001.", show_default=False, callback=incident_name)
]
OptionalIncident = Annotated[
    str | None,
    typer.Argument(
        metavar="[INCIDENT]",
        help="Such as INC-2026-0001; all incidents if omitted.",
        show_default=False,
        callback=incident_name,
    ),
]
WhyOption = Annotated[str, typer.Option("--why", help="Your reason; recorded with your name.", show_default=False)]
PracticeOption = Annotated[
    bool,
    typer.Option("--practice", help="Label it as practice and leave it out of metrics. Its actions are real."),
]
FactOption = Annotated[
    list[str] | None,
    typer.Option("--fact", metavar="NAME=VALUE", help="A fact, such as people_affected=1..500. Repeat it for more."),
]


def pairs(given: Iterable[str] | None, option: str) -> dict[str, str]:
    """Read `NAME=VALUE`, several times. Raises InvalidInput naming each that is not so written."""
    values, wrong = {}, []
    for item in given or ():
        name, equals, value = item.partition("=")
        if equals and name.strip():
            values[name.strip()] = value
        else:
            wrong.append(item)
    if wrong:
        _invalid(
            "U101",
            f"{option} {wrong[0]}: there is no name before the ="
            if "=" in wrong[0]
            else f"{option} {wrong[0]}: there is no =",
            f"write {option} name=value",
        )
    return values


def facts_from(path: Path | None) -> dict[str, object]:
    """Read a file of facts, YAML or JSON: one mapping. Raises InvalidInput with the place."""
    if path is None:
        return {}
    from firedoor.core.language.yaml_source import read_yaml

    data = read_yaml(content(path), str(path)).data
    if not isinstance(data, dict):
        _invalid(
            "U102", f"{path} holds no mapping of facts", "write one fact a line, such as `people_affected: 1..500`"
        )
    return {str(name): value for name, value in as_object(data).items()}


def content(path: Path) -> bytes:
    """Read a file that was named on the command line; `-` is standard input. Raises NotFound in words."""
    if str(path) == "-":
        import sys

        return _bounded(sys.stdin.buffer, path)
    try:
        with path.open("rb") as file:
            return _bounded(file, path)
    except OSError as error:
        raise told("NotFound", "U103", f"{path} cannot be read: {error.strerror}", "check the path") from None


def _bounded(file: IO[bytes], path: Path) -> bytes:
    found = file.read(MAXIMUM_BYTES + 1)
    if len(found) > MAXIMUM_BYTES:
        _invalid("U109", f"{path} is larger than {MAXIMUM_BYTES // 1024**2} MiB", "give a smaller file")
    return found


def told(family: Literal["InvalidInput", "NotFound", "Refused"], code: str, message: str, do: str) -> FiredoorError:
    """Make the error of a family; whoever only asks for help does not pay for importing it."""
    from firedoor.core import problems

    families = {one.__name__: one for one in (problems.InvalidInput, problems.NotFound, problems.Refused)}
    return families[family](problems.Problem(code=code, message=message, do=do))


def _invalid(code: str, message: str, do: str) -> None:
    raise told("InvalidInput", code, message, do)
