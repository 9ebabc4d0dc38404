"""Tasks that a turn opens: how one is written, and the two that no playbook words itself.

Decides what is asked about an operation that failed for good, and about a condition that the facts do not decide.
Leaves when to ask to `turn`, and what an answer means to `view_tasks`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from firedoor.core.entries.people import Choice, TaskOpened
from firedoor.core.execution.progress import Instance
from firedoor.core.facts import FactDefinition
from firedoor.core.incident.faults import guidance
from firedoor.core.incident.scope import scope_of, typed_facts
from firedoor.core.incident.view import FAULT, LIST, RESCUE, IncidentView
from firedoor.core.isolated import Fault, fault_of
from firedoor.core.journal import Draft, Kind
from firedoor.core.language.expression import Expression
from firedoor.core.language.template import Template
from firedoor.core.playbook.plan import Choose, Plan
from firedoor.core.problems import InvalidInput
from firedoor.core.ternary import UNKNOWN, Ternary

ACTOR = "firedoor"
RESCUE_HOURS = 1
CONDITION_HOURS = 4
LIST_CHOICES: list[Choice] = [
    {
        "id": "done", "label": "That is all that is known",
        "consequence": "The steps are taken for each that is named now; where none is named, none is taken.",
    }
]  # fmt: skip
RESCUE_CHOICES: list[Choice] = [
    {"id": name, "label": label, "consequence": consequence}
    for name, label, consequence in (
        ("retry", "Try it again", "It is tried once more, with the same idempotency key."),
        ("by_hand", "I did it by hand", "It counts as done by you; your note says how."),
        ("skip", "Go on without it", "What depends on it is left out; your reason is on record."),
    )
]


def opened(  # noqa: PLR0913, PLR0917 - the fields of a task
    task: str,
    kind: str,
    role: str,
    escalate_to: str,
    question: str,
    guidance_: str,
    choices: list[Choice],
    due_at: datetime,
    *,
    op: str = "",
    asks: list[str] | None = None,
    approvals: int = 1,
    clock: str | None = None,
    four_eyes_with: str | None = None,
    chain: Sequence[str] = (),
) -> Draft:
    """The entry that opens a task; without `op` it is about the operation of its own name."""
    body: TaskOpened = {
        "task": task, "op": op or task, "kind": kind, "role": role, "escalate_to": escalate_to, "question": question,
        "guidance": guidance_, "choices": choices, "asks": asks or [], "approvals": approvals,
        "due_at": due_at.isoformat(),
    }  # fmt: skip
    if clock:
        body["clock"] = clock
    if chain:
        body["chain"] = list(chain)
    if four_eyes_with:
        body["four_eyes_with"] = four_eyes_with
    return Draft(Kind.TASK_OPENED, ACTOR, body)


def rescue(
    plan: Plan, view: IncidentView, instance: Instance, organisation: Mapping[str, object], now: datetime
) -> list[Draft]:  # fmt: skip
    """Ask the first role what becomes of an operation that failed for good; once for each failure."""
    record = view.operations[instance.id]
    task = f"{RESCUE}{instance.id}#{record.attempts}:{record.finished_seq}"
    if task in view.tasks:
        return []
    lead = plan.roles[0]
    scope = scope_of(view, typed_facts(view.facts, {}), organisation, instance.item, instance.clock)
    question = f"{render(instance.operation.title, scope)}: failed. {record.problem}"
    kind, advice = (FAULT, guidance(Fault("", "", ""))) if record.fault else ("rescue", "")
    due_at = now + timedelta(hours=RESCUE_HOURS)
    escalate = _other(plan.roles, lead)
    return [opened(task, kind, lead, escalate, question, advice, RESCUE_CHOICES, due_at, op=instance.id)]


def condition(
    choose: Choose, name: str, text: str, open_points: str, roles: Sequence[str], now: datetime
) -> Draft:  # fmt: skip
    """Ask whether a condition holds that the facts do not decide."""
    choices: list[Choice] = [
        {"id": "yes", "label": "Yes", "consequence": "The steps under this condition are taken."},
        {"id": "no", "label": "No", "consequence": "The steps under this condition are left out."},
    ]
    return opened(
        name, "decide", choose.role, _other(roles, choose.role), f"Does this hold: {text}?",
        f"It cannot be decided from the facts: {open_points}", choices, now + timedelta(hours=CONDITION_HOURS),
    )  # fmt: skip


def listing(
    choose: Choose, name: str, asked: Sequence[FactDefinition], roles: Sequence[str], now: datetime
) -> Draft:  # fmt: skip
    """Ask for what a step is done, where nobody has said it: an unknown list is not an empty one."""
    words = "; ".join(one.ask or one.name.replace("_", " ") for one in asked) or choose.title
    return opened(
        f"{LIST}:{name}", LIST, choose.role, _other(roles, choose.role), words,
        "The next steps are done for each that is named, and nobody has named any yet.", LIST_CHOICES,
        now + timedelta(hours=CONDITION_HOURS), op=name, asks=[one.name for one in asked],
    )  # fmt: skip


def decided(expression: Expression, scope: Mapping[str, object]) -> tuple[Ternary, list[str], str]:
    """The answer of a condition, its reasons, what is open. One that cannot be worked out is unknown, and says why."""
    try:
        answer = expression.decide(scope)
        reasons = [f"{reason.text}: {reason.answer}" for reason in expression.reasons(scope)]
        missing = ", ".join(expression.missing(scope)) or expression.text
    except Exception as error:  # noqa: BLE001 - unknown is an answer: people are asked, or the safe word counts
        words = fault_of(error).words
        return UNKNOWN, [f"it could not be worked out: {words}"], words
    return answer, reasons, f"{missing} is unknown."


def render(text: str, scope: Mapping[str, object]) -> str:
    """Fill in a template of an operation; one that fails says so in its place."""
    try:
        return Template.parse(text).render(scope)
    except InvalidInput as error:
        return f"[{error.problems[0].message}]"
    except Exception as error:  # noqa: BLE001 - a text with a gap in it is better than none
        return f"[this text cannot be filled in: {fault_of(error).words}]"


def _other(roles: Sequence[str], role: str) -> str:
    return next((other for other in roles if other != role), role)
