"""Every fixed list of the API and of the console's filters, generated from what the server publishes.

A mistyped word, or a parameter that nobody reads, must never read as "there is none".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx
from tests.support.api_house import House, house

Spec = dict[str, Any]
ROUTES_READ_BY_THE_SOURCE = frozenset(("/api/v1/alerts/{source}",))  # whose parameters each source names itself
OPEN = ("/healthz", "/readyz", "/metrics", "/api/v1/takedown-requests", "/api/v1/journal/verify_journal.py")
FILTERS: tuple[tuple[str, str, str], ...] = (
    ("/incidents", "state", "open"), ("/incidents", "severity", "high"), ("/incidents", "open", "true"),
    ("/incidents", "type", "data_leakage_in_ai_models"), ("/tasks", "role", "commander"), ("/tasks", "whose", "mine"),
    ("/clocks", "which", "late"), ("/alerts", "source", "presidio"), ("/alerts", "decision", "start"),
    ("/duties", "jurisdiction", "US-CA"), ("/duties", "addressee", "authority"), ("/duties", "confidence", "high"),
    ("/figures", "severity", "high"), ("/figures", "type", "data_leakage_in_ai_models"),
    ("/deliveries", "which", "sent"), ("/measures", "state", "settled"),
)  # fmt: skip


def mistyped(word: str) -> str:
    """A word with its last letter twice."""
    return word + word[-1]


def enums(spec: Spec, schema: Spec, depth: int = 0) -> list[str]:
    """The words of a schema that is a fixed list, or may be one."""
    if "$ref" in schema:
        return enums(spec, spec["components"]["schemas"][schema["$ref"].rpartition("/")[2]], depth + 1)
    if depth < 5:
        for inner in (*schema.get("anyOf", ()), *([schema["items"]] if schema.get("type") == "array" else [])):
            if found := enums(spec, inner, depth + 1):
                return found
    return [word for word in schema.get("enum", ()) if isinstance(word, str)]


def operations(spec: Spec) -> Iterator[tuple[str, str, Spec]]:
    """Every operation that needs a caller."""
    for path, methods in spec["paths"].items():
        for method, said in methods.items():
            if path.startswith("/api/v1/") and path not in OPEN:
                yield method, re.sub(r"\{[^}]*\}", "1", path) if path not in ROUTES_READ_BY_THE_SOURCE else "", said


async def ask(built: House, method: str, path: str, **more: Any) -> httpx.Response:
    """The answer of one call."""
    return await built.local.request(method.upper(), path, **more)


async def test_a_mistyped_word_in_a_query_is_answered_with_the_nearest(tmp_path: Path) -> None:
    """And a parameter that no route reads with those that it does."""
    tried = 0
    async with house(tmp_path) as built:
        spec = (await built.local.get("/openapi.json")).json()
        for method, path, said in operations(spec):
            if not path:
                continue
            if method == "get":
                answer = await ask(built, method, f"{path}?sttae=x")
                assert (answer.status_code, answer.json()["problems"][0]["code"]) == (422, "W139"), (path, answer.text)
            for one in said.get("parameters", ()):
                if one["in"] == "query" and (words := enums(spec, one["schema"])):
                    answer = await ask(built, method, path, params={one["name"]: mistyped(words[0])})
                    assert answer.status_code == 422, (path, answer.text)
                    assert f'did you mean "{words[0]}"' in str(answer.json()), (path, answer.text)
                    tried += 1
    assert tried >= 8


async def test_a_mistyped_word_in_a_body_is_answered_with_the_nearest(tmp_path: Path) -> None:
    """In every field of every body that takes the words of a fixed list; an unknown key with the nearest key."""
    words_tried = keys_tried = 0
    async with house(tmp_path) as built:
        spec = (await built.local.get("/openapi.json")).json()
        for method, path, said in operations(spec):
            schema = said.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            form = spec["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], {})
            for name, field in form.get("properties", {}).items() if path else ():
                answer = await ask(built, method, path, json={mistyped(name): "x"})
                assert f'did you mean "{name}"' in str(answer.json()), (method, path, answer.text)
                keys_tried += 1
                if words := enums(spec, field):
                    typed: object = mistyped(words[0])
                    answer = await ask(built, method, path, json={name: [typed] if "items" in str(field) else typed})
                    assert f'did you mean "{words[0]}"' in str(answer.json()), (method, path, answer.text)
                    words_tried += 1
    assert (words_tried >= 1, keys_tried > 30) == (True, True)


async def test_a_page_says_that_a_filter_was_not_used(tmp_path: Path) -> None:
    """The same words as the API's, on the page; and never a list that is empty for want of a letter."""
    async with house(tmp_path) as built:
        await built.open(endpoint="chat")
        for path, name, word in FILTERS:
            answer = await built.local.get(path, params={name: mistyped(word)}, headers={"accept": "text/html"})
            said = unescape(answer.text).replace('\\"', '"')  # a program's answer, where the page has its own type
            assert answer.status_code == 422, path
            assert f'{name} cannot be "{mistyped(word)}"' in said, (path, name)
            assert f'did you mean "{word}"' in said, (path, name)
            assert (await built.local.get(path, params={name: word})).status_code == 200, (path, name)


async def test_a_list_of_an_incident_that_is_not_there_is_no_empty_list(tmp_path: Path) -> None:
    """Nothing waits for INC-2026-0999 because there is no such incident."""
    async with house(tmp_path) as built:
        incident = await built.open(endpoint="chat")
        for path in ("alerts", "tasks", "clocks", "messages", "deliveries"):
            assert (await built.local.get(f"/api/v1/{path}?incident={incident}")).status_code == 200
            answer = await built.local.get(f"/api/v1/{path}?incident=INC-2026-0999")
            assert (answer.status_code, answer.json()["problems"][0]["code"]) == (404, "S103"), path


async def test_incidents_are_found_by_severity_and_type(tmp_path: Path) -> None:
    """As on the page."""
    async with house(tmp_path) as built:
        incident = await built.open(severity="low")
        for query, found in (
            ("severity=low", [incident]),
            ("severity=high", []),
            ("type=unauthorized_ai_training", []),
        ):
            listed = (await built.local.get(f"/api/v1/incidents?{query}")).json()["incidents"]
            assert [one["id"] for one in listed] == found, query
