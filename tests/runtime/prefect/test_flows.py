"""The folder `flows/`: a readable flow for each playbook that ships, found by every address that Prefect knows."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from prefect import Flow
from prefect.flows import load_flow_from_entrypoint

from firedoor.flows import compile_flow
from firedoor.runtime.config.playbooks import all_playbooks, find
from firedoor.runtime.prefect.flow import addresses

FOLDER = Path(__file__).parents[3] / "flows"
NO_PLAYBOOK = {"__init__", "respond"}
SHIPPED = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in NO_PLAYBOOK)


def test_each_playbook_that_ships_has_a_flow_and_each_flow_a_playbook() -> None:
    """The two folders agree by name."""
    assert sorted(name.replace("-", "_") for name in all_playbooks()) == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_a_flow_asks_for_what_its_playbook_asks_for(name: str) -> None:
    """Facts, types, choices, questions, version and title: the flow is the playbook's form, word for word."""
    playbook = name.replace("_", "-")
    literal: Flow[..., str] = getattr(importlib.import_module(f"firedoor.flows.{name}"), name)
    assert compile_flow(playbook) is literal, "another form is compiled from the playbook: see which fact differs"


@pytest.mark.parametrize("name", SHIPPED)
def test_a_flow_is_found_by_module_and_by_file(name: str) -> None:
    """Deployments of an earlier version name `flows.respond`; a team's own may name the file."""
    playbook = name.replace("_", "-")
    found: list[Flow[..., str]] = [
        load_flow_from_entrypoint(address, use_placeholder_flow=False) for address in addresses(playbook)
    ]
    by_file: Flow[..., str] = load_flow_from_entrypoint(f"{FOLDER / name}.py:{name}", use_placeholder_flow=False)
    assert {(flow.name, flow.version) for flow in (*found, by_file)} == {(playbook, found[0].version)}
    assert by_file.parameters == found[0].parameters == found[1].parameters
    # A served flow runs without its module's names: an annotation that is only text would fail there.
    assert not [one for one in by_file.fn.__annotations__.values() if isinstance(one, str)]


def test_an_own_playbook_of_the_same_name_keeps_its_own_facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An organisation changed the facts of a playbook: Prefect asks for those, not for what ships."""
    text = find("model-data-leakage").read_text()
    (tmp_path / "model-data-leakage.yaml").write_text(
        text.replace("Which endpoint answered?", "Which of ours answered?")
    )
    (tmp_path / "parts").symlink_to(find("model-data-leakage").parent / "parts")
    monkeypatch.setenv("FIREDOOR_PLAYBOOKS", str(tmp_path))
    flow = compile_flow("model-data-leakage")
    assert "Which of ours answered?" in str(flow.parameters)
    assert flow.fn.__module__ == "firedoor.flows.respond"
