"""Reads the two files about one's own house: the inventory of targets and the organisation's profile.

Decides where they are looked for (`FIREDOOR_TARGETS` and `FIREDOOR_ORGANISATION`,
else `targets.yaml` and `organisation.yaml` in the data folder). Leaves their
shape to `core.targets` and the vocabulary, and the doors to the connectors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from firedoor.core.banks import WELL_KNOWN
from firedoor.core.checks import ORGANISATION_NAMES
from firedoor.core.facts import FactDefinition, Value, read_all
from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.source import Source, problems_of, read_yaml
from firedoor.core.targets import Inventory

MESSENGERS = ("slack", "email", "webhook")


@dataclass(frozen=True)
class Organisation:
    """Who we are: words for letters, and the standing facts that the law asks about."""

    words: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Value] = field(default_factory=dict)
    messages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # role: the messengers it is told by
    trusted_banks: tuple[str, ...] = WELL_KNOWN  # of hashes: a match in one of these is as good as proof
    digest: tuple[str, ...] = ()  # the roles that get the week in a letter


def read_inventory(path: Path | None) -> Inventory:
    """Read the inventory; no file is an empty one. Raises InvalidInput with every problem and its place."""
    if path is None or not path.exists():
        return Inventory()
    source = _source(path)
    try:
        inventory = Inventory.model_validate(source.data)
    except ValidationError as error:
        raise InvalidInput(problems_of(error, source)) from None
    problems = [
        source.problem(
            ("targets", name, "neighbours"), "N101", f'"{other}" is not a target', "list it, with a probe of its own"
        )
        for name, target in inventory.targets.items()
        for other in target.neighbours
        if other not in inventory.targets
    ]
    if problems:
        raise InvalidInput(problems)
    return inventory


def read_organisation(path: Path | None, vocabulary: Mapping[str, FactDefinition]) -> Organisation:
    """Read the profile: the words of `ORGANISATION_NAMES`, `facts:`, `messages:`, `trusted_banks:` and `digest:`.

    Without a file all is unknown, and the well-known banks are trusted.
    """
    if path is None or not path.exists():
        return Organisation()
    source = _source(path)
    data = dict(source.data) if isinstance(source.data, dict) else {}
    raw = data.pop("facts", None) or {}
    messages = _messages(source, data.pop("messages", None) or {})
    named = f"the names as the alerts write them, such as [{', '.join(WELL_KNOWN)}]"
    banks = _names(source, "trusted_banks", data.pop("trusted_banks", None), WELL_KNOWN, named)
    digest = _names(source, "digest", data.pop("digest", None), (), "roles, such as [manager, dpo]")
    strange = [name for name in data if name not in ORGANISATION_NAMES]
    if strange or not isinstance(raw, dict):
        known = ", ".join(sorted(ORGANISATION_NAMES))
        raise InvalidInput(
            [
                source.problem(
                    (name,), "N102", f'unknown key "{name}"', f"known: facts, messages, trusted_banks, digest, {known}"
                )
                for name in strange or ["facts"]
            ]
        )
    try:
        words = {name: str(value) for name, value in data.items()}
        return Organisation(words, read_all(vocabulary, raw), messages, banks, digest)
    except InvalidInput as error:
        placed = [
            problem.model_copy(update={"place": source.place(("facts", problem.field or ""))})
            for problem in error.problems
        ]
        raise InvalidInput(placed) from None


def _messages(source: Source, given: object) -> Mapping[str, tuple[str, ...]]:
    """Which messengers a role is told by. Raises InvalidInput with every problem and its place."""
    do = f"role: [{', '.join(MESSENGERS)}], as many of them as you like"
    if not isinstance(given, dict):
        raise InvalidInput(source.problem(("messages",), "N105", "is no list of roles", do))
    problems, routes = [], {}
    for role, names in given.items():
        listed = [names] if isinstance(names, str) else names
        if isinstance(listed, list) and all(name in MESSENGERS for name in listed):
            routes[str(role)] = tuple(dict.fromkeys(listed))
        else:
            problems.append(source.problem(("messages", str(role)), "N105", f"{role}: no messenger is called so", do))
    if problems:
        raise InvalidInput(problems)
    return routes


def _names(source: Source, key: str, given: object, otherwise: tuple[str, ...], wanted: str) -> tuple[str, ...]:
    """A list of names, which may be empty. Raises InvalidInput with its place."""
    if given is None:
        return otherwise
    if isinstance(given, list) and all(isinstance(name, str) and name.strip() for name in given):
        return tuple(given)
    raise InvalidInput(source.problem((key,), "N106", "is no list of names", f"write {wanted}"))


def _source(path: Path) -> Source:
    try:
        return read_yaml(path.read_bytes(), str(path))
    except OSError as error:
        raise InvalidInput(
            Problem(
                code="N103", message=f"{path} cannot be read: {error.strerror}", do="check the path and its permissions"
            )
        ) from None


def write_profile(words: Mapping[str, Any]) -> str:
    """A first profile as YAML text, for `firedoor doctor` to suggest."""
    return "".join(f"{name}: {words.get(name, '')}\n" for name in sorted(ORGANISATION_NAMES)) + "facts: {}\n"
