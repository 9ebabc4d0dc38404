"""The catalogue of duties: every `*.yaml` of a folder, read once, checked whole.

Decides that the files agree with each other: ids are unique, every fact and
every duty that is named exists, every worked example can be read. Leaves the
meaning of a duty to `core.duty`. A new law is one new file; nothing here
changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from pydantic import Field, ValidationError

from firedoor.core.facts import FactType
from firedoor.core.language.expression import Expression
from firedoor.core.language.validation import off_list
from firedoor.core.law.clause import Frozen
from firedoor.core.law.duty import Duty, submitted_fact, with_stages
from firedoor.core.law.vocabulary import LegalFact
from firedoor.core.problems import FiredoorError, InvalidInput, NotFound, Place, Problem, nearest

FOLDER = Path(__file__).parent


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML in which `no` is Norway, 164.404 a section and a date text: only whole numbers and null are not text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if not tag.endswith((":bool", ":timestamp", ":float"))]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class Catalogue(Mapping[str, Duty]):
    """Duties by id, with their later stages as duties of their own, and the facts they ask about."""

    duties: Mapping[str, Duty]
    facts: Mapping[str, LegalFact]

    def __getitem__(self, key: str) -> Duty:
        return self.duties[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.duties)

    def __len__(self) -> int:
        return len(self.duties)

    def find(self, key: str) -> Duty:
        """Return a duty. Raises NotFound naming the nearest."""
        if key not in self.duties:
            raise NotFound(self.unknown(key))
        return self.duties[key]

    def need_jurisdiction(self, word: str) -> None:
        """Raise InvalidInput for a place that no duty is of, naming the nearest that has one."""
        known = {duty.jurisdiction for duty in self.duties.values()}
        if word and word not in known:
            raise InvalidInput(off_list("jurisdiction", word, known))

    def unknown(self, key: str) -> Problem:
        """Say that there is no such duty, and name the nearest."""
        message = f'no duty is called "{key[:60]}"'
        return Problem(code="L101", field="duty", message=message, do=nearest(key, self.duties))


@cache
def catalogue() -> Catalogue:
    """The duties that come with Firedoor."""
    return load([FOLDER])


def load(folders: Iterable[Path]) -> Catalogue:
    """Read every YAML file of the folders. Raises InvalidInput with every problem at once."""
    problems: list[Problem] = []
    duties: dict[str, Duty] = {}
    facts: dict[str, LegalFact] = {}
    for path in (path for folder in folders for path in sorted(folder.glob("*.yaml"))):
        try:
            _read(path, duties, facts)
        except InvalidInput as error:
            problems.extend(error.problems)
    facts.update({fact.name: fact for fact in _submissions(duties.values())})
    problems.extend(_disagreements(duties, facts))
    if problems:
        raise InvalidInput(problems)
    return Catalogue(duties, facts)


def _read(path: Path, duties: dict[str, Duty], facts: dict[str, LegalFact]) -> None:
    text = path.read_text(encoding="utf-8")
    try:
        raw = yaml.load(text, _Loader)  # noqa: S506 - a safe loader, with fewer types
    except yaml.YAMLError as error:
        raise InvalidInput(_problem(path, 1, f"is not YAML: {error}")) from None
    if not isinstance(raw, dict) or not set(raw) <= {"duties", "facts", "about", "shared"}:
        raise InvalidInput(_problem(path, 1, "may have `duties:`, `facts:`, `about:` and `shared:`, nothing else"))
    problems: list[Problem] = []
    for fact in raw.get("facts") or ():
        problems.extend(_add_fact(path, fact, facts))
    for index, given in enumerate(raw.get("duties") or ()):
        problems.extend(_add_duty(path, text, index, given, duties))
    if problems:
        raise InvalidInput(problems)


def _add_fact(path: Path, given: object, facts: dict[str, LegalFact]) -> Iterator[Problem]:
    try:
        fact = LegalFact.model_validate(given)
    except ValidationError as error:
        yield from (_problem(path, 1, f"facts: {item['msg']}") for item in error.errors())
        return
    if fact.name in facts:
        yield _problem(path, 1, f"the fact {fact.name} exists already")
    facts[fact.name] = fact


def _add_duty(path: Path, text: str, index: int, given: object, duties: dict[str, Duty]) -> Iterator[Problem]:
    try:
        duty = Duty.model_validate(given)
    except (ValidationError, FiredoorError) as error:
        line = _line(text, index)
        found = error.errors() if isinstance(error, ValidationError) else [{"loc": (), "msg": str(error)}]
        name = given.get("id", index) if isinstance(given, dict) else index
        yield from (_problem(path, line, f"{name}: {'.'.join(map(str, item['loc']))}: {item['msg']}") for item in found)
        return
    for one in with_stages(duty):
        if one.id in duties:
            yield _problem(path, _line(text, index), f"the duty {one.id} exists already")
        duties[one.id] = one


def _line(text: str, index: int) -> int:
    """The line on which the index-th duty begins; only worked out for a message."""
    root = yaml.compose(text, _Loader)
    for key, value in getattr(root, "value", ()):
        if key.value == "duties":
            return int(value.value[index].start_mark.line) + 1
    return 1


def _submissions(duties: Iterable[Duty]) -> Iterator[LegalFact]:
    for name in dict.fromkeys(duty.trigger.of for duty in duties if duty.trigger.of):
        fact = submitted_fact(name)
        yield LegalFact(name=fact, type=FactType.INSTANT, ask=f"When was {name} submitted?", group="submissions")


def _disagreements(duties: Mapping[str, Duty], facts: Mapping[str, LegalFact]) -> Iterator[Problem]:
    for duty in duties.values():
        for name in _named_facts(duty):
            if name not in facts:
                yield Problem(
                    code="L104", field=duty.id, message=f'no fact is called "{name}"', do=nearest(name, facts)
                )
        for other in _named_duties(duty):
            if other not in duties:
                yield Problem(
                    code="L105", field=duty.id, message=f'no duty is called "{other}"', do=nearest(other, duties)
                )


def _named_duties(duty: Duty) -> set[str]:
    named = {other for overlap in duty.superseded_by for other in overlap.by}
    return named | ({duty.trigger.of} if duty.trigger.of else set())


def _named_facts(duty: Duty) -> set[str]:
    trigger = duty.trigger
    named = {*trigger.own_facts, *trigger.stand_in, *(field.fact for field in duty.content if field.fact)}
    for version in duty.versions:
        named |= {version.outer.after} if version.outer else set()
        if version.calendar and version.calendar == version.calendar.lower() and version.calendar != "weekends":
            named.add(version.calendar)
    return named | {".".join(path) for condition in conditions(duty) for path in condition.references}


def conditions(duty: Duty) -> Iterator[Expression]:
    """Yield every expression of a duty."""
    versions = [version.when or () for version in duty.versions]
    clauses = (*duty.reach, *duty.when, *duty.unless, *(clause for when in versions for clause in when))
    yield from (clause.holds for clause in clauses if clause.holds is not None)
    yield from (overlap.holds for overlap in duty.superseded_by)
    for version in duty.versions:
        yield from (case.holds for case in version.cases)
        yield from (rolling.holds for rolling in (version.roll,) if rolling)


def _problem(path: Path, line: int, message: str) -> Problem:
    return Problem(code="L102", message=message, place=Place(file=path.name, line=line, column=1))


class DutyFile(Frozen):
    """A file of `duties/`: duties, and facts that only they use. `shared` holds anchors and is not read."""

    about: str = ""
    shared: dict[str, object] = Field(default_factory=dict)
    facts: tuple[LegalFact, ...] = ()
    duties: tuple[Duty, ...] = ()


def schema() -> dict[str, object]:
    """The JSON Schema of a duty file, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **DutyFile.model_json_schema()}
