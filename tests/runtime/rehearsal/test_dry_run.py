"""A dry run of every shipped playbook: it tells everything that can be told beforehand, and reaches nobody.

The far end is the demonstration's model server, which writes down every call to its admin API, and simulated systems
that count every call.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from tests.cli.test_cli_doors import _platform  # noqa: F401 - a fixture
from tests.support.command import Firedoor, _firedoor  # noqa: F401 - a fixture

from firedoor.core.playbook.plan import Ask
from firedoor.core.targets import Inventory, Target
from firedoor.demo.stage import Stage
from firedoor.runtime.config import playbooks
from firedoor.runtime.rehearsal.dry_run import what_would_be_done
from firedoor.testing import House
from firedoor.testing.far_end import FarEnd
from firedoor.testing.house import targets

NAMES = tuple(playbooks.all_playbooks())
SHARED = {"severity": "critical"}
FACTS: dict[str, dict[str, str]] = {
    "model-data-leakage": {"endpoint": "chat-large", **SHARED},
    "nonconsensual-generation": {"endpoint": "image-gen", **SHARED},
    "unauthorized-training": {
        "endpoint": "chat-large", "training_job": "finetune-large", "dataset_share": "user-posts", **SHARED,
    },
}  # fmt: skip
DOORS = {
    "chat-large": ["platform", "gateway"], "image-gen": ["platform", "gateway"], "finetune-large": ["scheduler"],
    "user-posts": ["grants"],
}  # fmt: skip


def words(facts: dict[str, str]) -> list[str]:
    """Facts as a person gives them."""
    return [word for name, value in facts.items() for word in ("--fact", f"{name}={value}")]


def admin_calls(stage: Stage) -> Any:
    """What the platform wrote down of calls to its admin API, reads included."""
    headers = {"authorization": f"Bearer {stage.admin_key}"}
    answer = httpx.get(f"{stage.model['url']}/admin/calls", headers=headers, trust_env=False)
    return answer.raise_for_status().json()


def dry(firedoor: Firedoor, name: str, **facts: str) -> Any:
    """A dry run as JSON."""
    said = firedoor("run", name, *words({**FACTS[name], **facts}), "--dry-run", "--format", "json")
    assert said.code == 0, said
    return said.json


def test_every_shipped_playbook_is_tried_here() -> None:
    """A new playbook is not left out by oversight."""
    assert set(NAMES) == set(FACTS)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_called_and_nothing_is_opened(firedoor: Firedoor, platform: Stage, name: str) -> None:
    """With all facts and with none, as text and as JSON: the platform's log is empty, and no incident is there."""
    for facts in (words(FACTS[name]), []):
        for form in ("text", "json"):
            said = firedoor("run", name, *facts, "--dry-run", "--format", form)
            assert said.code == 0, said
    seen = admin_calls(platform)
    assert not any(seen.values()), seen
    assert firedoor("incidents", "--all", "--format", "json").json["incidents"] == []
    assert firedoor("evidence", "list", "INC-2026-0001").code != 0


@pytest.mark.parametrize("name", NAMES)
def test_every_target_is_told_with_its_doors_in_order(firedoor: Firedoor, platform: Stage, name: str) -> None:
    """Each door with the calls of its connector, what it needs, and whether it can be reopened; and the proof."""
    told = dry(firedoor, name)
    assert {one["target"] for one in told["targets"]} == set(FACTS[name].values()) & set(DOORS)
    for target in told["targets"]:
        assert target["doors_in_order"] == DOORS[target["target"]]
        assert target["proved_by"].startswith(("GET http", "POST http"))
        assert target["neighbours"]
    closings = [one for one in told["operations"] if one.get("verb") == "suspend"]
    for door in (door for one in closings for door in one["doors"]):
        verbs = [call["verb"] for call in door["calls"]]
        assert list(dict.fromkeys(verbs)) == ["suspend", "verify"], door
        assert (door["connector"], door["reversible"], bool(door["permissions"])) == ("http", "yes", True)
        assert (door["left_alone"], door["problems"]) == ("", [])


@pytest.mark.parametrize("name", NAMES)
def test_every_approval_names_who_and_how_many(firedoor: Firedoor, platform: Stage, name: str) -> None:
    """The role, how many people, by when, who comes after; with four eyes, whose answer stands in the way."""
    told = dry(firedoor, name)
    assert told["approvals"]
    for one in told["approvals"]:
        assert all((one["role"], one["escalate_to"], one["within_seconds"], one["approvals"])), one
    four_eyes = {one.id for one in playbooks.compiled(name).operations if isinstance(one, Ask) and one.four_eyes_with}
    assert {one["id"] for one in told["approvals"] if one["not_answered_by"]} == four_eyes


@pytest.mark.parametrize("name", NAMES)
def test_what_happens_unasked_is_told_with_its_reason(firedoor: Firedoor, platform: Stage, name: str) -> None:
    """By hand a person is asked, because nobody can say how strong the evidence is; what an alert could do is told."""
    for one in dry(firedoor, name)["unasked"]:
        assert (one["unasked"], "facts.evidence_strength" in one["why"]) == (False, True), one
        assert "independent detectors" in one["from_an_alert"], one
    for one in dry(firedoor, name, severity="low")["unasked"]:
        assert (one["unasked"], "does not hold" in one["why"], one["from_an_alert"]) == (False, True, ""), one


def test_how_strong_the_evidence_is_is_nobodys_to_say(firedoor: Firedoor) -> None:
    """The dry run refuses what the start refuses, with the same words."""
    for more in (["--dry-run"], []):
        said = firedoor("run", NAMES[0], "--fact", "evidence_strength=strong", *more)
        assert (said.code, "F104" in said.err) == (1, True), said


@pytest.mark.parametrize("name", NAMES)
def test_what_nobody_can_know_yet_is_listed(firedoor: Firedoor, platform: Stage, name: str) -> None:
    """Without a fact the targets are not made up: they, the open conditions and the clocks are named."""
    told = firedoor("run", name, "--dry-run", "--format", "json").json
    said = " ".join(told["not_known"])
    assert [word for word in ("which clocks start", "which target") if word not in said] == []
    assert told["targets"] == []
    assert all(not one["unasked"] for one in told["unasked"])


def test_a_page_tells_it_to_people(firedoor: Firedoor, platform: Stage) -> None:
    """Doors, what happens without asking and why, approvals, what is not known: each under its title."""
    said = firedoor("run", "unauthorized-training", *words(FACTS["unauthorized-training"]), "--dry-run")
    out = " ".join(said.out.split())
    titles = ["TARGETS AND THEIR DOORS, IN ORDER", "WITHOUT ASKING", "APPROVALS", "NOT KNOWN YET", "AT ONCE"]
    assert [title for title in titles if title not in out] == []
    assert [out.index(title) for title in titles] == sorted(out.index(title) for title in titles)
    words_of_it = ("1 grants http, can be reopened", "keeps shared_rows from", "its hash only")
    assert [text for text in words_of_it if text not in out] == []


def test_what_is_never_suspended_is_told_so(firedoor: Firedoor, platform: Stage) -> None:
    """It is not closed unasked, and the page says why."""
    inventory = platform.data / "targets.yaml"
    found = yaml.safe_load(inventory.read_text())
    found["targets"]["chat-large"] |= {"never_suspend": True, "because": "it filters what the others say"}
    inventory.write_text(yaml.safe_dump(found))
    told = dry(firedoor, "model-data-leakage")
    assert [one["unasked"] for one in told["unasked"] if one["target"] == "chat-large"] == [False]
    assert "it filters what the others say" in told["unasked"][0]["why"]
    closing = next(one for one in told["operations"] if one.get("verb") == "suspend")
    assert "never suspended" in closing["problem"]


class _OneWay(FarEnd):
    """A far end whose doors cannot be opened again."""

    async def plan(self, target: Target, door: Any) -> Any:
        """Say so."""
        return (await super().plan(target, door)).model_copy(update={"reversible": "no"})


@pytest.fixture(name="simulated")
def _simulated(tmp_path: Path) -> Iterator[House]:
    names = ("chat-large", "image-gen", "finetune-large", "user-posts")
    house = House(tmp_path, inventory=Inventory(targets=dict(targets(*names, doors=2).targets)))
    yield house
    house.close()


@pytest.mark.parametrize("name", NAMES)
async def test_no_method_of_a_connector_but_its_plan_is_called(simulated: House, name: str) -> None:
    """Simulated systems count every call by verb: none was made, and the journal has no incident."""
    told = await what_would_be_done(simulated.service, name, FACTS[name])
    assert told["targets"]
    assert (simulated.far_end.calls.total(), simulated.far_end.effects.total()) == (0, 0)


async def test_a_door_of_no_return_is_told_to_be_left_alone(simulated: House) -> None:
    """The playbook does not opt in, so it would not be closed there, and that is said before."""
    simulated.far_end = _OneWay(simulated.clock, {})
    house = simulated.again()
    told = await what_would_be_done(house.service, "model-data-leakage", FACTS["model-data-leakage"])
    closing = next(one for one in told["operations"] if one.get("verb") == "suspend")
    assert all("could not be opened again" in door["left_alone"] for door in closing["doors"])
