"""Where things stand in one example of a foreign payload: every value with the path by which a mapping finds it.

Decides how an example is opened (as a delivery is, and a form by the one field that holds JSON), which of its lists are
the alerts, and how a path to a value is written. Lists of named values (`{"key": "model", "value": ...}`) and tags are
found by their names. At most 2,000 values are looked at. Leaves what they may mean to `proposal`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from firedoor.alerts.bodies import FORM, read_payloads
from firedoor.alerts.mapped_item import mapped_source
from firedoor.alerts.mapping import read_mapping
from firedoor.alerts.paths import is_path, opened
from firedoor.alerts.source import Headers, media_type
from firedoor.core.json_types import Json
from firedoor.core.problems import InvalidInput, Problem

MAXIMUM_LEAVES = 2000
LISTS = (
    "alerts",
    "findings",
    "detections",
    "events",
    "results",
    "records",
    "items",
    "incidents",
    "data",
    "value",
    "hits",
)
NAMING, VALUED = ("key", "name", "label", "field"), ("value", "val")
_SIMPLE = re.compile(r"[^.\[\]/{}|:]+")


@dataclass(frozen=True)
class Leaf:
    """One value: its path, its name without case and separators, and how deep it stands."""

    path: str
    plain: str
    depth: int
    value: Json


@dataclass(frozen=True)
class Sample:
    """One alert of the example, where the alerts stand in it, and the field of the form in which it came."""

    item: Json
    alerts_at: str = ""
    form_field: str = ""


def opened_sample(body: bytes, headers: Headers) -> Sample:
    """Open an example. Raises InvalidInput when it holds no object."""
    field = _form_field(body) if media_type(headers) == FORM else ""
    source = mapped_source(read_mapping({"source": "sample", "fields": {"id": "id"}}))
    payload = next(
        (one for one in read_payloads(source, body, headers, field or "payload") if not isinstance(one, Problem)), None
    )
    item = payload[0] if isinstance(payload, list) and payload else payload
    if not isinstance(item, dict):
        message, do = "holds no object to map", "give one delivery as the detector sends it"
        raise InvalidInput(Problem(code="D125", field="(the sample)", message=message, do=do))
    if isinstance(payload, list):
        return Sample(item, "", field)
    for name in LISTS:
        inner = item.get(name)
        if isinstance(inner, list) and inner and isinstance(inner[0], dict):
            return Sample(inner[0], _step("", name), field)
    return Sample(item, "", field)


def leaves(item: Json) -> list[Leaf]:
    """Every value of one alert; of a list of objects those of its first, under `[*]`."""
    found: list[Leaf] = []
    for leaf in _walk(item, "", 0):
        if len(found) >= MAXIMUM_LEAVES:
            break
        if is_path(leaf.path):
            found.append(leaf)
    return found


def _walk(value: Json, path: str, depth: int) -> Iterator[Leaf]:
    value = opened(value)
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _walk_named(inner, _step(path, name), name, depth + 1)
    elif isinstance(value, list) and value and path:
        yield from _named_values(value, path, depth)
        yield from _walk(value[0], f"{path}[*]", depth + 1) if isinstance(value[0], (dict, list)) else ()


def _walk_named(value: Json, path: str, name: str, depth: int) -> Iterator[Leaf]:
    inner = opened(value)
    if isinstance(inner, (dict, list)):
        yield from _walk(inner, path, depth)
        return
    yield Leaf(path, plain(name), depth, value)
    if isinstance(value, str) and ":" in value and "," in value and "\n" not in value:
        yield from _tags(value.split(","), path, depth)


def _named_values(items: list[Json], path: str, depth: int) -> Iterator[Leaf]:
    """`[{"key": "model", "value": "chat"}]` and `["model:chat"]`: each value by its name."""
    yield from _tags([one for one in items if isinstance(one, str)], path, depth)
    for item in items:
        pair = item if isinstance(item, dict) else {}
        name = next((one for one in NAMING if isinstance(pair.get(one), str)), None)
        value = next((one for one in VALUED if one in pair), None)
        if name is not None and value is not None:
            given = str(pair[name])
            yield Leaf(f"{path}[?{name}=='{given}'].{value}", plain(given), depth + 1, pair[value])


def _tags(texts: list[str], path: str, depth: int) -> Iterator[Leaf]:
    for text in texts:
        key, colon, value = text.partition(":")
        if colon and value.strip() and len(key) <= 40 and " " not in key.strip():
            yield replace(Leaf(f"{path}[tag:{key.strip()}]", plain(key), depth + 1, None), value=value.strip())


def plain(name: str) -> str:
    """A name without case and separators; the last part of a dotted one."""
    last = name.rstrip(".").rpartition(".")[2] or name
    return re.sub(r"[\s_-]", "", last).lower()


def _step(path: str, name: str) -> str:
    """The path of a field inside: dotted where its name allows it, else as a JSON pointer."""
    if _SIMPLE.fullmatch(name) and not path.startswith("/"):
        return f"{path}.{name}" if path else name
    if "[" in path:
        return f"{path}.{name}"  # no pointer goes through a list by name; `leaves` drops what is no path
    before = path if path.startswith("/") else "".join(f"/{part}" for part in path.split(".")) if path else ""
    return f"{before}/{name.replace('~', '~0').replace('/', '~1')}"


def _form_field(body: bytes) -> str:
    """The field of a form in which JSON stands."""
    try:
        fields = parse_qsl(body.decode("ascii"), max_num_fields=64)
    except (UnicodeDecodeError, ValueError):
        return ""
    return next((name for name, value in fields if value.lstrip().startswith(("{", "["))), "")
