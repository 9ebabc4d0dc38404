"""Every inventory of our pages with every shipped playbook: what could not be kept is said before it happens.

The pages are found by folder, so that a new one is looked at by itself.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from tests.inventories import documented

from firedoor.core.playbook.plan import Keep
from firedoor.interfaces.cli.playbooks.checking import problems_in
from firedoor.runtime.config import playbooks
from firedoor.runtime.execution.evidence_gaps import SERVES, gaps_in, wanted_of

INVENTORIES = documented()
PLANS = {plan.playbook: plan for plan in playbooks.plans()}


def test_there_are_inventories_and_playbooks_to_look_at() -> None:
    """The how-to pages, the tutorial; the three playbooks."""
    assert {"docs/how-to/connect-with-http.md", "docs/tutorial.md"} <= {place.split(":")[0] for place in INVENTORIES}
    assert len(PLANS) == len(playbooks.all_playbooks()) >= 3


@pytest.mark.parametrize("playbook", PLANS)
@pytest.mark.parametrize("place", INVENTORIES)
def test_what_is_said_beforehand_is_all_that_the_deed_would_lack(place: str, playbook: str) -> None:
    """For each target that the playbook could close: what its steps keep, less what the inventory describes."""
    plan, inventory = PLANS[playbook], INVENTORIES[place]
    said = {gap.target: set(gap.artefacts) for gap in gaps_in([plan], inventory)}
    kept = {
        op.name
        for op in plan
        if isinstance(op, Keep) and op.source == "artefact" and op.target == "{{ facts.endpoint }}"
    }
    for name, target in inventory.targets.items():
        if target.kind in SERVES:
            assert said.get(name, set()) == kept - set(target.evidence)


@pytest.mark.parametrize("place", INVENTORIES)
def test_check_warns_at_the_line_of_the_target(place: str, tmp_path: Path) -> None:
    """`firedoor check targets.yaml` names each artefact; a warning, for the door closes all the same."""
    targets = {
        name: target.model_dump(mode="json", exclude={"id"}, by_alias=True)
        for name, target in INVENTORIES[place].targets.items()
    }
    file = tmp_path / "targets.yaml"
    file.write_text(yaml.safe_dump({"targets": targets}, sort_keys=False))
    warned = [problem for problem in problems_in([file]) if problem.code == "K113"]
    expected = {gap.target: gap for gap in gaps_in(PLANS.values(), INVENTORIES[place])}
    assert [problem.message.split(":")[0] for problem in warned] == list(expected)
    for problem in warned:
        assert problem.severity == "warning"
        assert problem.place is not None
        assert problem.place.file == str(file)
        assert all(name in problem.message for name in expected[problem.message.split(":")[0]].artefacts)


def test_what_a_playbook_keeps_goes_by_the_kind_of_the_target() -> None:
    """A job has a specification, a share its grant; what serves has weights."""
    wanted = wanted_of(PLANS["unauthorized-training"])
    assert wanted["training_job"] == ("job_spec",)
    assert wanted["dataset_share"] == ("share_grant", "shared_rows")
    assert "weights" in wanted["endpoint"]
