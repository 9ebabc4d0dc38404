"""A door whose closing was only observed, because the answer to the call was lost, is ours to open again."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from tests.support.api_journey import KEYS, answer_everything, guarded_platform, platform
from tests.web.api.test_api_journey import CANARY, ROLES, sent

FAULT = "/admin/faults/models/chat-large"


async def test_what_was_observed_as_closed_by_us_is_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is cut after the effect: one change closes it, one change opens it, and the incident ends."""
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)
    (tmp_path / "data").mkdir()
    admin = {"authorization": f"Bearer {KEYS['FIREDOOR_DEMO_ADMIN_KEY']}"}
    with platform(tmp_path) as url:
        far_end = httpx.AsyncClient(base_url=url, headers=admin, trust_env=False)
        async with far_end, guarded_platform(tmp_path, url) as built:
            fault = await far_end.put(FAULT, json={"fault": "reset", "method": "PUT", "times": 1})
            assert fault.is_success
            incident = await sent(built, "generic", json.dumps(CANARY))
            ada, ben = built.holding("Ada Okafor", *ROLES), built.holding("Ben Ruiz", *ROLES)
            await answer_everything(ada, incident, ben)
            page = (await ada.get(f"/api/v1/incidents/{incident}")).json()
            counts = (await far_end.get("/admin/calls")).json()["counts"]["models/chat-large"]
    assert (page["targets"][0]["state"], counts["PUT"], counts["effects"]) == ("resumed", 2, 2)
