"""Who may decide a request of a person, beside the role: two people for a refusal, another one for an appeal.

Decides that a refusal counts once a second person agrees, where the organisation has not switched that off, and that
the complaint of whoever posted is decided by somebody who did not take the decision that it is about. A person decides
in either case: nothing here is answered by a machine. Leaves roles and the entries to `request_actions`.
"""

from __future__ import annotations

from collections.abc import Iterable

from firedoor.core.person import Identity, need_account, not_second
from firedoor.core.problems import Problem, Refused
from firedoor.core.requests.request import Outcome, RemovalRequest, RequestKind


def decides(one: RemovalRequest, outcome: str, person: Identity, *, two: bool) -> bool:
    """Whether this answer counts, or is the first of two. Raises Refused for a second word of the same person."""
    if outcome != Outcome.REFUSED or not two:
        return True
    if one.proposed is None:
        return False
    need_account(person, "Q106")
    if (first := not_second(person, one.proposed.deciders)) is not None:
        message = f"{first.name} proposed to refuse {one.name}; a second person has to agree"
        do = "ask somebody else to read it and to answer it; or answer it with another outcome"
        raise Refused(Problem(code="Q106", message=message, do=do))
    return True


def need_another(one: RemovalRequest, others: Iterable[RemovalRequest], person: Identity) -> None:
    """Raises Refused where somebody would decide on an appeal against their own decision (DSA Art. 20(6))."""
    if one.kind is not RequestKind.APPEAL:
        return
    decided = [who for other in others if other.closing and other.id != one.id for who in other.closing.deciders]
    need_account(person, "Q107")
    if (who := not_second(person, decided)) is not None:
        message = f"{who.name} took a decision in this incident; {one.name} is decided by somebody else"
        raise Refused(Problem(code="Q107", message=message, do="ask somebody who answered no request here"))
