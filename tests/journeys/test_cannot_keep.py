"""A critical alert closes its door whatever the inventory leaves out: each inventory of our pages, over HTTP.

The doors of the pages lead to systems that are not here; in their place stands a small platform that really opens and
closes. What counts is left as the pages have it: which evidence is described, and which is not.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml
from tests.benchmarks.alert_to_suspend import HERE, inventory, process
from tests.inventories import documented
from tests.journeys.at_home import AtHome

from firedoor.core.execution.evidence_gaps import GAP
from firedoor.runtime.config import playbooks
from firedoor.runtime.execution.evidence_gaps import SERVES, wanted_of

pytestmark = pytest.mark.slow
LEAK = "model-data-leakage"
DESCRIBED = {  # what a page describes of the first target that serves, by the page
    place: frozenset(first.evidence)
    for place, found in documented().items()
    if (first := next((target for target in found.targets.values() if target.kind in SERVES), None))
}
FORMS = list(dict.fromkeys(DESCRIBED.values()))  # pages that describe the same differ in nothing that counts here
FIRST = "containment.suspend.reflex"


@pytest.fixture(name="platform", scope="module")
def _platform() -> Iterator[str]:
    with process(sys.executable, str(HERE / "sink.py")) as sink:
        yield sink


@pytest.fixture(name="here", scope="module")
def _here(tmp_path_factory: pytest.TempPathFactory, platform: str) -> Iterator[AtHome]:
    here = AtHome(tmp_path_factory.mktemp("gaps"))
    targets = inventory(platform)["targets"]
    shown = {"neighbour": targets["neighbour"]}
    for number, described in enumerate(FORMS):
        evidence = {name: {"url": f"{platform}/keep/{name}"} for name in sorted(described)}
        shown[f"m{number}"] = {**targets[f"m{number}"], "evidence": evidence}
    (here.data / "targets.yaml").write_text(yaml.safe_dump({"targets": shown}))
    try:
        here.up()
        yield here
    finally:
        here.down()


def finished(here: AtHome, incident: str) -> dict[str, Any]:
    """The operations that are finished, with their outcome."""
    return {e["body"]["op"]: e["body"]["outcome"] for e in here.journal(incident) if e["kind"] == "operation.finished"}


@pytest.mark.parametrize("place", DESCRIBED)
def test_the_critical_alert_closes_the_door_of_every_page(here: AtHome, platform: str, place: str) -> None:
    """Closed and proved, with a note of each thing that had to be kept first and could not."""
    name = f"m{FORMS.index(DESCRIBED[place])}"
    body = {"detector": "probe", "method": "canary", "incident": "data_leakage_in_ai_models", "severity": "critical"}
    answer = here.api("POST", "alerts/generic", json={"id": f"z-{name}", "endpoint": name, **body}).json()["alerts"][0]
    incident = str(answer["incident"])  # of a page that describes the same, the one that is there
    here.until(lambda: finished(here, incident).get(f"{FIRST}.suspend") == "done")
    assert httpx.get(f"{platform}/models/{name}", trust_env=False).json()["state"] == "suspended"
    first = {"request_log", "deployment_state"}
    here.until(lambda: len(noted(here, incident)) == len(first - DESCRIBED[place]))
    assert noted(here, incident) == first - DESCRIBED[place]


def noted(here: AtHome, incident: str) -> set[str]:
    """The gaps of the list of evidence that were to be kept before the closing."""
    gaps = here.api("GET", f"incidents/{incident}/evidence").json()["gaps"]
    return {gap["artefact"] for gap in gaps if gap["op"].startswith(FIRST)}


def test_what_could_not_be_kept_is_foreseen_noted_and_one_question(here: AtHome) -> None:
    """The inventory of the page about HTTP: dry run, list of evidence and task say the same."""
    place = next(place for place in DESCRIBED if place.startswith("docs/how-to/connect-with-http.md"))
    name, lacking = (
        f"m{FORMS.index(DESCRIBED[place])}",
        set(wanted_of(playbooks.compiled(LEAK))["endpoint"]) - DESCRIBED[place],
    )
    asked = {"playbook": LEAK, "facts": {"endpoint": name}, "why": "to see"}
    dry = here.api("POST", "incidents?dry_run=true", json=asked).json()
    assert {one for operation in dry["operations"] for one in operation.get("not_in_inventory", ())} == lacking
    incident = here.api("POST", "incidents", json=asked).json()["incident"]
    here.answer(incident, "identification.incident-type", "training_data")
    here.answer(incident, "identification.confirm", "yes")
    here.answer(incident, "containment.suspend.approve", "refuse")
    here.answer(incident, "list:containment.suspend-the-others.each", "done")  # nobody knows of another target
    here.until(lambda: {gap["artefact"] for gap in gaps(here, incident)} == lacking)
    here.until(lambda: len(questions(here, incident)) == 1)
    report = here.api("GET", f"incidents/{incident}/report", params={"format": "json"}).json()
    assert {gap["artefact"] for gap in report["gaps"]} == lacking


def gaps(here: AtHome, incident: str) -> list[dict[str, Any]]:
    """What the list of evidence says is not there."""
    return list(here.api("GET", f"incidents/{incident}/evidence").json()["gaps"])


def questions(here: AtHome, incident: str) -> list[str]:
    """The tasks about gaps."""
    return [name for name in here.tasks(incident) if name.startswith(GAP)]
