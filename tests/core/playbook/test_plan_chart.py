"""The picture of a plan: boxes that stand below what they wait for."""

from __future__ import annotations

import pytest

from firedoor.core.playbook.plan_chart import plain_title, plan_chart
from firedoor.runtime.config import playbooks

NAMES = ["model-data-leakage", "nonconsensual-generation", "unauthorized-training"]


@pytest.mark.parametrize("name", NAMES)
def test_every_step_has_one_box_and_none_covers_another(name: str) -> None:
    """Also in the playbook with a hundred operations."""
    plan = playbooks.compiled(name)
    chart = plan_chart(plan.operations)
    assert {box["id"] for box in chart["boxes"]} == {operation.step for operation in plan.operations}
    places = [(box["x"], box["y"]) for box in chart["boxes"]]
    assert len(set(places)) == len(places)
    assert all(0 <= x <= chart["width"] - 284 and 0 <= y <= chart["height"] - 46 for x, y in places)


@pytest.mark.parametrize("name", NAMES)
def test_arrows_go_down_and_none_is_implied_by_others(name: str) -> None:
    """An arrow that leads up would say that a step waits for a later one."""
    chart = plan_chart(playbooks.compiled(name).operations)
    for arrow in chart["arrows"]:
        start, _, rest = arrow["path"][1:].partition("C")
        assert int(start.split()[1]) < int(rest.split()[-1])
    assert len(chart["arrows"]) < 3 * len(chart["boxes"])


def test_a_title_is_read_before_its_facts_are_known() -> None:
    """The hole names what will stand in it."""
    assert plain_title("Suspend {{ facts.training_job | default('x') }} now") == "Suspend <training job> now"
