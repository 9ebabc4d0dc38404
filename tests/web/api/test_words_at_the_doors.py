"""Every closed list of words: a mistyped one is refused with the nearest, at the door by which it comes in."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.api_house import LEAK, House, house

from firedoor.core.facts import FactDefinition, FactType, stated
from firedoor.core.problems import InvalidInput
from firedoor.duties.catalogue import catalogue

CLOSED = {name: one for name, one in catalogue().facts.items() if one.choices or one.type is FactType.SEVERITY}
TYPED: tuple[tuple[str, str, object, str], ...] = (
    ("post", "/api/v1/incidents", {"playbook": "model-data-leakge", "facts": {}, "why": "x"}, LEAK),
    ("post", "/api/v1/incidents", {"playbook": LEAK, "facts": {"endpont": "x"}, "why": "x"}, "endpoint"),
    ("post", "/api/v1/incidents", {"playbook": LEAK, "facts": {"severity": "hihg"}, "why": "x"}, "high"),
    ("post", "{}/facts", {"facts": {"letter_languages": ["dee"]}, "why": "x"}, "de"),
    ("post", "{}/facts", {"facts": {"leak_kind": "trainig_data"}, "why": "x"}, "training_data"),
    ("post", "{}/readers", {"roles": ["comandr"], "people": [], "why": "x"}, "commander"),
    ("post", "{}/tasks/T1/reassign", {"role": "comandr", "why": "x"}, "commander"),
    ("post", "{}/tasks/T1/answer", {"choice": "intimat", "why": "x"}, "intimate"),
    ("post", "/api/v1/tokens", {"name": "t", "roles": ["comandr"]}, "commander"),
    ("post", "/api/v1/alerts/presido", {}, "presidio"),
    ("get", "/api/v1/duties/eu.gdpr.art33.s", None, "eu.gdpr.art33.sa"),
    ("get", "/api/v1/incidents?state=opn", None, "open"),
    ("get", "/api/v1/tasks?state=opn", None, "open"),
    ("get", "/api/v1/tasks?role=comandr", None, "commander"),
    ("get", "/api/v1/alerts?source=presido", None, "presidio"),
    ("get", "/api/v1/alerts?decision=strt", None, "start"),
    ("get", "/api/v1/duties?jurisdiction=US-CAL", None, "US-CA"),
)


async def ask(built: House, method: str, path: str, body: object) -> tuple[int, str]:
    """What the door says."""
    answer = await built.local.request(method, path, json=body) if body is not None else await built.local.get(path)
    return answer.status_code, answer.text


async def test_at_each_door_of_the_api(tmp_path: Path) -> None:
    """An empty list for a mistyped word would read as "there is none"."""
    async with house(tmp_path) as built:
        incident = await built.open(endpoint="chat")
        for method, path, body, meant in TYPED:
            status, said = await ask(built, method, path.replace("{}", f"/api/v1/incidents/{incident}"), body)
            assert 400 <= status < 500, (path, said)
            assert f'did you mean \\"{meant}\\"?' in said, (path, said)


@pytest.mark.parametrize("name", sorted(CLOSED))
def test_each_closed_list_of_facts(name: str) -> None:
    """Whoever says it, by whatever door: one function reads what is said."""
    definition: FactDefinition = CLOSED[name]
    first = definition.choices[0] if definition.choices else "critical"
    wrong = f"{first}x"
    with pytest.raises(InvalidInput, match=f'did you mean "{first}"'):
        stated(definition, [wrong] if definition.type is FactType.LIST else wrong)
