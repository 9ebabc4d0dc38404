"""What `firedoor check` looks at: which files, of which kind, and what is wrong with each.

Decides the kind of a file by its own keys: a playbook or a part (`playbook:`), an
inventory (`targets:`), a mapping of alerts (`source:` and `fields:`), an organisation's
profile. Leaves what is right to the core,
to the inventory and to the connectors, and the writing of problems to `files`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from firedoor.core.json_types import Json, JsonObject, array_at, as_object, object_at
from firedoor.core.problems import FiredoorError, NotFound, Place, Problem
from firedoor.interfaces.cli.terminal.client import load_settings

if TYPE_CHECKING:
    from firedoor.core.language.yaml_source import Source

SARIF_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def files_of(paths: Iterable[Path]) -> list[Path]:
    """The files to check: those that are named, those of named folders, or whatever this installation reads."""
    from firedoor.runtime.config import playbooks

    given = list(paths)
    found: list[Path] = []
    if not given:
        given, found = [playbooks.folder()], _of_installation()
    for path in given:
        if path.is_dir():
            found += [*playbooks.paths(path), *playbooks.paths(path / playbooks.PARTS)] or [path]
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def _of_installation() -> list[Path]:
    """The inventory, the organisation's profile and the mappings of alerts that a server here would read."""
    settings = load_settings()
    named = [(settings.targets, settings.targets_file), (settings.organisation, settings.organisation_file)]
    own = [file for asked_for, file in named if asked_for or file.exists()]
    return [*own, *sorted(settings.mappings_folder.glob("*.yaml"))]


def problems_of_installation() -> list[Problem]:
    """What keeps a server from starting here: what others can reach of the data folder, where there is one."""
    from firedoor.runtime.config.keys import KeyFile
    from firedoor.runtime.config.private_files import exposed

    settings = load_settings()
    found = [*exposed(settings), *KeyFile(settings).exposed()]
    return [
        problem.model_copy(update={"place": Place(file=str(settings.data_dir), line=1, column=1)}) for problem in found
    ]


def problems_in(files: Iterable[Path]) -> list[Problem]:
    """Every problem of every file, in the order of the files and of their lines."""
    return [_placed(problem, file) for file in files for problem in _ordered(_problems(file))]


def _ordered(found: Iterable[Problem]) -> list[Problem]:
    return sorted(found, key=lambda problem: (problem.place.line, problem.place.column) if problem.place else (0, 0))


def _placed(problem: Problem, file: Path) -> Problem:
    return problem if problem.place else problem.model_copy(update={"place": Place(file=str(file), line=1, column=1)})


def _problems(file: Path) -> Iterator[Problem]:
    from firedoor.core.language.yaml_source import read_yaml

    try:
        source = read_yaml(_content(file), str(file))
        yield from _of_kind(file, source)
    except FiredoorError as error:
        yield from error.problems


def _content(file: Path) -> bytes:
    if file.is_dir():
        raise NotFound(Problem(code="P140", message=f"{file} holds no YAML file", do="name another folder"))
    if file.exists() and file.suffix not in (".yaml", ".yml"):
        raise NotFound(
            Problem(code="P140", message=f"{file} is no YAML file", do="give files that end in .yaml, or a folder")
        )
    try:
        return file.read_bytes()
    except OSError as error:
        raise NotFound(
            Problem(code="P140", message=f"{file} cannot be read: {error.strerror}", do="check the path")
        ) from None


def _of_kind(file: Path, source: Source) -> Iterable[Problem]:
    data = source.data if isinstance(source.data, dict) else {}
    if "targets" in data and "playbook" not in data:
        return _inventory(file, source)
    if "source" in data and "playbook" not in data:
        return _mapping(source)
    if "playbook" not in data and (set(data) & _profile_keys()):
        return _organisation(file, source)
    return _playbook(file, data)


def _profile_keys() -> frozenset[str]:
    from firedoor.runtime.config.inventory import PROFILE_KEYS

    return PROFILE_KEYS


def _playbook(file: Path, data: dict[str, object]) -> Iterable[Problem]:
    from firedoor.runtime.config import playbooks

    if "steps" in data and "phases" not in data:
        playbooks.load_playbook(file)
        return ()
    return (*playbooks.warnings_of(file), *playbooks.named_elsewhere(file, load_settings()))


def _organisation(file: Path, source: Source) -> Iterable[Problem]:
    from firedoor.duties.catalogue import catalogue
    from firedoor.runtime.config import playbooks
    from firedoor.runtime.config.inventory import doubts, read_organisation

    law = catalogue().facts
    found = doubts(read_organisation(file, law), law, (role for plan in playbooks.plans() for role in plan.roles))
    data = source.data if isinstance(source.data, dict) else {}
    paths = [(one.field or "",) if one.field in data else ("facts", one.field or "") for one in found]
    return [
        one.model_copy(update={"place": source.place(p), "field": None}) for one, p in zip(found, paths, strict=True)
    ]


def _mapping(source: Source) -> Iterable[Problem]:
    from firedoor.alerts.mapping import read_mapping

    read_mapping(source.data, source)
    return ()


def _inventory(file: Path, source: Source) -> Iterator[Problem]:
    """The shape, then what the connectors say about every door. Nothing is called."""
    from firedoor.connectors.parts.context import ConnectorContext, open_client
    from firedoor.connectors.parts.opened import OpenConnectors
    from firedoor.runtime.config import playbooks
    from firedoor.runtime.config.container import utc_now
    from firedoor.runtime.config.inventory import read_inventory
    from firedoor.runtime.config.secrets import ReferencedSecrets
    from firedoor.runtime.execution.evidence_gaps import DO, gaps_in, told

    inventory = read_inventory(file)
    connectors = OpenConnectors(ConnectorContext(open_client(), ReferencedSecrets(), utc_now, inventory))
    for problem in connectors.check_inventory(inventory):
        path: list[str | int] = list((problem.field or "").split("."))
        yield problem.model_copy(update={"place": _door(source, path), "field": None})
    for name, sentence in told(gaps_in(playbooks.plans(), inventory)).items():
        place = source.place(("targets", name))
        yield Problem(code="K113", message=sentence, do=DO, place=place, severity="warning")


def _door(source: Source, path: list[str | int]) -> Place:
    """The place of `targets.NAME.doors.DOOR`: doors are a list in the file, and ids may hold dots."""
    data = object_at(as_object(source.data), "targets")
    name = next((known for known in data if ".".join(map(str, path)).startswith(f"targets.{known}.")), None)
    if name is None:
        return source.place(path)
    rest = ".".join(map(str, path)).removeprefix(f"targets.{name}.").split(".")
    doors = array_at(as_object(data[name]), "doors")
    if rest[0] == "doors" and len(rest) > 1:
        index = next(
            (number for number, door in enumerate(doors) if isinstance(door, dict) and door.get("name") == rest[1]), 0
        )
        below = (int(part) if part.isdecimal() else part for part in rest[2:])
        return source.place(("targets", name, "doors", index, *below))
    return source.place(("targets", name, *rest))


def sarif(found: Iterable[Problem], version: str) -> JsonObject:
    """The problems as SARIF 2.1.0, which code hosts show beside the line."""
    problems = list(found)
    rules: Sequence[JsonObject] = [{"id": code} for code in sorted({problem.code for problem in problems})]
    driver: JsonObject = {"name": "firedoor", "version": version, "rules": rules}
    return {
        "$schema": SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": [_result(problem) for problem in problems]}],
    }


def _result(problem: Problem) -> JsonObject:
    text = f"{problem.message}. {problem.do}".strip() if problem.do else problem.message
    result: dict[str, Json] = {"ruleId": problem.code, "level": problem.severity, "message": {"text": text}}
    if problem.place:
        region = {"startLine": problem.place.line, "startColumn": problem.place.column}
        place: JsonObject = {"artifactLocation": {"uri": problem.place.file}, "region": region}
        result["locations"] = [{"physicalLocation": place}]
    return result
