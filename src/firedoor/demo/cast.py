"""The people of the demonstration, and what they answer.

Decides who has which role, and an answer for every task that the shipped playbook may
open. Everybody is invented. Answers go through the same API as everybody's, each with
the person's own token; nothing here can do what they could not. Leaves the order of
tasks to the playbook.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final, TypedDict

from firedoor.core.json_types import JsonObject
from firedoor.interfaces.shapes.incident import Task


@dataclass(frozen=True)
class Member:
    """Somebody invented, with the roles that their token carries."""

    name: str
    roles: tuple[str, ...]

    @property
    def shown(self) -> str:
        """The name with the role, and that it is a demonstration."""
        return f"{self.name} (demo {self.roles[0]})"


@dataclass(frozen=True)
class Line:
    """An answer, for the tasks whose id fits the pattern and that offer the choice."""

    task: str
    choice: str
    why: str
    fields: Mapping[str, str] = field(default_factory=dict)


CAST: Final = (
    Member("Ada Okafor", ("commander",)),
    Member("Jonas Weber", ("dpo",)),
    Member("Mei Lindqvist", ("engineering",)),
    Member("Samir Haddad", ("legal",)),
    Member("Clara Rossi", ("communications",)),
    Member("Ines Duarte", ("manager",)),
    Member("Tom Becker", ("manager",)),
)

LINES: Final = (
    Line("*.incident-type", "training_data", "record 4711, planted in training, came back word for word"),
    Line("*.confirm", "yes", "the hash of the finding is that of the record"),
    Line("*.scope", "known", "from the index of training runs"),
    Line("*.scope-people", "known", "from the customer register"),
    Line("*.scope-data", "known", "read from the record's fields, not from the output"),
    Line("*.breach-or-not", "breach", "an outsider could extract it: a failure of our security"),
    Line("*.risk", "high", "contact data and a complaint, and nobody knows who has them"),
    Line("*.root-cause", "done", "the export of the support desk was in the training set, without its filter"),
    Line("*.corrective-measures", "done", "retrained without the export; the extraction test finds nothing"),
    Line("*.notify-people.submit*", "submitted", "letters went out", {"reference": "letter run 2026-11/7"}),
    Line("*.register?", "submitted", "written into the register", {"reference": "register, line 12"}),
    Line("*.submit*", "submitted", "sent through the authority's form", {"reference": "DEMO-LDA-2026-0042"}),
    Line("*.tell-voluntarily", "tell", "they would want to know"),
    Line("*.resume*", "approve", "the extraction test passed on the version that will serve"),
    Line("*.lessons-learned", "held", "held for an hour"),
    Line("*.governance-review", "accept", "the measures answer the cause"),
    Line("clock-change:*", "approve", "follows from the facts"),
)
FACTS: Final[JsonObject] = {
    "leaked_since": "2026-11-01T00:00:00+01:00",
    "records_affected": "1..40",
    "people_affected": "1..40",
    "data_acquired": "yes",
    "encrypted": "no",
    "controller": "yes",
    "processor": "no",
    "jurisdictions": ["DE", "AT", "FR"],
    "residents_eu": "1..40",
    "residents_uk": 0,
    "residents_us": 0,
    "data_categories": ["contact", "communications"],
    "us_statutory_data": "no",
    "unsecured_health_information": "no",
    "likely_consequences": "Unwanted contact; embarrassment over a complaint.",
    "root_cause": "The support export of September was trained on without its filter.",
    "measures_taken": "Export removed, model retrained, filter made mandatory before training.",
    "high_risk_removed": "no",
    "advice_to_people": "Be careful with messages that mention your complaint.",
}
FIELDS: Final[Mapping[str, str]] = {
    "attended": "everybody in the list of roles",
    "channel": "the authority's portal",
    "sent_at": "now",
    "findings": "exports were trained on without a filter",
    "measures": "filter before training; Mei Lindqvist; 31 January",
}
USUAL: Final = ("done", "known", "approve", "yes", "submitted", "held", "accept")  # for tasks that no line names


class Answered(TypedDict):
    """The body of an answer."""

    choice: str
    why: str
    facts: JsonObject
    fields: dict[str, str]


def answer_to(task: Task) -> Answered:
    """The body of the answer to a task, with whatever its choice requires and the facts it asks for."""
    choices = {str(choice["id"]): choice for choice in task["choices"]}
    fitting = (line for line in LINES if line.choice in choices and fnmatchcase(str(task["id"]), line.task))
    line = next(fitting, None) or Line(
        "*", next(choice for choice in (*USUAL, *choices) if choice in choices), "as planned"
    )
    required = choices[line.choice].get("requires", ())
    facts = {name: FACTS[name] for name in dict.fromkeys((*task["asks"], *required)) if name in FACTS}
    others = {name: FIELDS.get(name, "as in the demonstration") for name in required if name not in facts}
    return {"choice": line.choice, "why": line.why, "facts": facts, "fields": {**others, **line.fields}}


def who_answers(task: Task) -> Sequence[Member]:
    """Those who may answer: the role that was asked first, and whoever it was escalated to."""
    answered = {answer["by"] for answer in task["answers"]}
    first = [member for member in CAST if task["role"] in member.roles]
    others = [member for member in CAST if set(task["roles"]) & set(member.roles) and member not in first]
    return [member for member in (*first, *others) if member.name not in answered]
