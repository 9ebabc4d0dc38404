"""Two people ask for removal, over HTTP to a running server: each has clocks and an answer of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.journeys.installation import Installation
from tests.journeys.test_inputs import CASES, case, now
from tests.patience import GENEROUS

from firedoor.core.requests.validity import ELEMENTS

pytestmark = pytest.mark.slow
US = "us.tida.s3.removal"


@pytest.fixture(name="here", scope="module")
def _here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An organisation to which the removal laws apply."""
    here = Installation(tmp_path_factory.mktemp("requests"))
    (here.data / "organisation.yaml").write_bytes((CASES / "organisation.yaml").read_bytes())
    try:
        here.up()
        yield here
    finally:
        here.down()


class Desk:
    """Somebody of legal with a token, at the API."""

    def __init__(self, here: Installation, folder: Path) -> None:
        self.here, self.folder = here, folder
        self.headers = here.member("Dana of legal", "legal", "victim_support", "dpo")

    def get(self, path: str, status: int = 200) -> Any:
        answer = httpx.get(f"{self.here.url}/api/v1{path}", headers=self.headers, trust_env=False, timeout=GENEROUS)
        assert answer.status_code == status, answer.text
        return answer.json()

    def post(self, path: str, body: dict[str, Any], status: int = 200) -> Any:
        answer = httpx.post(
            f"{self.here.url}/api/v1{path}", headers=self.headers, json=body, trust_env=False, timeout=GENEROUS
        )
        assert answer.status_code == status, answer.text
        return answer.json()


def removal(one: dict[str, Any]) -> list[str]:
    """The states of the American clock of one request."""
    return [clock["state"] for clock in one["clocks"] if clock["duty"] == US]


def test_two_requests_are_answered_for_by_themselves(here: Installation, tmp_path: Path) -> None:
    """Two arrivals, two sets of clocks; one is completed and answered, the other one waits on."""
    desk = Desk(here, tmp_path)
    body = case("removal-request.json", id="first", endpoint="gallery-two")
    incident = here.deliver("generic", body)["incident"]
    second = here.deliver("generic", case("removal-request.json", id="second", endpoint="gallery-two"))
    assert (second["decision"], second["incident"]) == ("attach", incident)
    place = f"/incidents/{incident}/requests"

    def both() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = desk.get(place)["requests"]
        return found if [len(removal(one)) for one in found] == [1, 1] else []

    here.until(both)
    facts = {
        "intimate_content": "yes",
        "published_without_consent": "yes",
        "request_received_at": (now() - timedelta(hours=5)).isoformat(),
    }
    desk.post(f"/incidents/{incident}/facts", {"facts": facts, "why": "typed by hand"})
    here.until(both)
    assert desk.get(f"{place}?limit=1")["next"] == "R1"
    assert [one["name"] for one in desk.get(f"{place}?after=R1")["requests"]] == ["R2"]
    unsigned = {**dict.fromkeys(ELEMENTS, "yes"), "request_signed": "no"}
    one = desk.post(f"{place}/R2/complete", {"why": "read", "elements": unsigned, "requester": "Invented Person"})
    assert (one["request"]["status"], removal(one["request"])) == ("incomplete", ["provisional"])
    desk.post(f"{place}/R2/letter", {"letter": "question", "reference": "mail of 14:02"})
    desk.post(f"{place}/R2/complete", {"why": "it came", "elements": {"request_signed": "yes"}})
    here.until(lambda: removal(desk.get(f"{place}/R2")["request"]) == ["running"])
    assert removal(desk.get(f"{place}/R1")["request"]) == ["provisional"]
    desk.post(f"{place}/R2/answer", {"outcome": "removed", "why": "gone"}, 422)
    sent = {"channel": "e-mail", "sent_at": "now", "version": "none"}
    gone = {"outcome": "removed", "why": "gone", "reference": "ticket 77"}
    assert desk.post(f"{place}/R2/answer", gone, 422)["problems"][0]["code"] == "C107"
    done = desk.post(f"{place}/R2/answer", {**gone, **sent})
    assert removal(done["request"]) == ["submitted"]
    assert removal(desk.get(f"{place}/R1")["request"]) == ["provisional"]
    desk.post(f"{place}/R2/answer", {"outcome": "refused", "why": "again"}, 409)
    assert [one["decided"] for one in tasks(desk, incident, "@request-2")] == [True]


def tasks(desk: Desk, incident: str, subject: str) -> list[dict[str, Any]]:
    """The submission tasks of the American clock of a request, and whether they are decided."""
    found = desk.get(f"/incidents/{incident}/tasks")["tasks"]
    mine = [one for one in found if one["kind"] == "submit" and one["clock"] == f"{US}{subject}"]
    return [{**one, "decided": one["state"] != "open"} for one in mine]


def test_who_asked_is_sealed_from_those_who_need_not_know(here: Installation, tmp_path: Path) -> None:
    """A letter registered by hand: its person is seen by legal, and by no engineer."""
    incident = here.deliver("generic", case("removal-request.json", id="sealed", endpoint="gallery-s"))["incident"]
    place, desk = f"/incidents/{incident}/requests", Desk(here, tmp_path)
    said = {"why": "a letter", "requester": "Invented Person", "locators": ["post/77"]}
    one = desk.post(place, said, 201)["request"]
    again = desk.post(place, {**said, "elements": {"request_signed": "yes"}}, 201)["request"]
    assert (again["id"], len(again["copies"])) == (one["id"], 1)
    assert one["requester"] == "Invented Person"
    desk.headers = here.member("Eve", "engineering")
    assert "Invented" not in json.dumps(desk.get(place))
