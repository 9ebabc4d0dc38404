"""A request by e-mail on its way into an incident: by the command's call, once, without the picture."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.core.requests.test_mail import PLANTED, WORDS, mail
from tests.support.api_house import House
from tests.web.public.test_takedown import incidents, platform, requests, taken_up

from firedoor.core.requests.mail import read_mail

DOOR = "/api/v1/mailed-requests"


@pytest.fixture(name="firedoor")
async def _firedoor(tmp_path: Path) -> AsyncIterator[House]:
    async with platform(tmp_path) as built:
        yield built


def holding(folder: Path, planted: bytes) -> list[Path]:
    """The files of a folder in which these bytes are."""
    return [one for one in folder.rglob("*") if one.is_file() and planted in one.read_bytes()]


async def test_a_mail_becomes_a_request_with_its_own_clock(firedoor: House, tmp_path: Path) -> None:
    """It counts from its receipt; the same mail again is the same; nobody has confirmed anything yet."""
    message = mail(WORDS, Received="from a by b; Fri, 20 Nov 2026 10:00:00 +0100")
    message.add_attachment(PLANTED, maintype="image", subtype="png", filename="me.png")
    found = read_mail(message.as_bytes())
    assert found.received_at is not None
    given = {"key": found.key, "received_at": found.received_at.isoformat(), "submission": found.body}
    first, again = [await firedoor.local.post(DOOR, json=given) for _ in range(2)]
    assert (first.status_code, first.json()) == (201, again.json()), first.text
    await taken_up(firedoor)
    (incident,) = await incidents(firedoor)
    (request,) = await requests(firedoor, incident["id"])
    assert request["received_at"].startswith("2026-11-20T09:00:00")
    assert request["letters"] == []
    assert request["requester"] == "Invented Person"
    path = urlsplit(first.json()["status_url"]).path
    assert (await firedoor.client().get(path)).json()["number"] == first.json()["number"]
    assert holding(tmp_path, b"PLANTED-BYTES") == []


async def test_only_who_responds_hands_one_in(firedoor: House) -> None:
    """A stranger uses the door for strangers, where nobody names an earlier receipt."""
    given = {"key": "0" * 64, "submission": read_mail(mail().as_bytes()).body}
    assert (await firedoor.client().post(DOOR, json=given)).status_code == 401
    assert (await firedoor.holding("eve", "viewer").post(DOOR, json=given)).status_code == 403
    assert (await firedoor.holding("ann", "responder").post(DOOR, json=given)).status_code == 201
