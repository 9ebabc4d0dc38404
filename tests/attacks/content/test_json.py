"""JSON and numbers as no reader should take them: every body and every parameter refuses them, and none is a fault."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from tests.attacks.ugly import Call, calls
from tests.support.api_house import House, house, problems

HOSTILE = {
    "surrogate": (b'{"x": "\\ud800"}', "D107"),
    "surrogate in a key": (b'{"\\udfff": 1}', "D107"),
    "large whole number": (b'{"x": 123456789012345678901234567890}', "D106"),
    "larger whole number": (b'{"x": ' + b"9" * 5000 + b"}", "D106"),
    "no number": (b'{"x": NaN}', "D106"),
    "infinite": (b'{"x": 1e999}', "D106"),
    "key twice": (b'{"x": 1, "x": 2}', "D105"),
    "deep": (b'{"x": ' + b"[" * 5000 + b"]" * 5000 + b"}", "D102"),
    "not UTF-8": (b'{"x": "\xff"}', "W120"),
    "no JSON": (b"{", "W120"),
    "UTF-16": ('{"x": 1}'.encode("utf-16"), "W120"),
}
NUMBERS = ("99999999999999999999999", "-99999999999999999999999", str(2**63), "1e9", "NaN", "\ud800", "")


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as built:
        yield built


def path_of(call: Call, incident: str, number: str = "1") -> str:
    """The address of a call, for this incident, with `number` wherever a number stands."""
    path = call.path.replace("{incident}", incident).replace("{task}", "T1")
    for name in call.numbers:
        path = path.replace(f"{{{name}}}", number)
    return path


@pytest.mark.parametrize("name", HOSTILE)
async def test_every_body_is_read_strictly(built: House, name: str) -> None:
    """A lone surrogate, a number that nothing can hold, a key that stands twice: refused by a word, wherever it is."""
    body, code = HOSTILE[name]
    incident = await built.open()
    for call in calls(built.app.openapi()):
        if call.body is not None:
            headers = {"content-type": "application/json"}
            answer = await built.local.request(call.method, path_of(call, incident), content=body, headers=headers)
            assert answer.status_code == 422, f"{call.method} {call.path}: {answer.status_code} {answer.text}"
            assert problems(answer) == [code], f"{call.method} {call.path}"


@pytest.mark.parametrize("number", NUMBERS)
async def test_no_number_in_an_address_is_a_fault(built: House, number: str) -> None:
    """Whatever is written where a number belongs, in a path or a query, is refused, and SQL is never answered."""
    incident = await built.open()
    for call in calls(built.app.openapi()):
        if call.numbers and call.path != "/api/v1/events":
            query = {name: number.encode("utf-8", "surrogatepass") for name in call.numbers if name in call.query}
            path = path_of(call, incident, "9" * 30 if "\ud800" in number else number or "x")
            answer = await built.local.request(call.method, path, params=query, json=call.body)
            assert answer.status_code < 500, f"{call.method} {path}: {answer.status_code} {answer.text}"
            assert "SQL" not in answer.text.upper(), answer.text


async def test_every_whole_number_in_an_address_is_bounded(built: House) -> None:
    """Of the pages too, so that no new one can be forgotten."""
    unbounded = [
        f"{route.path}: {one.name}"
        for route in built.app.routes
        if isinstance(route, APIRoute)
        for one in (*route.dependant.path_params, *route.dependant.query_params)
        if "int" in str(one.field_info.annotation) and "Le(" not in str(one.field_info.metadata)
    ]
    assert not unbounded


@pytest.mark.parametrize("value", [10**18, -(10**18), 1e300, "9" * 30, [[]], {"": {}}, None, True])
async def test_no_value_in_a_body_is_a_fault(built: House, value: object) -> None:
    """Every field of every body, one after the other, with a value that is too large or of another kind."""
    incident = await built.open()
    for call in calls(built.app.openapi()):
        for name in call.body or {}:
            given = json.dumps({**(call.body or {}), name: value})
            headers = {"content-type": "application/json"}
            answer = await built.local.request(call.method, path_of(call, incident), content=given, headers=headers)
            assert answer.status_code < 500, f"{call.method} {call.path} {name}: {answer.status_code} {answer.text}"
