"""Versions of a notice: drafted from facts, edited, approved, sent, received; each of them evidence in the journal.

Decides which text counts now (what was approved after the last edit, else the last edit, else today's draft), who may
edit and who may approve, that nothing is approved while a place in it is still to be filled, and which version is
frozen when somebody says that it was sent. Leaves texts to the vault and filling templates to `drafts`.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Sequence

from firedoor.core.entries.custody import PieceKept
from firedoor.core.incident.clock_record import ClockRecord
from firedoor.core.incident.view import SETTLED_CLOCKS, IncidentView, TaskView
from firedoor.core.journal import Body, Draft, Kind
from firedoor.core.notices.drafts import PEOPLE
from firedoor.core.notices.languages import LANGUAGES
from firedoor.core.notices.markdown import marks
from firedoor.core.notices.standing import PRESS, offered, record_of, standing, there
from firedoor.core.playbook.plan import Keep, Plan
from firedoor.core.problems import InvalidInput, NotFound, NotPermitted, Problem, Refused, nearest
from firedoor.core.tasks.answers import Person, need_why
from firedoor.core.translations import DEFAULT

EDITED, APPROVED, SENT, RECEIPT = "notice-edited", "notice-approved", "notice-sent", "notice-receipt"
KINDS = frozenset((EDITED, APPROVED, SENT, RECEIPT))
PRESS_NOTICE = record_of(PRESS) or ClockRecord(PRESS)
EDITORS = frozenset(("commander", "dpo", "legal", "communications", "victim_support"))
MAXIMUM_TEXT = 200_000  # characters
WITHOUT_BYTES = ("content", "what", "refused")  # what a piece says of bytes that were not kept
MAXIMUM_DIFF = 20_000  # characters of it in the journal; the texts themselves are in the vault
NOT_KEPT = "none"
FILE = "file"  # the version that stands for a file which somebody handed in as what was really sent
WORDS = {EDITED: "edited", APPROVED: "approved", SENT: "sent"}
VERSIONS = ("approved", "edited", "draft")
APPROVE_FIRST = (
    "approve the text on the page of the notice, then name it as approved; or hand in the file that really went there; "
    f"or say {NOT_KEPT}: no copy is kept, which stands in the report as a weakness"
)


def clock_of(view: IncidentView, name: str) -> ClockRecord:
    """The clock that a notice is about; a stand-in for one of no clock. Raises NotFound."""
    if name in view.clocks:
        return view.clocks[name]
    beside = record_of(name)
    if beside is None or not there(view, name):
        known = (*view.clocks, *offered(view, {}))
        raise NotFound(_problem("C101", f'{view.id} has no notice "{name[:80]}"', nearest(name, known)))
    return beside


def family_of(plan: Plan, clock: ClockRecord) -> str:
    """What the playbook says about the template for a clock: an audience, or the name of a notice."""
    if (beside := standing(clock.id)) is not None:
        return beside.template
    audience = "people" if clock.addressee in PEOPLE else "authorities"
    wanted = (op for op in plan.operations if isinstance(op, Keep) and op.source == "draft")
    found = next((op for op in wanted if op.each == f"clocks:{audience}"), None)
    return (found.template if found else None) or audience


def language_in(given: str) -> str:
    """A language of ours. Raises InvalidInput."""
    if given not in LANGUAGES:
        raise InvalidInput(_problem("G103", f'"{given[:20]}" is no language of ours', f"one of {', '.join(LANGUAGES)}"))
    return given


def versions(view: IncidentView, clock: str, language: str) -> list[PieceKept]:
    """Every edit, approval, copy as sent and receipt of a notice in one language, oldest first."""
    return [
        piece for piece in view.evidence
        if piece.get("kind") in KINDS and piece.get("clock") == clock and piece.get("language", DEFAULT) == language
    ]  # fmt: skip


def counts(found: Sequence[PieceKept]) -> PieceKept | None:
    """The version that counts now: the last one that was edited or approved; None while there is only the draft."""
    return next((piece for piece in reversed(found) if piece["kind"] in (EDITED, APPROVED)), None)


def worded_in(view: IncidentView, clock: str) -> str:
    """The language in which somebody worded or approved a notice last; "" while nobody has."""
    pieces = (piece for piece in reversed(view.evidence) if piece.get("kind") in (EDITED, APPROVED))
    return next((str(piece.get("language", DEFAULT)) for piece in pieces if piece.get("clock") == clock), "")


def digest(text: str) -> str:
    """The SHA-256 by which a version is known, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def clean(text: str) -> str:
    """The notice as it leaves the house: without the notes to ourselves, which stand as quotes."""
    lines = [line for line in text.splitlines() if not line.startswith(">")]
    kept = "\n".join(lines).strip("\n")
    while "\n\n\n" in kept:
        kept = kept.replace("\n\n\n", "\n\n")
    return f"{kept}\n"


def difference(before: str, after: str) -> str:
    """What an edit changed, as a unified diff."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "before", "after", lineterm="", n=2)
    return "\n".join(lines)[:MAXIMUM_DIFF]


def may_edit(view: IncidentView, clock: str, person: Person) -> None:
    """Raises NotPermitted for somebody who neither writes letters nor settles this clock."""
    task = settling(view, clock)
    allowed = EDITORS | (task.roles if task else set())
    if not person.roles & allowed:
        raise NotPermitted(_problem("G104", f"a notice is edited by {_or(allowed)}", f"{person.name} is none of them"))


def may_approve(view: IncidentView, clock: str, person: Person) -> str:
    """Return the role in which somebody approves. Raises Refused or NotPermitted."""
    task, beside = settling(view, clock), standing(clock)
    if beside is None and task is None:
        state = view.clocks[clock].state
        do = "see what was sent" if state in SETTLED_CLOCKS else "wait until its task is open, then try again"
        raise Refused(_problem("C103", f"nobody is asked about {clock} now: it is {state}", do))
    allowed = task.roles if task else beside.approvers if beside else frozenset()
    if not person.roles & allowed:
        raise NotPermitted(
            _problem("G105", f"this notice is approved by {_or(allowed)}", f"{person.name} is none of them")
        )
    return min(person.roles & allowed)


def settling(view: IncidentView, clock: str) -> TaskView | None:
    """The open task that settles a clock; None where nobody is asked now."""
    return next((task for task in view.open_tasks() if task.clock == clock and task.kind == "submit"), None)


def edited(  # noqa: PLR0913, PLR0917 - what an edit is
    view: IncidentView, about: tuple[str, str], before: str, after: str, rendered: str, why: str, person: Person,
    at: str, took: Body | None = None,
) -> Draft:  # fmt: skip
    """The entry that an edit becomes; `took` is what of the new facts it takes over. Raises as `may_edit`, and more."""
    clock, language = about
    may_edit(view, clock, person)
    need_why(why)
    if not after.strip() or len(after) > MAXIMUM_TEXT:
        raise InvalidInput(_problem("G106", "the text is empty or too long", f"at most {MAXIMUM_TEXT} characters"))
    if after == before:
        raise Refused(_problem("G107", "the text is as it was", "nothing was changed"))
    more = {
        "base": digest(before),
        "rendered": digest(rendered),
        "diff": difference(before, after),
        "missing": marks(after),
        **(took or {}),
    }
    return _version(EDITED, f"edited notice for {clock} ({language})", about, after, why, person, at, more)


def approved(
    view: IncidentView, about: tuple[str, str], text: str, rendered: str, why: str, person: Person, at: str
) -> Draft:
    """The entry that an approval becomes; its text is the notice without our notes. Raises as `edited` does."""
    clock, language = about
    role = may_approve(view, clock, person)
    need_why(why)
    left = marks(text)
    if left:
        shown = "; ".join(left[:5]) + (f"; and {len(left) - 5} more" if len(left) > 5 else "")
        do = "set the facts, or edit the text: say in your own words what is not known yet"
        raise Refused(_problem("G108", f"{len(left)} places are still to be filled: {shown}", do))
    more = {"role": role, "of": digest(text), "rendered": digest(rendered), "missing": []}
    return _version(APPROVED, f"approved notice for {clock} ({language})", about, clean(text), why, person, at, more)


def sent(about: tuple[str, str], text: str, version: str, number: int, person: Person, at: str) -> Draft:
    """The entry that freezes what was sent. `version` is the word for it, by which the person named it."""
    clock, language = about
    says = as_sent(version, number)
    more = {"version": version, "number": number, "stated": True, "says": says}
    return _version(SENT, f"as sent for {clock} ({language})", about, text, says, person, at, more)


def as_sent(version: str, number: int = 0) -> str:
    """How the record says which text was sent, and how that is known."""
    return "the file handed in" if version == FILE else f"{version} version {number}, by their word"


def handed_in(
    view: IncidentView, about: tuple[str, str], sha256: str, why: str, person: Person, *, glass: bool = False
) -> Draft:
    """The entry that makes a kept piece the copy of what was really sent. Raises NotFound, NotPermitted or Refused."""
    if standing(about[0]) is None and not glass:
        may_edit(view, about[0], person)
    more = {"version": FILE, "stated": True, "says": as_sent(FILE)}
    return _given(view, about, sha256, why or as_sent(FILE), person, SENT, more)


def handed_in_before(found: Sequence[PieceKept]) -> PieceKept | None:
    """The file that was handed in as what was sent, the last one; None where there is none."""
    return next((one for one in reversed(found) if one["kind"] == SENT and one.get("version") == FILE), None)


def receipt(view: IncidentView, about: tuple[str, str], sha256: str, why: str, person: Person) -> Draft:
    """The entry that makes a kept piece the receipt of a notice. Raises NotFound."""
    return _given(view, about, sha256, why, person, RECEIPT, {})


def chosen(found: Sequence[PieceKept], wanted: str) -> PieceKept | None:
    """The piece that was named as sent, by its word or its digest; None is the draft of now. Raises InvalidInput."""
    last: dict[str, PieceKept] = {WORDS[piece["kind"]]: piece for piece in found if piece["kind"] in (EDITED, APPROVED)}
    if wanted == "draft" or wanted in last:
        return last.get(wanted)
    fitting = [one for one in found if one["kind"] in (EDITED, APPROVED) and one["sha256"].startswith(wanted)]
    if len(wanted) >= 8 and fitting:
        return fitting[-1]
    if wanted == "approved":
        raise Refused(_problem("G115", "no version of this notice is approved", APPROVE_FIRST))
    do = f"one of {', '.join((*VERSIONS, FILE, NOT_KEPT))}, or the first 8 characters of its SHA-256"
    raise InvalidInput(_problem("G109", f'there is no version "{wanted[:70]}" of this notice', do))


def need_approved(piece: PieceKept | None, text: str, *, glass: bool = False) -> str:
    """The word for a version that may stand as sent. Raises Refused for a text that nobody approved.

    Whoever breaks the glass finds nobody who could approve: a worded text without open places stands for them too.
    """
    word = WORDS[piece["kind"]] if piece else "draft"
    left = marks(text)
    if word == "approved" or (glass and word == "edited" and not left):
        return word
    lacks = f", and {len(left)} places in it are still to be filled" if left else ""
    raise Refused(_problem("G115", f"this text is a version that nobody approved{lacks}", APPROVE_FIRST))


def given_again(view: IncidentView, draft: Draft) -> bool:
    """Whether the last piece of this kind in this notice says the same already; of an approval, the last wording."""
    body, about = draft.body, ("clock", "language")
    kinds = (EDITED, APPROVED) if body["kind"] == APPROVED else (body["kind"],)
    pieces = [one for one in view.evidence if one.get("kind") in kinds]
    alike = [one for one in pieces if all(one.get(name) == body[name] for name in about)]
    return bool(alike) and all(alike[-1].get(name) == body.get(name) for name in ("kind", "sha256", "by", "why"))


def _given(
    view: IncidentView, about: tuple[str, str], sha256: str, why: str, person: Person, kind: str, more: Body
) -> Draft:
    """The entry by which a piece that is kept already becomes part of a notice. Raises NotFound."""
    piece = next((one for one in view.evidence if one["sha256"] == sha256), None)
    if piece is None:
        raise NotFound(
            _problem("E101", f"{view.id} keeps nothing under {sha256[:12]}", "add the file to the evidence first")
        )
    if kind == SENT and (piece.get("op") or piece.get("kind") in (EDITED, APPROVED)):
        message = f"the piece {sha256[:12]} is a text of ours, not a file that went"
        raise Refused(_problem("G116", message, APPROVE_FIRST))
    clock, language = about
    name = f"receipt for {clock}" if kind == RECEIPT else f"as sent for {clock} ({language}): the file"
    names = ("sha256", "size", "mode", "media_type", "taken_at")
    seen: Body = {one: value for one, value in piece.items() if one in WITHOUT_BYTES}
    body: Body = {
        **{one: piece.get(one) for one in names}, **seen, "op": None, "name": name, "source": f"given by {person.name}",
        "kind": kind, "clock": clock, "language": language, "why": why.strip(), "by": person.name, **more,
    }  # fmt: skip
    return Draft(Kind.EVIDENCE, person.actor, body)


def _version(  # noqa: PLR0913, PLR0917 - the fields of a piece
    kind: str, name: str, about: tuple[str, str], text: str, why: str, person: Person, at: str, more: Body
) -> Draft:
    body: Body = {
        "op": None, "name": name, "sha256": digest(text), "size": len(text.encode()), "source": f"by {person.name}",
        "mode": "vault", "media_type": "text/markdown", "taken_at": at, "kind": kind, "clock": about[0],
        "language": about[1], "why": why.strip(), "by": person.name, **more,
    }  # fmt: skip
    return Draft(Kind.EVIDENCE, person.actor, body)


def _or(roles: frozenset[str] | set[str]) -> str:
    return " or ".join(sorted(roles))


def _problem(code: str, message: str, do: str) -> Problem:
    return Problem(code=code, message=message, do=do)
