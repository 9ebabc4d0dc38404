"""A step type of another package: a class with its YAML fields, which says what is done, in order.

Decides the form of such a class, and that its operations follow one another. Every step may ask people, so that `by`,
`within`, `escalate_to`, `guidance` and `asks` are fields of each; where one is written and nobody is asked, that is a
problem and not silence. Nothing is suspended here: whoever wants that writes `suspend:`, whose approval is proved.
Leaves the operations to `core.playbook.plan`, and what they wait for around the step to the compiler.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import ClassVar, Literal

from firedoor.core.playbook.plan import Ask, Call, Choice, Edge, Keep, Operation, Tell, Wait
from firedoor.core.playbook.step import Fragment, OperationBase, StepContext, StepType
from firedoor.core.problems import InvalidInput, Problem
from firedoor.steps.asking import DAY, AskingOptions, ask, done_choices

After = tuple[str, str] | None  # an operation, and the outcome with which this one follows; else it is skipped


class Step(AskingOptions):
    """The base of a step type: `class Interview(Step, key="interview", summary="...", example="...")`.

    The field called like `key` names the step in YAML; the docstring and the descriptions of the fields make its page.
    The entry point names the class (`interview = "acme.steps:Interview"`).
    """

    STEP: ClassVar[StepType]

    def __init_subclass__(cls, *, key: str, summary: str, example: str) -> None:
        """Take the words of the type; the fields are not there yet."""

    @classmethod
    def __pydantic_init_subclass__(cls, **words: str) -> None:
        """Make the step type, now that the fields are known."""
        cls.STEP = StepType(
            words["key"], cls, _lower, words["summary"], words["example"], facts=lambda options: options.asks
        )
        if cls.STEP.key not in cls.STEP.field_names():
            raise TypeError(f"{cls.__name__}: no field is called {cls.STEP.key!r}, which names the step in YAML")

    def build(self, steps: StepBuilder) -> None:
        """Say what is done, in order, by calling the builder."""
        raise NotImplementedError


class StepBuilder:
    """Collects the operations of one step. Each waits for the one before it; each method returns the operation's id.

    `after=(id, "outcome")` makes an operation follow only that outcome (for a question: the id of a choice); otherwise
    it is skipped, and the next one goes on. Texts are templates.
    """

    def __init__(self, options: Step, context: StepContext) -> None:
        self._options, self._context = options, context
        self._used: Counter[str] = Counter()
        self.operations: list[Operation] = []

    def ask(
        self, question: str, choices: Mapping[str, str | tuple[str, str]], *, title: str = "", after: After = None
    ) -> str:
        """Ask the role in `by`. A choice is its label, or its label and what follows from it."""
        made = tuple(
            Choice(id=name, label=said)
            if isinstance(said, str)
            else Choice(id=name, label=said[0], consequence=said[1])
            for name, said in choices.items()
        )
        return self._question("decide", question, made, title, after)

    def task(self, work: str, *, title: str = "", alters: bool = False, after: After = None) -> str:
        """Give a piece of work to the role in `by`. Outcome `done` or `not_possible`."""
        return self._question("do", work, done_choices(), title, after, alters=alters)

    def tell(self, to: Iterable[str], *, subject: str, text: str, title: str = "", after: After = None) -> str:
        """Send a message to roles inside the organisation. Outcome `sent`."""
        roles = tuple(to)
        base = self._base("tell", title or f"Tell {', '.join(roles)}")
        return self._add(Tell(**base, to=roles, subject=subject, text=text), after)

    def wait(self, seconds: int, *, title: str = "", after: After = None) -> str:
        """Let time pass. Outcome `over`."""
        return self._add(Wait(**self._base("wait", title or "Wait"), seconds=seconds), after)

    def preserve(self, artefact: str, target: str, *, title: str = "", after: After = None) -> str:
        """Put an artefact of a target under custody. Outcome `kept`."""
        base = self._base("preserve", title or f"Preserve {artefact.replace('_', ' ')}")
        return self._add(Keep(**base, source="artefact", name=artefact, target=target), after)

    def verify(self, target: str, *, title: str = "", after: After = None) -> str:
        """Look whether a suspended target is still closed. Outcome `done`."""
        base = self._base("verify", title or f"Verify that {target} is closed")
        return self._add(Call(**base, verb="verify", target=target), after)

    def _question(
        self,
        kind: Literal["decide", "do"],
        question: str,
        choices: tuple[Choice, ...],
        title: str,
        after: After,
        *,
        alters: bool = False,
    ) -> str:
        part = self._part("ask")
        asked = ask(
            self._context, part, self._options,
            kind=kind, question=question, choices=choices, title=title, within_seconds=DAY, alters=alters,
        )  # fmt: skip
        return self._add(asked, after)

    def _part(self, word: str) -> str:
        """`ask`, `ask-2`: the same in every compilation, because the plan's digest holds it."""
        self._used[word] += 1
        return word if self._used[word] == 1 else f"{word}-{self._used[word]}"

    def _base(self, word: str, title: str) -> OperationBase:
        return self._context.base(self._part(word), title)

    def _add(self, operation: Operation, after: After) -> str:
        edges = [Edge(after=self.operations[-1].id)] if self.operations else []
        edges += [Edge(after=after[0], on=after[1])] if after else []
        self.operations.append(operation.model_copy(update={"after": tuple(edges)}))
        return operation.id


def _lower(options: Step, context: StepContext) -> Fragment:
    """The operations of the step. Raises InvalidInput when it does nothing, or asks nobody and says whom."""
    steps = StepBuilder(options, context)
    options.build(steps)
    if not steps.operations:
        raise InvalidInput(
            Problem(code="P144", message="the step does nothing", do="report it to whoever wrote the step")
        )
    written = sorted(options.model_fields_set & set(AskingOptions.model_fields))
    if written and not any(isinstance(one, Ask) for one in steps.operations):
        raise InvalidInput(
            Problem(code="P145", message=f"`{written[0]}` is of no use: nobody is asked", do="take it out")
        )
    return Fragment(tuple(steps.operations), (steps.operations[-1].id,))
