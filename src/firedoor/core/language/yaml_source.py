"""YAML as a person wrote it: plain data, with the line and column of every part.

Decides what YAML Firedoor accepts: one document of at most 1 MB, mappings,
lists and plain scalars; no tags, anchors, aliases, merge keys, duplicate keys
or deep nesting (which is what hostile YAML is made of). `yes`, `no` and `on`
are words here, as in YAML 1.2. Leaves all meaning to the models that read it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import yaml
from pydantic import ValidationError

from firedoor.core.language.validation import faults
from firedoor.core.problems import InvalidInput, Place, Problem, nearest
from firedoor.core.text import clean_text

MAXIMUM_BYTES = 1_000_000
MAXIMUM_DEPTH = 40
MAXIMUM_NODES = 50_000

Path = tuple[str | int, ...]
_INTEGER = re.compile(r"[-+]?[0-9]{1,15}")
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLEANS = {"true": True, "True": True, "false": False, "False": False}
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Mark(Protocol):
    """Where something stands, as either of YAML's two parsers says it."""

    @property
    def line(self) -> int:
        """Counted from 0."""

    @property
    def column(self) -> int:
        """Counted from 0."""


@dataclass(frozen=True)
class Source:
    """Data read from a file, and where each part of it stands."""

    file: str
    data: object
    places: dict[Path, Place]

    def place(self, path: Iterable[str | int]) -> Place:
        """The place of a part, or of the nearest part around it."""
        found: Path = ()
        for part in path:  # the tag of a union, which a form's validation puts in the middle, stands in no file
            found = (*found, part) if (*found, part) in self.places else found
        return self.places.get(found) or Place(file=self.file, line=1, column=1)

    def problem(self, path: Iterable[str | int], code: str, message: str, do: str = "") -> Problem:
        """A problem at a part."""
        return Problem(code=code, message=message, do=do, place=self.place(path))


def read_yaml(text: bytes | str, file: str) -> Source:
    """Read one YAML document. Raises InvalidInput with every problem found."""
    decoded = _decode(text, file)
    try:
        loader = _Loader(decoded)
        try:
            _refuse_events(decoded, file)
            root = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        place = _place(error.problem_mark or error.context_mark, file)
        raise InvalidInput(
            Problem(code="Y101", message=f"cannot be read as YAML: {error.problem or error.context}", place=place)
        ) from None
    except yaml.YAMLError as error:
        raise _fault(file, "Y101", f"cannot be read as YAML: {str(error).splitlines()[0]}") from None
    if root is None:
        raise _fault(file, "Y102", "the file is empty", "write a playbook; `firedoor show` prints one as an example")
    builder = _Builder(file)
    data = builder.build(root, ())
    if builder.problems:
        raise InvalidInput(builder.problems)
    return Source(file, data, builder.places)


def problems_of(
    error: ValidationError, source: Source, prefix: Path = (), known: Iterable[str] = (), form: object = None
) -> list[Problem]:
    """Turn a model's complaints into problems with places. `form` is the model; `known` are its keys where it has more.

    What is missing has no place of its own: it is told at the place that should hold it.
    """
    problems = []
    for fault in faults(error, form):
        outermost = known and fault.kind == "extra_forbidden" and len(fault.path) == 1
        do = nearest(str(fault.path[-1]), known) if outermost else fault.do
        path = (*prefix, *(fault.path[:-1] if fault.kind == "missing" else fault.path))
        problems.append(source.problem(path, "P101", fault.message, do))
    return problems


def _decode(text: bytes | str, file: str) -> str:
    if len(text) > MAXIMUM_BYTES:
        raise _fault(file, "Y103", f"the file is {len(text)} bytes long; at most {MAXIMUM_BYTES} are read", "split it")
    if isinstance(text, str):
        return text
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text[: error.start].count(b"\n") + 1
        raise InvalidInput(
            Problem(
                code="Y104",
                message="is not UTF-8 text",
                do="save it as UTF-8",
                place=Place(file=file, line=line, column=1),
            )
        ) from None


def _refuse_events(text: str, file: str) -> None:
    """Refuse what hostile YAML is made of before any tree is built from it."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=_Loader), 1):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        what = _refusal(event, depth, count)
        if what:
            place = _place(event.start_mark, file)
            raise InvalidInput(Problem(code="Y105", message=what, do="write the value out in full", place=place))


def _refusal(event: yaml.Event, depth: int, count: int) -> str:
    if isinstance(event, yaml.AliasEvent):
        return "aliases (*name) are not accepted"
    if getattr(event, "anchor", None):
        return "anchors (&name) are not accepted"
    tag = getattr(event, "tag", None)
    if tag not in (None, "!"):
        return f"tags ({tag}) are not accepted"
    if depth > MAXIMUM_DEPTH:
        return f"is nested more than {MAXIMUM_DEPTH} deep"
    return f"has more than {MAXIMUM_NODES} parts" if count > MAXIMUM_NODES else ""


class _Builder:
    """Builds plain data from nodes and remembers places."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.places: dict[Path, Place] = {}
        self.problems: list[Problem] = []

    def build(self, node: yaml.Node, path: Path) -> object:
        self.places.setdefault(path, self._place(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        value = _scalar(node)
        # Words of a file reach pages, terminals and letters as words of people do, and pass the same cleaner.
        return clean_text(value, lines=True) if isinstance(value, str) else value

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        result: dict[str, object] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._complain(key_node, "Y106", "a key must be a word")
                continue
            key = str(key_node.value)
            if key in result:
                self._complain(key_node, "Y107", f'the key "{key}" is given twice')
                continue
            if key == "<<":
                self._complain(key_node, "Y105", "merge keys (<<) are not accepted")
                continue
            self.places[(*path, key)] = self._place(key_node)
            result[key] = self.build(value_node, (*path, key))
        return result

    def _place(self, node: yaml.Node) -> Place:
        return _place(node.start_mark, self.file)

    def _complain(self, node: yaml.Node, code: str, message: str) -> None:
        self.problems.append(Problem(code=code, message=message, place=self._place(node)))


def _scalar(node: yaml.Node) -> str | int | bool | None:
    text = str(node.value)
    if getattr(node, "style", None):  # quoted or block: always words (plain is None, or empty from the C loader)
        return text
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    return int(text) if _INTEGER.fullmatch(text) else text


def _place(mark: _Mark | None, file: str) -> Place:
    """Marks count from 0; a fault without one is put at the beginning."""
    return Place(file=file, line=(mark.line if mark else 0) + 1, column=(mark.column if mark else 0) + 1)


def _fault(file: str, code: str, message: str, do: str = "") -> InvalidInput:
    return InvalidInput(Problem(code=code, message=message, do=do, place=Place(file=file, line=1, column=1)))
