"""The inventory as a graph: what is reached, who is concerned, and what nobody has said."""

from __future__ import annotations

import json
from datetime import date
from xml.dom import minidom

import pytest

from firedoor.core.facts import Count
from firedoor.core.inventory import drawing
from firedoor.core.inventory.affected import MAXIMUM, affected, people, proposed_facts
from firedoor.core.inventory.answer import answer, because
from firedoor.core.inventory.completeness import gaps
from firedoor.core.inventory.graph import graph_of
from firedoor.core.problems import NotFound
from firedoor.core.targets import Inventory

DOORS = [{"name": "gate", "connector": "http"}]
TOLD = {
    "targets": {
        "chat-large": {"model": "chat", "owner": "ana", "regions": ["eu-west-1"], "doors": DOORS},
        "chat-eu": {"model": "chat-lora@2", "regions": ["eu-west-1"], "doors": DOORS},
        "other": {"model": "other@1", "doors": DOORS},
    },
    "owners": {"ana": {"name": "Ana Ruiz", "contact": "ana@firedoor.example"}},
    "datasets": {
        "posts": {"people": {"US-CA": 501, "DE": "100..200"}, "recipients": ["collab"], "as_of": "2026-11-01"},
        "posts-clean": {"derived_from": ["posts"], "people": {"DE": 150}},
    },
    "training_runs": {"run-17": {"datasets": ["posts-clean"]}},
    "models": {
        "chat@3": {"name": "chat", "run": "run-17"}, "chat-lora@2": {"kind": "adapter", "base": ["chat@3"]},
        "other@1": {"datasets": ["posts-clean"]},
    },
    "customers": {"acme": {"targets": ["chat-eu"], "country": "FR", "people": {"FR": 1000}}},
    "recipients": {"collab": {"country": "US", "contact": "legal@collab.example"}},
}  # fmt: skip
INVENTORY = Inventory.model_validate(TOLD)
GRAPH = graph_of(INVENTORY)


def test_data_reaches_everything_that_was_made_of_it() -> None:
    """From a data set over runs, weights and adapters to endpoints, regions, customers and recipients."""
    found = affected(GRAPH, ["posts"])
    assert {node.key for node in found.nodes} == {
        "dataset:posts", "dataset:posts-clean", "recipient:collab", "run:run-17", "model:chat@3", "model:chat-lora@2",
        "model:other@1", "target:chat-large", "target:chat-eu", "target:other", "region:eu-west-1", "customer:acme",
    }  # fmt: skip
    assert found.targets() == ("other", "chat-large", "chat-eu")
    assert not found.same_data


def test_an_endpoint_stands_for_its_model() -> None:
    """What else serves the same weights or was made from them is affected; what only shares data is listed apart."""
    found = affected(GRAPH, ["chat-large"])
    assert found.targets() == ("chat-eu",)
    assert [node.id for node in found.same_data] == ["other@1"]
    assert {node.id for node in found.data} == {"posts", "posts-clean"}
    assert because(found, "chat-eu") == "chat@3 is the base of chat-lora@2; chat-lora@2 is served by chat-eu"


def test_people_are_ranges() -> None:
    """Two data sets may be about the same people: at least the larger, at most both together."""
    about, served = people(INVENTORY, affected(GRAPH, ["posts"]))
    assert about == {"DE": Count(minimum=150, maximum=350), "US-CA": Count(minimum=501, maximum=501)}
    assert served == {"FR": Count(minimum=1000, maximum=1000)}


def test_proposed_facts_name_places_and_no_harm() -> None:
    """That data were used does not say that anybody was harmed: the least is 0; Germany counts for the EU."""
    about = {"DE": Count(minimum=1, maximum=350), "US-CA": Count(minimum=501, maximum=501), "GB": Count(minimum=2)}
    known = {"residents_eu", "residents_us", "residents_us_ca", "residents_uk"}
    assert proposed_facts(about, {"FR": Count(minimum=1, maximum=1)}, known) == {
        "jurisdictions": ["DE", "FR", "GB", "US-CA"], "residents_eu": {"min": 0, "max": 350},
        "residents_uk": {"min": 0, "max": None}, "residents_us": {"min": 0, "max": 501},
        "residents_us_ca": {"min": 0, "max": 501},
    }  # fmt: skip


def test_the_answer_says_what_is_unknown() -> None:
    """A thing that is only named, data about nobody knows whom, and a target without a model are said."""
    inventory = Inventory.model_validate({**TOLD, "models": {}, "datasets": {"posts": {}}})
    body = json.loads(json.dumps(answer(inventory, affected(graph_of(inventory), ["chat-large"]), ())))
    named = "model chat is named in the inventory and not described: what else it reaches is unknown"
    assert named in body["unknown"]
    body = json.loads(json.dumps(answer(INVENTORY, affected(GRAPH, ["posts"]), ())))
    assert body["addressees"] == [
        {"kind": "recipient", "id": "collab", "title": "", "contact": "legal@collab.example", "country": "US"},
        {"kind": "customer", "id": "acme", "title": "", "contact": "", "country": "FR"},
    ]
    assert [one["name"] for one in body["owners"]] == ["Ana Ruiz"]


def test_a_name_that_is_unknown_is_not_found() -> None:
    """With the nearest one."""
    with pytest.raises(NotFound) as caught:
        affected(GRAPH, ["pots"])
    assert 'did you mean "posts"?' in caught.value.problems[0].do


def test_a_circle_ends() -> None:
    """Two models that name each other as base are each other's consequence, once."""
    inventory = Inventory.model_validate({"models": {"a": {"base": ["b"]}, "b": {"base": ["a"]}}})
    assert [node.id for node in affected(graph_of(inventory), ["a"]).nodes] == ["a", "b"]


def test_an_answer_that_is_too_large_says_what_it_left_out() -> None:
    """Nothing is cut off in silence."""
    inventory = Inventory.model_validate({"models": {f"m{n}": {"datasets": ["d"]} for n in range(MAXIMUM + 5)}})
    found = affected(graph_of(inventory), ["dataset:d"])
    assert (len(found.nodes), found.left_out) == (MAXIMUM, 6)
    drawn = drawing.svg(found)
    assert f"{MAXIMUM - 1 - drawing.ROWS} more models are not drawn" in drawn


def test_an_old_inventory_goes_on() -> None:
    """One that has targets alone has a graph of targets, regions and models of which only the name is known."""
    graph = graph_of(Inventory.model_validate({"targets": {"chat": {"model": "m", "doors": DOORS}}}))
    assert [node.key for node in affected(graph, ["chat"]).nodes] == ["target:chat", "model:m"]


HOSTILE = '"]; click n0 "javascript:alert(1)" <script>'


def test_words_of_the_inventory_are_no_syntax() -> None:
    """Neither Mermaid nor SVG takes a name for more than a name, and the SVG is well-formed."""
    name = HOSTILE.replace(" ", "_")
    found = affected(graph_of(Inventory.model_validate({"models": {name: {}}})), [name])
    assert "<script>" not in drawing.svg(found)
    assert '"]; click' not in drawing.mermaid(found)
    assert minidom.parseString(drawing.svg(found)).documentElement.tagName == "svg"  # noqa: S318 - our own


def test_gaps_are_found_and_a_whole_inventory_has_none() -> None:
    """Each thing that an incident would ask; take one away, and it is missed."""
    today = date(2026, 12, 1)
    codes = {problem.code for problem in gaps(INVENTORY, GRAPH, today)}
    assert {"I201", "I203", "I204", "I205", "I208", "I210", "I211", "I215"} <= codes
    whole = Inventory.model_validate({
        "owners": {"ana": {"name": "Ana"}},
        "targets": {"t": {"model": "m", "owner": "ana", "regions": ["eu"], "doors": DOORS}},
        "datasets": {"d": {"owner": "ana", "as_of": "2026-11-01", "purposes": ["p"], "legal_bases": {"p": "consent"},
                           "people": {"DE": 1}, "sources": ["own"]}},
        "models": {"m": {"owner": "ana", "as_of": "2026-11-01", "datasets": ["d"], "sha256": "0" * 64}},
        "customers": {"c": {"targets": ["t"], "country": "DE", "contact": "c@firedoor.example", "as_of": "2026-11-01"}},
    })  # fmt: skip
    assert not gaps(whole, graph_of(whole), today)
    assert [one.code for one in gaps(whole, graph_of(whole), date(2028, 1, 1))] == ["I216", "I216", "I216"]
