"""Where playbooks are found, and what they compile to.

Decides the order of places: a path that is given, the folder that FIREDOOR_PLAYBOOKS
names, the checkout's `playbooks/`, or the copy that the wheel carries. Parts for `use:`
stand in `parts/` beside a playbook, or in that of the library. Reads files and nothing
else. Leaves what a playbook means to `core`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from firedoor.core.facts import FactDefinition
from firedoor.core.language.yaml_source import read_yaml
from firedoor.core.lifecycle import IncidentType
from firedoor.core.playbook.compiler import Parts, a_part, compile_with_warnings
from firedoor.core.playbook.plan import Plan
from firedoor.core.playbook.playbook import Playbook, StepNode, read_playbook
from firedoor.core.problems import FiredoorError, InvalidInput, NotFound, Problem, nearest
from firedoor.core.targets import Inventory
from firedoor.runtime.config import rereading
from firedoor.runtime.config.alert_sources import Sources
from firedoor.runtime.config.inventory import read_inventory
from firedoor.runtime.config.names_elsewhere import names_elsewhere
from firedoor.runtime.config.rereading import is_page
from firedoor.runtime.config.settings import Settings

ENVIRONMENT = "FIREDOOR_PLAYBOOKS"
PARTS = "parts"
_HERE = Path(__file__).resolve()
_CHECKOUT = _HERE.parents[4] / "playbooks"
_WHEEL = _HERE.parents[2] / "playbooks"


def folder() -> Path:
    """The folder of playbooks: from the environment, the checkout or the wheel."""
    named = os.environ.get(ENVIRONMENT)
    if named:
        return Path(named)
    return _CHECKOUT if _CHECKOUT.is_dir() else _WHEEL


def paths(where: Path | None = None) -> list[Path]:
    """The files of all playbooks of a folder, by name; parts are not among them."""
    found = where or folder()
    return sorted(path for path in found.glob("*.y*ml") if is_page(path))


def find(name: str | Path) -> Path:
    """Return the file of a playbook by its path or its name. Raises NotFound naming the nearest."""
    given = Path(name)
    if given.suffix in (".yaml", ".yml") or given.parent != Path():
        if given.is_file():
            return given
        do = "give a playbook's name, or the path of its file"
        raise NotFound(Problem(code="P140", message=f"{given} is not a file", do=do))
    known = {path.stem: path for path in paths()}
    if str(name) in known:
        return known[str(name)]
    raise NotFound(
        Problem(code="P140", message=f'no playbook is called "{name}" in {folder()}', do=nearest(str(name), known))
    )


def seen() -> rereading.Seen:
    """What the files of the folder look like from outside. Raises OSError where the folder cannot be read.

    A link that leads nowhere, such as an editor's lock, looks like itself.
    """
    where = folder()
    found = [*where.iterdir(), *((where / PARTS).iterdir() if (where / PARTS).is_dir() else ())]
    return rereading.seen(path for path in found if is_page(path))


def refuse_twice(playbook: Playbook, others: Mapping[str, Playbook]) -> None:
    """Raises InvalidInput where another file holds a playbook of the same name."""
    if problems := list(_twice(playbook, others)):
        raise InvalidInput(problems)


def load_playbook(name: str | Path) -> Playbook:
    """Read a playbook. Raises NotFound, or InvalidInput with every problem of its shape."""
    path = find(name)
    return _read(str(path), _content(path))


def compiled(name: str | Path) -> Plan:
    """Compile a playbook. Raises NotFound or InvalidInput; cached by the content of all its files."""
    return _compiled(name)[0]


def warnings_of(name: str | Path) -> tuple[Problem, ...]:
    """What is doubtful about a playbook though it may run. Raises as `compiled` does."""
    return _compiled(name)[1]


def named_elsewhere(name: str | Path, settings: Settings) -> list[Problem]:
    """Names in a playbook that nothing of this installation has, as warnings. Raises as `compiled` does."""
    try:
        inventory = read_inventory(settings.targets_file)
    except FiredoorError:  # told where the inventory is checked; without it nothing is said about doors
        inventory = Inventory()
    known = Sources(settings.mappings_folder)
    return list(names_elsewhere(load_playbook(name), compiled(name), known, inventory))


def _compiled(name: str | Path) -> tuple[Plan, tuple[Problem, ...]]:
    path = find(name)
    page = _read(str(path), _content(path))
    if page.is_part:
        raise InvalidInput(a_part(page, _using(path)))
    beside = path.parent / PARTS
    contents = tuple((str(part), _content(part)) for part in _part_paths(beside).values())
    return _compile(str(path), _content(path), contents)


def plans() -> list[Plan]:
    """The plans of all playbooks that can be compiled; what is wrong with the others is told elsewhere."""
    found = []
    for path in paths():
        with contextlib.suppress(FiredoorError):
            found.append(compiled(path))
    return found


def all_playbooks() -> Mapping[str, Playbook]:
    """Every playbook by its name, in alphabetical order. Raises InvalidInput with the problems of all files at once."""
    playbooks: dict[str, Playbook] = {}
    problems: list[Problem] = []
    for path in paths():
        try:
            playbook = load_playbook(path)
        except InvalidInput as error:
            problems.extend(error.problems)
            continue
        problems.extend(_twice(playbook, playbooks))
        playbooks[playbook.name] = playbook
    if problems:
        raise InvalidInput(problems)
    return dict(sorted(playbooks.items()))


def types_without(known: Iterable[IncidentType | None]) -> list[str]:
    """The types of incidents that none of these is for."""
    there = set(known)
    return [str(one) for one in IncidentType if one not in there]


def parts_of(where: Path) -> Parts:
    """A look-up of parts: those beside a playbook first, then the library's own."""
    known = {**_part_paths(folder() / PARTS), **_part_paths(where / PARTS)}

    def find_part(name: str) -> Playbook:
        if name not in known:
            raise LookupError(sorted(known))
        return _read(str(known[name]), _content(known[name]))

    return find_part


def vocabulary() -> Mapping[str, FactDefinition]:
    """The facts that the law asks about, which playbooks may use without declaring them."""
    from firedoor.duties.catalogue import catalogue

    return catalogue().facts


def duty_problems(playbook: Playbook) -> Iterator[Problem]:
    """Every duty that `duties:` names must be in the catalogue."""
    from firedoor.duties.catalogue import catalogue

    if playbook.header.duties == "auto":
        return
    for index, duty in enumerate(playbook.header.duties):
        if duty not in catalogue():
            do = nearest(duty, catalogue())
            yield playbook.source.problem(("duties", index), "P201", f'no duty is called "{duty}"', do)


def drill_duty_problems(playbook: Playbook) -> Iterator[Problem]:
    """Every duty whose clock a drill expects must be in the catalogue, or the drill proves nothing of it."""
    from firedoor.duties.catalogue import catalogue

    for index, drill in enumerate(playbook.header.drills):
        for name in drill.expect.clocks:
            duty = name.partition("@")[0].partition("[")[0]
            if duty not in catalogue():
                path = ("drills", index, "expect", "clocks", name)
                do = nearest(duty, catalogue())
                yield playbook.source.problem(path, "P305", f'no duty is called "{duty}"', do)


def alert_problems(playbook: Playbook) -> Iterator[Problem]:
    """Every example with which a drill begins must ship with its source, where that is one of ours."""
    from firedoor.alerts.registry import sources

    for index, drill in enumerate(playbook.header.drills):
        source = sources().get(drill.alert.source) if drill.alert else None
        examples = [example.file for example in source.examples] if source else []
        named = drill.alert.example if drill.alert and source else None
        if source and named is not None and named not in examples:
            message, path = f'{source.id} has no example "{named}"', ("drills", index, "alert", "example")
            yield playbook.source.problem(path, "P305", message, nearest(named, examples))


def _twice(playbook: Playbook, others: Mapping[str, Playbook]) -> Iterator[Problem]:
    other = others.get(playbook.name)
    if other:
        message = f'two files hold a playbook called "{playbook.name}": the other is {other.source.file}'
        yield playbook.source.problem(("playbook",), "P141", message, "give one of them another name")


def _part_paths(where: Path) -> dict[str, Path]:
    return {path.stem: path for path in sorted(where.glob("*.y*ml")) if is_page(path)}


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFound(Problem(code="P140", message=f"{path} cannot be read: {error.strerror}")) from None


@lru_cache(maxsize=256)
def _read(file: str, content: bytes) -> Playbook:
    from firedoor.steps.registry import step_types

    return read_playbook(read_yaml(content, file), step_types(), vocabulary())


@lru_cache(maxsize=64)
def _compile(
    file: str,
    content: bytes,
    parts: tuple[tuple[str, bytes], ...],  # noqa: ARG001 - parts are part of the key
) -> tuple[Plan, tuple[Problem, ...]]:
    from firedoor.steps.registry import step_types

    playbook = _read(file, content)
    problems = [*duty_problems(playbook), *drill_duty_problems(playbook), *alert_problems(playbook)]
    try:
        made = compile_with_warnings(playbook, step_types(), vocabulary(), parts_of(Path(file).parent))
    except InvalidInput as error:
        problems.extend(error.problems)
        raise InvalidInput(problems) from None
    if problems:
        raise InvalidInput(problems)
    return made


def _using(part: Path) -> Iterator[str]:
    """The names of the playbooks that use a part, of the folder above it and of the library."""
    for path in dict.fromkeys((*paths(part.parent.parent), *paths())):
        with contextlib.suppress(FiredoorError):
            page = load_playbook(path)
            if any(node.use == part.stem for steps in page.phases.values() for node in _nodes(steps)):
                yield page.name


def _nodes(steps: Iterable[StepNode]) -> Iterator[StepNode]:
    for step in steps:
        yield step
        yield from _nodes((*step.children, *step.on_failure))


def texts_of(name: str) -> dict[str, str]:
    """The text of a playbook's file and of every part beside it, by a short name. A playbook that is gone has none."""
    try:
        path = find(name)
    except NotFound:
        return {}
    parts = {f"{PARTS}/{part.name}": part for part in _part_paths(path.parent / PARTS).values()}
    return {short: _content(file).decode("utf-8", "replace") for short, file in {path.name: path, **parts}.items()}


def digest_of(path: Path) -> str:
    """SHA-256 of a playbook's file, hexadecimal."""
    return hashlib.sha256(_content(path)).hexdigest()


__all__ = [
    "FiredoorError",
    "all_playbooks",
    "compiled",
    "digest_of",
    "find",
    "folder",
    "load_playbook",
    "parts_of",
    "paths",
    "texts_of",
    "types_without",
    "vocabulary",
    "warnings_of",
]
