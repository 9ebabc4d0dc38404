"""What went wrong, where, and what to do about it.

Decides the shape of every problem that Firedoor shows a person, and the four
families of error by whose fault they are. Leaves the rendering (terminal,
JSON, SARIF, HTTP) to the interfaces.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

FEW = 20  # known words are listed beside the nearest up to this many


class Place(BaseModel):
    """A spot in something that a person wrote. Lines and columns count from 1."""

    model_config = ConfigDict(frozen=True)

    file: str
    line: int = Field(ge=1)
    column: int = Field(ge=1)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Problem(BaseModel):
    """One problem: a stable code, what happened, what to do, and where."""

    model_config = ConfigDict(frozen=True)

    code: str
    message: str
    do: str = ""
    place: Place | None = None
    field: str | None = None
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        where = f"{self.place}  " if self.place else (f"{self.field}: " if self.field else "")
        advice = f"\n    {self.do}" if self.do else ""
        return f"{where}{self.message} [{self.code}]{advice}"


UNSAID = Problem(
    code="W151", message="something was refused, and why was not said: a fault of Firedoor", do="report what you did"
)


class FiredoorError(Exception):
    """Base of every error that is shown to a person; never a traceback."""

    exit_code = 1
    http_status = 500

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        given = (problems,) if isinstance(problems, Problem) else tuple(problems)
        self.problems: tuple[Problem, ...] = given or (UNSAID,)  # whoever catches it may rely on the first one
        super().__init__("\n".join(str(problem) for problem in self.problems))


class InvalidInput(FiredoorError):
    """What was given cannot be used. Carries all problems at once; nothing was started."""

    exit_code = 1
    http_status = 422


class NotFound(FiredoorError):
    """The thing that was named does not exist."""

    exit_code = 1
    http_status = 404


class Refused(FiredoorError):
    """Understood, and not allowed: no right, or the state forbids it."""

    exit_code = 3
    http_status = 409


class NotPermitted(Refused):
    """Understood, and the caller's role does not allow it."""

    http_status = 403


class Unanswered(FiredoorError):
    """Another system did not answer, or answered something that cannot be trusted."""

    exit_code = 4
    http_status = 502


class NotStored(Unanswered):
    """Our own store did not take it: nothing was stored and nothing was done. The sender may try again."""

    http_status = 503


class NotRead(Unanswered):
    """Our own store did not answer a question. Nothing was changed; whoever asked may ask again."""

    http_status = 503


class Later(Unanswered):
    """Another system asked us to come back: `seconds` from now, and not before."""

    def __init__(self, problems: Problem | Iterable[Problem], seconds: float) -> None:
        super().__init__(problems)
        self.seconds = seconds


class InDoubt(Unanswered):
    """A call that changes something broke off midway: it may have had its effect. Observe before repeating it."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return advice that names the nearest known word, and lists the known ones where they are few or none is near."""
    words = sorted(known)
    close = get_close_matches(word, words, n=1, cutoff=0.6)
    if close and len(words) > FEW:
        return f'did you mean "{close[0]}"?'
    listed = ", ".join(words[:40]) + (", ..." if len(words) > 40 else "")
    return (f'did you mean "{close[0]}"? ' if close else "") + f"known: {listed}"


def faulty(error: FiredoorError) -> str:
    """What is wrong with how doors are described, the same for every target; empty for another trouble.

    Such problems have codes of their own (K10x): no connector of that name, fields that are wrong or missing, a secret
    without a value, a client library that is not installed. Which field it is counts, and not of which target.
    """
    if any(not problem.code.startswith("K10") for problem in error.problems):
        return ""
    fields = ((problem.field or "").partition(".config.")[2] for problem in error.problems)
    said = zip(fields, error.problems, strict=True)
    return "; ".join(dict.fromkeys(f"{name}: {one.message}" if name else one.message for name, one in said))
