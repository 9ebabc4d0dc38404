"""What tests of input share: characters that nobody may send through, and every request that the API describes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

UGLY = "\x00\x07\x1b\x9b\u202e\u2066\u2069\u200b\u2060\ufeff"
NEVER = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
RAW = ("/api/v1/alerts/{source}", "/api/v1/incidents/{incident}/evidence")  # bodies that are somebody else's bytes


@dataclass(frozen=True)
class Call:
    """One operation of the API, with an example of everything that it takes."""

    method: str
    path: str
    query: Mapping[str, Any]
    body: Mapping[str, Any] | None
    numbers: tuple[str, ...]  # the parameters that are whole numbers, of the path and of the query


def calls(openapi: Mapping[str, Any]) -> Iterator[Call]:
    """Every operation that the description names."""
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            parameters = operation.get("parameters", [])
            query = {one["name"]: _example(openapi, one["schema"]) for one in parameters if one["in"] == "query"}
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            schema = {} if path in RAW else content.get("schema", {})
            numbers = tuple(one["name"] for one in parameters if "integer" in str(one["schema"]))
            yield Call(method.upper(), path, query, _example(openapi, schema) if schema else None, numbers)


def _example(openapi: Mapping[str, Any], schema: Mapping[str, Any]) -> Any:
    if "$ref" in schema:
        return _example(openapi, openapi["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if examples := schema.get("examples"):
        return examples[0]
    if options := schema.get("anyOf"):
        return _example(openapi, options[0])
    if properties := schema.get("properties"):
        return {name: _example(openapi, inner) for name, inner in properties.items()}
    plain = {"integer": 1, "number": 1, "boolean": False, "array": ["word"], "object": {"word": "word"}}
    return schema.get("default") or schema.get("enum", [None])[0] or plain.get(str(schema.get("type")), "word")


def unseen(text: str) -> list[str]:
    """Whatever in an answer or a cell holds a character that it should not; JSON is read, lines may end in CR LF."""
    try:
        found = list(_texts(json.loads(text)))
    except ValueError:
        found = text.replace("\r\n", "\n").split("\n")
    return [one for one in found if NEVER.search(one)]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for pair in value.items() for one in pair for text in _texts(one))
    elif isinstance(value, list):
        yield from (text for one in value for text in _texts(one))


def every_text(value: Any, change: Callable[[str], Any]) -> Any:
    """The same value with every text in it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {name: every_text(inner, change) for name, inner in value.items()}
    return [every_text(inner, change) for inner in value] if isinstance(value, list) else value
