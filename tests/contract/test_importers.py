"""The rules that every importer keeps, tried on a real system for each of them; and what becomes of what it finds.

Importers are found by folder, and so are their rigs: `importer_rigs/<kind>.py` with a class `Rig` that has `kind`,
`expected` (the connector of the first door by the target's id), `environment`, `start`, `stop`, `settings` (what a
person gives by --set), `silent` (settings of a system that does not answer) and `effects` (changes that reached it).
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from firedoor.connectors.importers import proposal
from firedoor.connectors.importers.registry import available, load, open_importer, target_id
from firedoor.connectors.parts.context import ConnectorContext, open_client
from firedoor.connectors.parts.opened import OpenConnectors
from firedoor.core.ports import Found, Importer
from firedoor.core.problems import InvalidInput, NotFound, Unanswered
from firedoor.core.targets import Door, Inventory, Target
from firedoor.runtime.config.secrets import ReferencedSecrets

RIGS = Path(__file__).parent / "importer_rigs"
DOOR = Door(name="cluster", connector="http", config={"namespace": "models"})
PROBE = "probe: the request of a caller"


def rig_file(kind: str) -> Path:
    return RIGS / f"{kind.replace('-', '_')}.py"


def rig_class(kind: str) -> Any:
    specification = importlib.util.spec_from_file_location(f"importer_rig_{kind}", rig_file(kind))
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.Rig


class Bench:
    """One importer on its rig."""

    def __init__(self, rig: Any, client: Any) -> None:
        self.rig = rig
        secrets = ReferencedSecrets(rig.environment)
        self.context = ConnectorContext(client, secrets, lambda: datetime.now(UTC), Inventory())
        self.importer: Importer = open_importer(rig.kind, self.context)

    async def found(self, **more: Any) -> Found:
        return await self.importer.found({**self.rig.settings(), **more})


@pytest.fixture(scope="module", name="started")
def _started() -> Iterator[Callable[[str], Any]]:
    rigs: dict[str, Any] = {}

    def start(kind: str) -> Any:
        if kind not in rigs:
            rigs[kind] = rig_class(kind)()
            rigs[kind].start()
        return rigs[kind]

    yield start
    for rig in rigs.values():
        rig.stop()


@pytest.fixture(name="bench")
async def _bench(request: pytest.FixtureRequest, started: Callable[[str], Any]) -> AsyncIterator[Bench]:
    async with open_client() as client:
        yield Bench(started(request.param), client)


def weight(kind: str) -> list[pytest.MarkDecorator]:
    """A rig that takes gigabytes or minutes runs in `make test-all` only."""
    return [pytest.mark.heavy] if getattr(rig_class(kind), "heavy", False) else []


every_importer = pytest.mark.parametrize(
    "bench", [pytest.param(kind, marks=weight(kind)) for kind in available() if rig_file(kind).exists()], indirect=True
)


# Every importer.


@pytest.mark.parametrize("kind", available())
def test_every_importer_brings_a_rig(kind: str) -> None:
    """What nobody can try on a real system is not accepted."""
    assert rig_file(kind).exists(), f"write tests/contract/importer_rigs/{rig_file(kind).name}"


@pytest.mark.parametrize("kind", available())
def test_an_importer_says_what_it_needs(kind: str) -> None:
    """Its kind is its file's name, and its settings are a form with names."""
    assert load(kind).kind == kind
    assert load(kind).Settings.model_fields


def test_an_unknown_importer_is_named_with_the_known_ones() -> None:
    """A slip of the pen is answered with what there is."""
    with pytest.raises(NotFound, match="kubernetes"):
        load("kubernets")


@every_importer
async def test_it_finds_what_is_there_and_changes_nothing(bench: Bench) -> None:
    """Each thing that can be closed, once, by the connector that closes it."""
    found = await bench.found()
    assert {one.id: one.doors[0].connector for one in found.targets} == dict(bench.rig.expected)
    assert bench.rig.effects() == 0


@every_importer
async def test_its_doors_are_accepted_by_their_connectors(bench: Bench) -> None:
    """What it proposes can be used as it stands: no door has a problem."""
    found = await bench.found()
    inventory = Inventory(targets={one.id: one for one in found.targets})
    problems = OpenConnectors(bench.context).check_inventory(inventory)
    assert not [problem for problem in problems if problem.severity == "error"]


@every_importer
async def test_what_nobody_could_know_is_left_to_a_person(bench: Bench) -> None:
    """No probe and no neighbour is made up; each that is missing is named."""
    found = await bench.found()
    for one in found.targets:
        said = " ".join(found.unknown[one.id])
        assert one.probe is not None or "probe" in said
        assert one.neighbours or "neighbours" in said


@every_importer
async def test_its_proposal_holds_no_secret(bench: Bench) -> None:
    """References stay references."""
    text = proposal.propose(await bench.found(), "", "targets.yaml").text
    assert not [secret for secret in bench.rig.environment.values() if secret in text]


@every_importer
@pytest.mark.parametrize("given", [{"no_such_setting": "1"}, {}])
async def test_wrong_settings_are_refused_by_name(bench: Bench, given: dict[str, str]) -> None:
    """A setting that is unknown, and none at all: the message says which there are."""
    with pytest.raises(InvalidInput) as caught:
        await bench.importer.found({**bench.rig.settings(), **given} if given else {})
    assert all(f"--set {name}" in str(caught.value) or "known:" in str(caught.value) for name in given or ("",))


@every_importer
async def test_a_silent_system_is_no_empty_one(bench: Bench) -> None:
    """Nobody answered: that is an error, and no list of nothing."""
    with pytest.raises(Unanswered):
        await bench.importer.found(bench.rig.silent())


@every_importer
async def test_the_command_writes_a_file_to_review(bench: Bench, tmp_path: Path) -> None:
    """`targets import` makes the file, says what is in it, and adds nothing the second time."""
    file, given = tmp_path / "targets.yaml", [f"--set={name}={value}" for name, value in bench.rig.settings().items()]
    program = [sys.executable, "-c", "from firedoor.interfaces.cli.main import main; main()", "targets", "import"]
    command = [*program, bench.rig.kind, "--out", str(file), "--format", "json", *given]
    environment = {**os.environ, **bench.rig.environment, "FIREDOOR_DATA_DIR": str(tmp_path)}
    told = []
    for _ in range(2):
        done = await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        told.append(json.loads(done.stdout))
    assert (set(told[0]["added"]), told[0]["kept"]) == (set(bench.rig.expected), [])
    assert (told[1]["added"], set(told[1]["kept"])) == ([], set(bench.rig.expected))
    assert set(yaml.safe_load(file.read_text())["targets"]) == set(bench.rig.expected)


# What becomes of it.


def found(*names: str) -> Found:
    """What an importer could have found."""
    return Found(
        targets=tuple(Target(id=name, title=f"Model {name}", doors=(DOOR,)) for name in names),
        unknown=dict.fromkeys(names, (PROBE,)),
    )


def test_a_new_file_says_what_a_person_has_to_write() -> None:
    """Each entry is followed by what could not be known, as a comment."""
    made = proposal.propose(found("a", "b"), "", "targets.yaml")
    assert made.added == ("a", "b")
    assert made.text.count("# to write: probe") == 2
    assert yaml.safe_load(made.text)["targets"]["b"]["doors"][0]["config"] == {"namespace": "models"}


@pytest.mark.parametrize("indent", ["  ", "    ", " "])
def test_what_a_person_wrote_stays_as_it_is(indent: str) -> None:
    """Their bytes and comments are untouched; what is new comes after them, indented as they do it."""
    mine = f"# ours\ntargets:\n{indent}a:  # do not touch\n{indent}  doors: [{{name: d, connector: http}}]\n"
    made = proposal.propose(found("a", "b"), mine, "targets.yaml")
    assert made.text.startswith(mine)
    assert (made.added, made.kept) == (("b",), ("a",))
    assert yaml.safe_load(made.text)["targets"]["a"]["doors"] == [{"name": "d", "connector": "http"}]


def test_nothing_new_leaves_the_file_alone() -> None:
    """A second import is no change."""
    first = proposal.propose(found("a"), "", "targets.yaml").text
    assert proposal.propose(found("a"), first, "targets.yaml") == proposal.Proposal(first, (), kept=("a",))


def test_renewing_is_done_on_purpose_and_spares_the_others() -> None:
    """With --force what is found again is written anew; entries of other origin keep their data."""
    mine = (
        "targets:\n  a: {doors: [{name: d, connector: http}]}\n  z: {title: Z, doors: [{name: d, connector: http}]}\n"
    )
    made = proposal.propose(found("a", "b"), mine, "targets.yaml", renew=True)
    targets = yaml.safe_load(made.text)["targets"]
    assert (made.added, made.renewed) == (("b",), ("a",))
    assert (targets["a"]["title"], targets["z"]["title"]) == ("Model a", "Z")


@pytest.mark.parametrize("text", ["targets: 3\n", "targets:\n  a: {doors: []}\n", "- a\n", "targets: {}\nfacts: {}\n"])
def test_a_file_that_is_no_inventory_is_not_touched(text: str) -> None:
    """It is somebody's file, whatever it is: the problems are named instead."""
    with pytest.raises(InvalidInput):
        proposal.propose(found("a"), text, "targets.yaml")


@pytest.mark.parametrize("text", ["", "\n", "targets: {}\n", "# ours\n"])
def test_an_empty_inventory_is_filled(text: str) -> None:
    """No file, an empty one and one without targets are the same; a comment in it stays."""
    made = proposal.propose(found("a"), text, "targets.yaml")
    assert made.added == ("a",)
    assert ("# ours" in made.text) == ("# ours" in text)


def test_an_inventory_in_flow_style_is_not_broken() -> None:
    """Lines cannot be added to braces: that is said, and no half file is written."""
    with pytest.raises(InvalidInput):
        proposal.propose(found("b"), "targets: {a: {doors: [{name: d, connector: http}]}}\n", "targets.yaml")


@pytest.mark.parametrize(
    ("parts", "made"),
    [(("Chat Large",), "chat-large"), (("models", "a/b"), "models-a-b"), (("x" * 99,), "x" * 63), (("--",), "unnamed")],
)
def test_names_become_ids(parts: tuple[str, ...], made: str) -> None:
    """Whatever a system calls its things, the inventory takes the id."""
    assert target_id(*parts) == made
    assert Target(id=made, doors=(DOOR,)).id == made
