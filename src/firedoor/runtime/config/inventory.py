"""Reads the two files about one's own house: the inventory of targets and the organisation's profile.

Decides where they are looked for (`FIREDOOR_TARGETS` and `FIREDOOR_ORGANISATION`,
else `targets.yaml` and `organisation.yaml` in the data folder). Leaves their
shape to `core.targets` and the vocabulary, and the doors to the connectors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from firedoor.core.access.roles import RoleList
from firedoor.core.alerts.hash_banks import WELL_KNOWN
from firedoor.core.alerts.matching import LEAST_REVIEW, REVIEW_WORDS, Review, TrustedBank
from firedoor.core.facts import FactDefinition, Value, read_all
from firedoor.core.language.validation import off_list
from firedoor.core.language.yaml_source import Source, problems_of, read_yaml
from firedoor.core.law.vocabulary import Vocabulary, of_one_incident
from firedoor.core.playbook.checks import ORGANISATION_NAMES
from firedoor.core.problems import InvalidInput, Problem, nearest
from firedoor.core.requests.care import NO_BOUNDS, Bounds, read_bounds
from firedoor.core.targets import Inventory

MESSENGERS = ("slack", "email", "webhook")
SECTIONS = (  # of the profile
    "facts", "messages", "trusted_banks", "digest", "roles", "escalation", "reviewer_care", "two_people_refuse",
)  # fmt: skip
PROFILE_KEYS = frozenset((*ORGANISATION_NAMES, *SECTIONS))


@dataclass(frozen=True)
class Organisation:
    """Who we are: words for letters, and the standing facts that the law asks about."""

    words: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Value] = field(default_factory=dict)
    messages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # role: the messengers it is told by
    trusted_banks: tuple[TrustedBank, ...] = ()  # of hashes: a near match in one of these is as good as proof
    digest: tuple[str, ...] = ()  # the roles that get the week in a letter
    roles: tuple[str, ...] = ()  # of one's own, beyond those that the system and the playbooks name
    escalation: tuple[str, ...] = ()  # the roles that are asked, one after the other, when nobody of the step answers
    care: Bounds = NO_BOUNDS  # how many cases about intimate content one person decides
    two_people_refuse: bool = True  # whether a refusal of a person's request needs a second person


def read_inventory(path: Path | None) -> Inventory:
    """Read the inventory; no file is an empty one. Raises InvalidInput with every problem and its place."""
    if path is None or not path.exists():
        return Inventory()
    source = _source(path)
    try:
        inventory = Inventory.model_validate(source.data)
    except ValidationError as error:
        raise InvalidInput(problems_of(error, source, form=Inventory)) from None
    problems = [
        source.problem(
            ("targets", name, "neighbours"), "N101", f'"{other}" is not a target', nearest(other, inventory.targets)
        )
        for name, target in inventory.targets.items()
        for other in target.neighbours
        if other not in inventory.targets
    ]
    if problems:
        raise InvalidInput(problems)
    return inventory


def read_organisation(path: Path | None, vocabulary: Mapping[str, FactDefinition]) -> Organisation:
    """Read the profile: `ORGANISATION_NAMES`, and its sections from `facts:` to `escalation:`.

    Without a file all is unknown, and no bank of hashes is trusted.
    """
    if path is None or not path.exists():
        return Organisation()
    source = _source(path)
    problems: list[Problem] = []
    data = dict(source.data) if isinstance(source.data, dict) else {}
    raw = data.pop("facts", None) or {}
    messages = _messages(source, data.pop("messages", None) or {}, problems)
    banks = _banks(source, data.pop("trusted_banks", None), problems)
    digest = _names(source, "digest", data.pop("digest", None), "roles, such as [manager, dpo]", problems)
    roles = _roles(source, data.pop("roles", None), problems)
    care = _care(source, data.pop("reviewer_care", None), problems)
    two = _yes_or_no(source, "two_people_refuse", data.pop("two_people_refuse", "yes"), problems)
    order = _names(source, "escalation", data.pop("escalation", None), "roles in their order: [dpo, manager]", problems)
    problems += [
        source.problem((one,), "N102", f'unknown key "{one}"', nearest(str(one), PROFILE_KEYS))
        for one in data
        if one not in ORGANISATION_NAMES
    ]
    facts = _facts(source, raw, vocabulary, problems)
    if problems:
        raise InvalidInput(problems)
    words = {name: str(value) for name, value in data.items()}
    return Organisation(words, facts, messages, banks, digest, roles, order, care, two)


def _facts(
    source: Source, raw: object, vocabulary: Mapping[str, FactDefinition], problems: list[Problem]
) -> Mapping[str, Value]:
    """The standing facts; what is wrong with one is told at its line."""
    if not isinstance(raw, dict):
        problems.append(source.problem(("facts",), "N102", "`facts` is no mapping", "write one fact a line"))
        return {}
    try:
        return read_all(vocabulary, raw)
    except InvalidInput as error:
        problems += [
            problem.model_copy(update={"place": source.place(("facts", problem.field or ""))})
            for problem in error.problems
        ]
        return {}


def doubts(organisation: Organisation, vocabulary: Vocabulary, of_playbooks: Iterable[str]) -> list[Problem]:
    """What is readable and probably not meant, as warnings. `of_playbooks` are the roles that loaded playbooks name."""
    return [*_strange_roles(organisation, of_playbooks), *_of_one_incident(organisation, vocabulary)]


def _of_one_incident(organisation: Organisation, vocabulary: Vocabulary) -> Iterator[Problem]:
    for name in of_one_incident(vocabulary, organisation.facts):
        message = f"{name} is a fact of one incident; here it holds for every incident until somebody says otherwise"
        yield Problem(
            code="F110", field=name, message=message, do="leave it out, unless that is so", severity="warning"
        )


def _strange_roles(organisation: Organisation, of_playbooks: Iterable[str]) -> list[Problem]:
    """The words of the profile that are no role here: whoever they meant is told nothing."""
    known = RoleList(frozenset((*organisation.roles, *of_playbooks)))
    sections = {
        "messages": tuple(organisation.messages),
        "digest": organisation.digest,
        "escalation": organisation.escalation,
    }
    return [
        Problem(
            code="N108", field=section, message=f'{section} names "{word}", which is no role here',
            do=nearest(word, known.known), severity="warning",
        )
        for section, words in sections.items()
        for word in known.unknown(words)
    ]  # fmt: skip


def _messages(source: Source, given: object, problems: list[Problem]) -> Mapping[str, tuple[str, ...]]:
    """Which messengers a role is told by."""
    do = f"role: [{', '.join(MESSENGERS)}], as many of them as you like"
    if not isinstance(given, dict):
        problems.append(source.problem(("messages",), "N105", "is no list of roles", do))
        return {}
    routes: dict[str, tuple[str, ...]] = {}
    for role, names in given.items():
        listed = [names] if isinstance(names, str) else names
        place = ("messages", str(role))
        if not isinstance(listed, list):
            problems.append(source.problem(place, "N105", f"{role}: is no list of messengers", do))
            continue
        strange = [off_list(f"messages.{role}", name, MESSENGERS, "N105") for name in listed if name not in MESSENGERS]
        problems += [one.model_copy(update={"place": source.place(place)}) for one in strange]
        routes[str(role)] = tuple(dict.fromkeys(map(str, listed)))
    return routes


def _banks(source: Source, given: object, problems: list[Problem]) -> tuple[TrustedBank, ...]:
    """The lists of hashes that are trusted."""
    wanted = f"the names as the alerts write them, such as [{', '.join(WELL_KNOWN)}], or a mapping of names to rules"
    if not isinstance(given, dict):
        return tuple(TrustedBank(name) for name in _names(source, "trusted_banks", given, wanted, problems))
    return tuple(bank for name, said in given.items() if (bank := _bank(source, str(name), said or {}, problems)))


def _bank(source: Source, name: str, rules: object, problems: list[Problem]) -> TrustedBank | None:
    """One trusted list with its rules; None, and what is wrong with it, otherwise."""
    place = ("trusted_banks", name)
    if not isinstance(rules, dict):
        do = f"review: one of {', '.join(Review)}; suspended: the reason, while it is not trusted"
        problems.append(source.problem(place, "N106", f"{name}: no rule of a list", do))
        return None
    known, said = ("review", "suspended"), str(rules.get("review", LEAST_REVIEW))
    strange = [word for word in rules if word not in known]
    problems += [
        source.problem((*place, word), "N106", f'unknown key "{word}"', nearest(str(word), known)) for word in strange
    ]
    review = REVIEW_WORDS.get(said.lower())
    if review is None:
        wrong = off_list("review", said, Review, "N106")
        problems.append(wrong.model_copy(update={"place": source.place((*place, "review"))}))
    return TrustedBank(name, review, str(rules.get("suspended") or "")) if review is not None else None


def _names(source: Source, key: str, given: object, wanted: str, problems: list[Problem]) -> tuple[str, ...]:
    """A list of names, which may be empty."""
    if given is None:
        return ()
    if isinstance(given, list) and all(isinstance(name, str) and name.strip() for name in given):
        return tuple(given)
    problems.append(source.problem((key,), "N106", "is no list of names", f"write {wanted}"))
    return ()


def _care(source: Source, given: object, problems: list[Problem]) -> Bounds:
    """How many cases one person decides; what is wrong with it is told at its place."""
    try:
        return read_bounds(given)
    except ValueError as error:
        do = "write for example {cases_in_24_hours: 12, severe_cases_in_24_hours: 4}"
        problems.append(source.problem(("reviewer_care",), "N109", f"reviewer_care: {error}", do))
        return read_bounds(None)


def _yes_or_no(source: Source, key: str, given: object, problems: list[Problem]) -> bool:
    if str(given).lower() not in ("yes", "no", "true", "false"):
        problems.append(source.problem((key,), "N109", f"{key} is neither yes nor no", "write yes or no"))
    return str(given).lower() in ("yes", "true")


def _roles(source: Source, given: object, problems: list[Problem]) -> tuple[str, ...]:
    """Roles of one's own; each that cannot be one is told at its place."""
    roles = _names(source, "roles", given, "roles of your own, such as [security, works_council]", problems)
    do = "lower-case letters, digits and underscores, such as works_council"
    problems += [
        source.problem(("roles", index), "N107", f'"{role[:40]}" cannot be a role', do)
        for index, role in enumerate(roles)
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", role)
    ]
    return roles


def _source(path: Path) -> Source:
    try:
        return read_yaml(path.read_bytes(), str(path))
    except OSError as error:
        raise InvalidInput(
            Problem(
                code="N103", message=f"{path} cannot be read: {error.strerror}", do="check the path and its permissions"
            )
        ) from None


def write_profile(words: Mapping[str, object]) -> str:
    """A first profile as YAML text, for `firedoor doctor` to suggest."""
    return "".join(f"{name}: {words.get(name, '')}\n" for name in sorted(ORGANISATION_NAMES)) + "facts: {}\n"
