"""Whether Slack would take a layout: its limits, written from the reference of Block Kit.

Source: docs.slack.dev, "Block Kit reference" (blocks, block elements, composition objects, views) and the reference of
`chat.postMessage`. Knows the parts that Firedoor uses; a part or a key that it does not know is a fault, so that a new
one is written down here before it is sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

Json = dict[str, Any]
TOKEN = re.compile(r"<(?:@[UW][A-Z0-9]+|!date\^\d+\^[^|<>^]+\|[^<>]+|https?://[^|<>\s]+\|[^<>]+)>")


def message(given: Json) -> list[str]:
    """The faults of a message."""
    found = [] if 1 <= len(given.get("text", "")) <= 4000 else ["a message has a text of 1 to 4000 characters"]
    return [*found, *_blocks(given.get("blocks", []), 50, {"section", "context", "actions", "header", "divider"})]


def view(given: Json) -> list[str]:
    """The faults of a modal."""
    found = list(_keys(given, {"type", "title", "blocks"}, {"close", "submit", "private_metadata", "callback_id"}))
    for name in ("title", "submit", "close"):
        if name in given:
            found += _text(given[name], 24, "plain_text")
    found += _limit(given, private_metadata=3000, callback_id=255)
    if any(block.get("type") == "input" for block in given["blocks"]) and "submit" not in given:
        found.append("a form with an input has a button to send it")
    return [*found, *_blocks(given["blocks"], 100, {"section", "context", "input", "header", "divider"})]


def _blocks(content: list[Json], most: int, allowed: set[str]) -> Iterator[str]:
    if not 1 <= len(content) <= most:
        yield f"{len(content)} blocks, of at most {most}"
    for name in ("block_id", "action_id"):
        names = [part[name] for part in _parts(content) if name in part]
        if len(names) != len(set(names)):
            yield f"a {name} stands twice"
    for block in content:
        kind = block.get("type")
        if kind not in allowed:
            yield f"{kind} cannot stand here"
        else:
            yield from _limit(block, block_id=255)
            yield from BLOCKS[str(kind)](block)


def _section(block: Json) -> Iterator[str]:
    yield from _keys(block, {"type", "text"}, {"block_id"})
    yield from _text(block["text"], 3000)


def _context(block: Json) -> Iterator[str]:
    yield from _keys(block, {"type", "elements"}, {"block_id"})
    if not 1 <= len(block["elements"]) <= 10:
        yield "a context has 1 to 10 elements"
    for element in block["elements"]:
        yield from _text(element, 3000)


def _header(block: Json) -> Iterator[str]:
    yield from _keys(block, {"type", "text"}, {"block_id"})
    yield from _text(block["text"], 150, "plain_text")


def _divider(block: Json) -> Iterator[str]:
    yield from _keys(block, {"type"}, {"block_id"})


def _actions(block: Json) -> Iterator[str]:
    yield from _keys(block, {"type", "elements"}, {"block_id"})
    if not 1 <= len(block["elements"]) <= 25:
        yield "actions have 1 to 25 elements"
    for element in block["elements"]:
        yield from ELEMENTS.get(str(element.get("type")), _unknown)(element)


def _input(block: Json) -> Iterator[str]:
    yield from _keys(block, {"type", "label", "element"}, {"block_id", "hint", "optional"})
    yield from _text(block["label"], 2000, "plain_text")
    element = block["element"]
    yield from _keys(element, {"type", "action_id"}, {"multiline", "max_length", "min_length", "initial_value"})
    if element["type"] != "plain_text_input" or not 1 <= element.get("max_length", 3000) <= 3000:
        yield "an input takes at most 3000 characters"
    yield from _limit(element, action_id=255)


def _button(element: Json) -> Iterator[str]:
    yield from _keys(element, {"type", "action_id", "text"}, {"value", "style", "url"})
    yield from _text(element["text"], 75, "plain_text")
    yield from _limit(element, action_id=255, value=2000, url=3000)
    if element.get("style", "primary") not in ("primary", "danger"):
        yield "a button is primary or dangerous"


def _select(element: Json) -> Iterator[str]:
    yield from _keys(element, {"type", "action_id", "options"}, {"placeholder"})
    yield from _limit(element, action_id=255)
    yield from _text(element.get("placeholder", {"type": "plain_text", "text": "-"}), 150, "plain_text")
    if not 1 <= len(element["options"]) <= 100:
        yield "a list has 1 to 100 options"
    for option in element["options"]:
        yield from _keys(option, {"text", "value"}, set())
        yield from _text(option["text"], 75, "plain_text")
        yield from _limit(option, value=150)


def _unknown(element: Json) -> Iterator[str]:
    yield f"{element.get('type')} is not known here"


def _text(given: Json, most: int, kind: str = "") -> Iterator[str]:
    """A text object. In markup each angle bracket belongs to something that Slack knows and is whole."""
    yield from _keys(given, {"type", "text"}, {"emoji"} if given.get("type") == "plain_text" else {"verbatim"})
    if (kind or given["type"]) != given["type"] or given["type"] not in ("plain_text", "mrkdwn"):
        yield f"a text of type {given['type']} cannot stand here"
    if not 1 <= len(given["text"]) <= most:
        yield f"a text of {len(given['text'])} characters, of 1 to {most}"
    if given["type"] == "mrkdwn":
        bare = TOKEN.sub("", given["text"])
        if "<" in bare or ">" in bare or re.search(r"&(?!amp;|lt;|gt;)", bare):
            yield f"a token that is broken: {bare[:200]}"


def _keys(given: Json, needed: set[str], more: set[str]) -> Iterator[str]:
    if needed - given.keys() or given.keys() - needed - more:
        yield f"{given.get('type')} has the keys {sorted(given)}"


def _limit(given: Json, **most: int) -> Iterator[str]:
    for name, limit in most.items():
        if name in given and not 1 <= len(given[name]) <= limit:
            yield f"{name} has {len(given[name])} characters, of 1 to {limit}"


def _parts(content: Any) -> Iterator[Json]:
    if isinstance(content, dict):
        yield content
        for inner in content.values():
            yield from _parts(inner)
    elif isinstance(content, list):
        for inner in content:
            yield from _parts(inner)


BLOCKS: dict[str, Callable[[Json], Iterator[str]]] = {
    "section": _section, "context": _context, "header": _header, "divider": _divider, "actions": _actions,
    "input": _input,
}  # fmt: skip
ELEMENTS: dict[str, Callable[[Json], Iterator[str]]] = {"button": _button, "static_select": _select}
