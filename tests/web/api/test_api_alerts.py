"""Alerts over HTTP: who may send, what is checked before parsing, and what a 202 promises."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.api_house import House, house, problems

from firedoor.alerts.registry import example_body, find
from firedoor.core.alerts.signatures import sign
from firedoor.store.incidents.journal import Store

JSON = {"content-type": "application/json"}
SECRET, NEXT = "0123456789abcdef-live", "fedcba9876543210-next"
PRESIDIO = example_body(find("presidio").examples[0])


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as built:
        yield built


@pytest.fixture(name="signed")
def _signed(built: House, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, str]]:
    """Headers of a delivery that is signed with a secret; two are live."""
    monkeypatch.setenv("FIREDOOR_SOURCE_SECRET_PRESIDIO", "secret://env/LIVE, secret://env/NEXT")
    monkeypatch.setenv("LIVE", SECRET)
    monkeypatch.setenv("NEXT", NEXT)

    def headers(body: bytes, secret: str = SECRET) -> dict[str, str]:
        return {**JSON, "x-firedoor-signature": sign(secret.encode(), body, built.runtime.world.now())}

    return headers


async def send(
    client: httpx.AsyncClient, body: bytes = PRESIDIO, source: str = "presidio", **headers: str
) -> httpx.Response:
    return await client.post(f"/api/v1/alerts/{source}", content=body, headers=headers or JSON)


async def test_a_202_means_that_it_is_on_disk(built: House) -> None:
    """When the answer comes, another connection to the database sees the alert, its incident and its first entries."""
    answer = await send(built.holding("detector", "source"))
    assert answer.status_code == 202
    (one,) = answer.json()["alerts"]
    assert (one["decision"], one["duplicate_of"]) == ("start", None)
    other = Store(built.runtime.settings.database)
    try:
        assert other.entries(one["incident"])[0].kind == "incident.opened"
    finally:
        other.close()


async def test_the_same_again_is_counted_and_starts_nothing(built: House) -> None:
    """Three deliveries are one incident, and the answers say of which they are duplicates."""
    detector = built.holding("detector", "source")
    first = (await send(detector)).json()["alerts"][0]
    again = [(await send(detector)).json()["alerts"][0] for _ in range(2)]
    assert [(one["decision"], one["duplicate_of"], one["deliveries"]) for one in again] == [
        ("duplicate", first["incident"], 2), ("duplicate", first["incident"], 3),
    ]  # fmt: skip
    assert len((await built.local.get("/api/v1/incidents")).json()["incidents"]) == 1


async def test_the_list_of_alerts_tells_decisions_and_reasons(built: House) -> None:
    """Newest first, with the reasons, and never a value that was found."""
    await send(built.holding("detector", "source"))
    (one,) = (await built.local.get("/api/v1/alerts", params={"source": "presidio"})).json()["alerts"]
    assert one["decision"] == "start"
    assert one["reasons"]
    assert (await built.local.get("/api/v1/alerts", params={"source": "generic"})).json()["alerts"] == []


async def test_an_alert_that_asks_is_started_by_a_person(built: House) -> None:
    """Triage leaves a weak alert to a person; starting a playbook for it names that person and takes it once."""
    weak = b'{"id":"w1","title":"Odd score","severity":"low","incident":"data_leakage_in_ai_models"}'
    (told,) = (await send(built.holding("detector", "source"), weak, "generic")).json()["alerts"]
    assert told["decision"] in ("ask", "ignore")
    alert = (await built.local.get("/api/v1/alerts")).json()["alerts"][0]["id"]
    body = {"playbook": "model-data-leakage", "why": "I know this customer."}
    ada = built.holding("Ada", "responder")
    started = await ada.post(f"/api/v1/alerts/{alert}/start", json=body)
    assert started.status_code == 201, started.text
    detail = (await ada.get(started.headers["location"])).json()
    assert detail["opened_by"] == "person:Ada"
    assert problems(await ada.post(f"/api/v1/alerts/{alert}/start", json=body)) == ["A202"]


async def test_a_playbook_that_does_not_exist_starts_nothing(built: House) -> None:
    """The nearest name is given, and a file of the server is no name."""
    for name in ("model-data-leakag", "../../etc/passwd.yaml"):
        answer = await built.local.post("/api/v1/alerts/1/start", json={"playbook": name, "why": "x"})
        assert (answer.status_code, problems(answer)) == (404, ["P140"])


@pytest.mark.parametrize(
    ("name", "source", "status"),
    [("source:presidio", "presidio", 202), ("presidio", "presidio", 202), ("source:presidio", "generic", 403),
     ("presidio", "generic", 403), ("our detectors", "presidio", 202)],
)  # fmt: skip
async def test_a_token_can_be_bound_to_a_source(built: House, name: str, source: str, status: int) -> None:
    """A source's token that carries the source's name sends to that source only."""
    assert (await send(built.holding(name, "source"), source=source)).status_code == status


async def test_an_unknown_source_is_told_its_nearest_name(built: House) -> None:
    """Only to somebody who may send at all."""
    answer = await send(built.holding("detector", "source"), source="presidoi")
    assert (answer.status_code, problems(answer)) == (404, ["D210"])
    assert "presidio" in answer.json()["problems"][0]["do"]
    assert (await send(built.client(), source="presidoi")).status_code == 401


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_another_media_type_is_refused_before_reading(built: House, kind: str) -> None:
    """415, and the type that is read."""
    answer = await send(built.holding("detector", "source"), **{"content-type": kind})
    assert (answer.status_code, problems(answer)) == (415, ["D100"])
    assert "application/json" in answer.json()["problems"][0]["do"]


async def test_a_body_is_not_read_beyond_its_bound(built: House) -> None:
    """A body that never ends is cut off: 413, some is thrown away so that this is heard, and no more is asked for."""
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while read < 100 * 2**20:
            read += 65_536
            yield b" " * 65_536

    answer = await built.holding("detector", "source").post("/api/v1/alerts/presidio", content=endless(), headers=JSON)
    assert answer.status_code == 413
    assert read < 10 * 2**20


@pytest.mark.parametrize("body", [b"{", b"[7]", b"nonsense", b'{"model": 5, "results": "x"}', b"\xff\xfe", b"[" * 5000])
async def test_what_cannot_be_used_is_told_with_every_problem(built: House, body: bytes) -> None:
    """422, each problem with a code and what to do; nothing is stored."""
    answer = await send(built.holding("detector", "source"), body)
    assert answer.status_code == 422, answer.text
    assert all(problem["code"].startswith("D") and problem["message"] for problem in answer.json()["problems"])
    assert (await built.local.get("/api/v1/alerts")).json()["alerts"] == []


async def test_a_signature_over_the_raw_bytes_is_enough(built: House, signed: Callable[..., dict[str, str]]) -> None:
    """No token is needed; both live secrets are accepted while one is replaced."""
    other = PRESIDIO.replace(b"\n", b" \n")
    first, second = (
        await send(built.client(), **signed(PRESIDIO)),
        await send(built.client(), other, **signed(other, NEXT)),
    )
    assert (first.status_code, second.status_code) == (202, 202)


async def test_a_signature_of_other_bytes_is_refused_before_parsing(
    built: House, signed: Callable[..., dict[str, str]]
) -> None:
    """One changed byte, another secret, and a body that is no JSON: all 403 and nothing is stored."""
    bad: list[tuple[bytes, dict[str, str]]] = [
        (PRESIDIO + b" ", signed(PRESIDIO)), (PRESIDIO, signed(PRESIDIO, "another-secret-of-16")), (b"{", signed(b"[")),
    ]  # fmt: skip
    answers = [await send(built.client(), body, **headers) for body, headers in bad]
    assert [(answer.status_code, problems(answer)) for answer in answers] == [(403, ["D305"])] * 3
    assert (await built.local.get("/api/v1/alerts")).json()["alerts"] == []


async def test_a_source_that_does_not_sign_needs_a_token(built: House, signed: Callable[..., dict[str, str]]) -> None:
    """Alertmanager cannot sign; a signature header opens nothing there."""
    assert (await send(built.client(), source="alertmanager", **signed(PRESIDIO))).status_code == 401


async def test_without_a_secret_no_signature_is_accepted(built: House) -> None:
    """An unset variable never means that everything is accepted."""
    headers = {**JSON, "x-firedoor-signature": sign(b"", PRESIDIO, built.runtime.world.now())}
    assert (await send(built.client(), **headers)).status_code == 401


async def test_a_secret_that_cannot_be_read_says_nothing_of_it(built: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain secret in the variable is no reference: 502, and its text is nowhere in the answer."""
    monkeypatch.setenv("FIREDOOR_SOURCE_SECRET_PRESIDIO", SECRET)
    headers: dict[str, Any] = {
        **JSON,
        "x-firedoor-signature": sign(SECRET.encode(), PRESIDIO, built.runtime.world.now()),
    }
    answer = await send(built.client(), **headers)
    assert (answer.status_code, problems(answer)) == (502, ["D320"])
    assert SECRET not in answer.text


async def test_a_signed_delivery_of_the_past_is_refused(built: House, signed: Callable[..., dict[str, str]]) -> None:
    """Outside the window of five minutes a recorded delivery cannot be played again."""
    headers = signed(PRESIDIO)
    stamp = int(headers["x-firedoor-signature"].split(",")[0].removeprefix("t="))
    now = built.runtime.world.now
    built.runtime.world.now = lambda: now().fromtimestamp(stamp + 301, now().tzinfo)
    assert problems(await send(built.client(), **headers)) == ["D303"]


async def test_the_query_says_what_presidios_array_does_not(
    built: House, signed: Callable[..., dict[str, str]]
) -> None:
    """In a delivery with a token; a signature covers the body only, so a signed one says nothing beside it."""
    array = example_body(next(one for one in find("presidio").examples if one.file == "presidio-analyzer.json"))
    sender, where = built.holding("detector", "source"), "/api/v1/alerts/presidio?model=chat&request_id=r1&colour=red"
    (one,) = (await sender.post(where, content=array, headers=JSON)).json()["alerts"]
    facts = (await built.local.get(f"/api/v1/incidents/{one['incident']}/facts")).text
    assert (one["decision"], '"chat"' in facts) == ("start", True)
    refused = await built.client().post(where, content=array, headers=signed(array))
    assert (refused.status_code, problems(refused)) == (403, ["D306"])
    assert (
        await built.client().post("/api/v1/alerts/presidio", content=array, headers=signed(array))
    ).status_code == 202
    assert (await send(sender, b"[]")).json() == {"alerts": []}
