"""A sender that writes its language's zero for "no time", and an organisation whose laws look at it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import httpx
import pytest
from tests.journeys.test_up import Here, _here  # noqa: F401 - a fixture
from tests.patience import until

CASES = Path(__file__).parent / "cases"

pytestmark = pytest.mark.slow


def test_a_request_without_a_time_is_driven_and_nobody_loses_readiness(here: Here) -> None:
    """Its clocks count from our receipt, a note says why, people are asked, and `/readyz` stays 200."""
    here.data.mkdir(mode=0o700)
    shutil.copy(CASES / "covered-platform.yaml", here.data / "organisation.yaml")
    del here.environment["FIREDOOR_PLAYBOOKS"]
    here.up("--no-prefect")
    sent = here.command("alert", "send", "--source", "generic", "--file", CASES / "request-without-a-time.json")
    incident = sent.stdout.split()[1]
    until(lambda: "T1" in here.asked(), otherwise=here.said)
    page = json.loads(here.command("status", incident, "--format", "json").stdout)
    assert page["clocks"]
    assert {clock["trigger_at"][:4] for clock in page["clocks"]} == {page["opened_at"][:4]}
    assert "no time is given" in here.command("journal", incident, "--format", "json").stdout
    assert httpx.get(f"{here.note()['url']}/readyz", trust_env=False).status_code == 200
