"""The name of an operation for a person, as its plan and the facts of the moment give it.

Decides how an instance id (`step.part[clock or number]`) is read back and how its title
is filled in. Leaves which instances exist to `progress`.
"""

from __future__ import annotations

from collections.abc import Mapping

from firedoor.core.execution.questions import render
from firedoor.core.facts import FactDefinition
from firedoor.core.incident.holds import again_of
from firedoor.core.incident.scope import scope_of, typed_facts
from firedoor.core.incident.view import IncidentView
from firedoor.core.playbook.plan import Operation, Plan


class Names:
    """The operations of a plan by the ids of their instances."""

    def __init__(
        self, plan: Plan, definitions: Mapping[str, FactDefinition], organisation: Mapping[str, object] | None = None
    ) -> None:
        self._operations: dict[str, Operation] = {operation.id: operation for operation in plan.operations}
        self._definitions = definitions
        self._organisation = organisation or {}

    def operation(self, instance: str) -> Operation | None:
        """The definition behind an instance; None for what is no operation of the plan."""
        again = again_of(instance)  # beside the plan: what it repeats or undoes
        name = again[0] if again else instance
        return self._operations.get(name) or self._operations.get(name.partition("[")[0])

    def title(self, instance: str, view: IncidentView) -> str:
        """The title, filled in with what the view knows; the id where the plan has none."""
        operation, again = self.operation(instance), again_of(instance)
        if again and operation:
            word = "closed again" if again[1] == "close" else "opened again"
            return f"{self.fill(operation.title, again[0], view)}, {word} ({again[2]})"
        return self.fill(operation.title, instance, view) if operation else instance

    def target(self, instance: str, view: IncidentView) -> str:
        """The target that an instance is about; empty when it is about none."""
        again = again_of(instance)
        instance = again[0] if again else instance
        template = getattr(self.operation(instance), "target", None)
        return self.fill(str(template), instance, view) if template else ""

    def fill(self, text: str, instance: str, view: IncidentView) -> str:
        """Fill in a text of the plan for one instance."""
        if "{{" not in text:
            return text
        facts = typed_facts(view.facts, self._definitions)
        operation = self.operation(instance)
        item, clock = self._subject(operation, instance, view) if operation else (None, None)
        return render(text, scope_of(view, facts, self._organisation, item, clock))

    @staticmethod
    def _subject(operation: Operation, instance: str, view: IncidentView) -> tuple[object, str | None]:
        """What an instance is repeated for: an item of a list, or a clock."""
        each, subject = operation.each, instance.removeprefix(operation.id)[1:-1]
        if each is None or not subject:
            return None, None
        if each.startswith("clocks:"):
            return None, subject
        record = view.operations.get(each)
        items = record.result.get("items", []) if record else []
        return (items[int(subject)] if subject.isdecimal() and int(subject) < len(items) else subject), None
