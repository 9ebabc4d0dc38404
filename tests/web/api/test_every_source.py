"""Every source that ships, over HTTP in one application: its examples are taken, and nothing sent is a fault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.support.api_house import house

from firedoor.alerts.registry import example_body, sources
from firedoor.alerts.source import AlertSource, Example

DECIDED = {"start", "attach", "ask"}
HOSTILE: tuple[bytes, ...] = (
    b"",
    b"null",
    b"7",
    b"[]",
    b"{}",
    b'{"id": "\xff"}',
    b"[" * 2000,
    b'{"a": ' * 50 + b"1" + b"}" * 50,
    b'["\\ud800"]',
)


def shown() -> Iterator[tuple[AlertSource, Example]]:
    """Every example with its source."""
    for source in sources().values():
        yield from ((source, example) for example in source.examples)


async def test_every_example_is_taken_and_nothing_is_a_fault(tmp_path: Path) -> None:
    """Each alert of an example starts, joins or asks, or says why it is nothing; hostile bytes are a 202 or a 422."""
    async with house(tmp_path) as built:
        for source, example in shown():
            answer = await built.local.post(
                f"/api/v1/alerts/{source.id}", content=example_body(example), headers=dict(example.headers)
            )
            assert answer.status_code == 202, (source.id, answer.text)
            told = answer.json()["alerts"]
            assert len(told) == len(source.parse(example_body(example), example.headers)), source.id
            assert all(one["reasons"] for one in told), source.id
            assert DECIDED & {one["decision"] for one in told}, (source.id, told)
        for source in sources().values():
            for body in HOSTILE:
                answer = await built.local.post(
                    f"/api/v1/alerts/{source.id}", content=body, headers={"content-type": source.content_types[0]}
                )
                assert answer.status_code in (202, 422), (source.id, body, answer.text)
