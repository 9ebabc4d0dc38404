"""Who may send alerts over HTTP: every place of a token, a certificate by a proxy's word, an address as a condition."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.core.alerts.test_sns import NOTIFICATION, NOW, TOPIC, key, signed
from tests.support.api_house import House, house, problems

BODY = b'{"id": "1", "severity": "low"}'
MAPPING = "source: desk\nfields: {id: id, severity: severity}\nauthentication: [bearer, path]\nkey_header: X-Desk-Key\n"
TOPICS = "source: topics\nfields: {id: MessageId}\nonly_when: {Type: Notification}\nauthentication: [sns]\n"
HUB = "source: hub\nfields: {id: id}\nauthentication: [hmac]\nsignature: github\n"
RULES = {
    "cloudevents": {"addresses": ["192.0.2.0/24"]},
    "generic": {"certificate_header": "X-Client-Subject", "certificates": ["CN=detector,O=Example"]},
    "topics": {"topics": [TOPIC]},
}


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    folder = tmp_path
    (folder / "maps").mkdir()
    for name, text in (("desk", MAPPING), ("topics", TOPICS), ("hub", HUB)):
        (folder / "maps" / f"{name}.yaml").write_text(text)
    settings = {"mappings": folder / "maps", "alert_senders": RULES, "trusted_proxies": "127.0.0.1"}
    async with house(folder / "data", **settings) as built:
        yield built


def token(built: House, source: str) -> str:
    """The token of a source."""
    return built.holding(f"source:{source}", "source").headers["authorization"].removeprefix("Bearer ")


async def post(built: House, path: str, body: bytes = BODY, **headers: str) -> httpx.Response:
    """Post without a token of the client's own."""
    given = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return await built.client().post(f"/api/v1/alerts/{path}", content=body, headers=given)


def basic(password: str) -> str:
    """Basic, with a name that says nothing."""
    return "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()


async def test_a_token_may_stand_in_four_places(built: House) -> None:
    """As a bearer, as a password, in the header of the source, in the address where the source allows it."""
    known = token(built, "desk")
    answers = [
        await post(built, "desk", authorization=f"Bearer {known}"),
        await post(built, "desk", authorization=basic(known)),
        await post(built, "desk", x_desk_key=known),
        await post(built, f"desk/from/{known}"),
    ]
    assert [answer.status_code for answer in answers] == [202] * 4
    assert answers[3].json()["alerts"][0]["deliveries"] == 4


async def test_a_wrong_token_is_refused_in_each_place(built: House) -> None:
    """401, and nothing else is tried."""
    answers = [
        await post(built, "desk", authorization="Basic ???"),
        await post(built, "desk", x_api_key=token(built, "desk")),  # not the header of this source
    ]
    for wrong in ("", "fd_unknown", "x" * 300):
        answers.append(await post(built, "desk", authorization=basic(wrong)))
        answers.append(await post(built, "desk", x_desk_key=wrong))
        answers.append(await post(built, f"desk/from/{wrong or 'x'}"))
    assert [(answer.status_code, problems(answer)) for answer in answers] == [(401, ["W101"])] * 11


async def test_a_token_in_an_address_counts_where_the_source_allows_it(built: House) -> None:
    """Everywhere else it is as if it were not there; a token of another source is bound to that one."""
    assert (await post(built, f"generic/from/{token(built, 'generic')}")).status_code == 401
    assert (await post(built, f"desk/from/{token(built, 'generic')}")).status_code == 403


async def test_a_secret_in_an_address_is_nowhere_again(built: House, caplog: pytest.LogCaptureFixture) -> None:
    """Not in an answer, and not in a log, whatever comes of the delivery."""
    known = token(built, "desk")
    with caplog.at_level(logging.DEBUG):
        answers = [
            await post(built, f"desk/from/{known}", b"{"),
            await post(built, f"nobody/from/{known}"),
            await post(built, f"desk/from/{known}", content_type="image/png"),
            await built.client().get(f"/api/v1/alerts/desk/from/{known}"),
        ]
    assert [answer.status_code for answer in answers] == [422, 401, 415, 405]
    logged = [
        record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))
    ]  # our own client
    assert known not in "".join(answer.text for answer in answers) + "".join(one.getMessage() for one in logged)


async def test_an_address_is_a_condition_and_no_proof(built: House) -> None:
    """From elsewhere a right token is refused; from there no token is still none."""
    known, here = token(built, "cloudevents"), {"x_forwarded_for": "192.0.2.7"}
    elsewhere = await post(built, "cloudevents", authorization=f"Bearer {known}", x_forwarded_for="198.51.100.7")
    assert (elsewhere.status_code, problems(elsewhere)) == (403, ["D310"])
    assert (await post(built, "cloudevents", **here)).status_code == 401
    assert (await post(built, "cloudevents", authorization=f"Bearer {known}", **here)).status_code == 422


async def test_a_certificate_counts_on_the_word_of_a_trusted_proxy(built: House) -> None:
    """A subject that is listed, whole; from the proxy's own connection alone; and not twice."""
    right = "CN=detector,O=Example"
    assert (await post(built, "generic", x_client_subject=right)).status_code == 202
    for wrong in ("CN=detector", f"{right},OU=x", right.lower(), ""):
        assert (await post(built, "generic", x_client_subject=wrong)).status_code == 401
    assert (await post(built, "desk", x_client_subject=right)).status_code == 401
    stranger = httpx.ASGITransport(app=built.app, client=("203.0.113.9", 4000))
    async with httpx.AsyncClient(transport=stranger, base_url="http://127.0.0.1:8600") as client:
        headers = {"content-type": "application/json", "x-client-subject": right}
        assert (await client.post("/api/v1/alerts/generic", content=BODY, headers=headers)).status_code == 401
    twice = [("content-type", "application/json"), ("x-client-subject", right), ("x-client-subject", right)]
    assert (await built.client().post("/api/v1/alerts/generic", content=BODY, headers=twice)).status_code == 401


async def test_a_delivery_of_amazon_sns(
    built: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As text/plain, by a certificate that lies here; the same again is a copy; a confirmation is left to a person."""
    monkeypatch.setenv("FIREDOOR_SOURCE_SECRET_TOPICS", "secret://env/CERT")
    monkeypatch.setenv("CERT", key("sns")[1].decode())
    monkeypatch.setattr(built.runtime.world, "now", lambda: NOW)
    fresh = NOTIFICATION
    sns = {"content_type": "text/plain; charset=UTF-8", "x_amz_sns_message_type": "Notification"}
    first, again = [await post(built, "topics", signed(fresh), **sns) for _ in range(2)]
    assert (first.status_code, again.json()["alerts"][0]["decision"]) == (202, "duplicate"), first.text
    asks = {**fresh, "Type": "SubscriptionConfirmation", "Token": "t-7", "SubscribeURL": "https://sns.example/confirm"}
    asks.pop("Subject")
    asked = await post(built, "topics", signed(asks), **{**sns, "x_amz_sns_message_type": "SubscriptionConfirmation"})
    assert (asked.status_code, asked.json()) == (202, {"alerts": []})
    assert "aws sns confirm-subscription" in caplog.text
    assert (await post(built, "topics", signed(fresh, "stranger"), **sns)).status_code == 403
    assert (await post(built, "topics", signed(fresh))).status_code == 401


async def test_a_scheme_is_named_in_a_mapping(built: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a signed delivery that is played again is a copy that starts nothing."""
    secret = "0123456789abcdef-hub"
    monkeypatch.setenv("FIREDOOR_SOURCE_SECRET_HUB", "secret://env/HUB")
    monkeypatch.setenv("HUB", secret)
    body = json.dumps({"id": "h1"}).encode()
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    told = [(await post(built, "hub", body, x_hub_signature_256=signature)).json()["alerts"][0] for _ in range(2)]
    assert [one["deliveries"] for one in told] == [1, 2]
    assert told[1]["decision"] == "duplicate"
