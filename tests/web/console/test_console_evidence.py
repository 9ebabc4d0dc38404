"""The evidence of an incident on a page: custody, a file that is added, and hashes and locators without content."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import Request
from tests.support.api_house import House, house, problems
from tests.web.console.test_console_incident import PAGE, ROLES, SECRET, Browser, browser

from firedoor.core.problems import InvalidInput
from firedoor.interfaces.web.http.limits import MAXIMUM_BODY, MAXIMUM_EVIDENCE, MAXIMUM_FORM
from firedoor.interfaces.web.http.responses import TooLarge
from firedoor.interfaces.web.http.session import COOKIE
from firedoor.interfaces.web.http.upload import Upload
from firedoor.interfaces.web.reading.cache import forget
from firedoor.store.identity.sessions import csrf_of

LOG = b"2026-11-22T03:00:00Z GET /v1/chat 200\n"
WORDS = {"name": "log of the gateway", "why": "From the gateway team, by mail.", "mode": "vault"}
POINT = {"name": "the reported output", "why": "Named by the person who reported it.", "algorithm": "sha256"}
HASH = "ab" * 32


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    forget()
    async with house(tmp_path) as built:
        yield built


async def upload(
    who: Browser, incident: str, content: bytes = LOG, kind: str = "text/plain", **words: str
) -> httpx.Response:
    """A form with a file, as a browser sends it."""
    given = {"csrf": csrf_of(who.client.cookies[COOKIE]), **WORDS, **words}
    files = {"file": ("gateway.log", content, kind)}
    return await who.client.post(f"/incidents/{incident}/evidence", data=given, files=files, headers=PAGE)


async def kept(built: House, incident: str) -> dict[str, Any]:
    """What the API lists, by name."""
    listed = (await built.local.get(f"/api/v1/incidents/{incident}/evidence")).json()["evidence"]
    return {one["name"]: one for one in listed}


async def test_a_file_is_added_with_its_reason_and_its_custody(built: House) -> None:
    """The bytes are in the vault, the entry under the person's name; a download is noted, and nothing is shown."""
    incident, ann = await built.open(), await browser(built, "ann", *ROLES)
    sent, sha256 = await upload(ann, incident), hashlib.sha256(LOG).hexdigest()
    assert (sent.status_code, sent.headers["location"]) == (303, f"/incidents/{incident}/evidence?kept={sha256[:16]}")
    piece = (await kept(built, incident))[WORDS["name"]]
    assert (piece["sha256"], piece["size"], piece["mode"], piece["chain"][0]["by"]) == (
        sha256,
        38,
        "vault",
        "person:ann",
    )
    got = await ann.get(f"/api/v1/incidents/{incident}/evidence/{sha256}?why=read+on+the+console")
    assert got.content == LOG
    page = (await ann.get(sent.headers["location"])).text
    for words in (WORDS["why"], sha256, "<strong>read</strong> by ann", 'class="fresh"', f"evidence/{sha256}?why="):
        assert words in page, words
    assert "GET /v1/chat" not in page
    assert f'href="/incidents/{incident}/evidence"' in (await ann.get(f"/incidents/{incident}")).text


async def test_a_picture_is_refused_and_the_words_are_kept(built: House) -> None:
    """By its kind, whatever it shows; its digest alone may be kept, and then no byte of it is."""
    incident, ann = await built.open(), await browser(built, "ann", *ROLES)
    refused = await upload(ann, incident, kind="image/png")
    assert refused.status_code == 409
    for words in ("E106", f'value="{WORDS["name"]}"', f"{WORDS['why']}</textarea>"):
        assert words in refused.text, words
    assert WORDS["name"] not in await kept(built, incident)
    assert (await upload(ann, incident, kind="image/png", mode="digest")).status_code == 303
    sha256 = hashlib.sha256(LOG).hexdigest()
    assert problems(await built.local.get(f"/api/v1/incidents/{incident}/evidence/{sha256}")) == ["E102"]
    assert not built.runtime.world.vault.path(sha256).exists()


async def test_a_file_that_is_too_large_is_refused_on_the_form(built: House) -> None:
    """By what the browser declares, and by what comes in where nothing was declared; the words are kept."""
    incident, ann = await built.open(), await browser(built, "ann", *ROLES)
    declared = await upload(ann, incident, bytes(MAXIMUM_EVIDENCE + 100_000))
    counted = await ann.client.post(
        f"/incidents/{incident}/evidence", content=_endless(csrf_of(ann.client.cookies[COOKIE])),
        headers={**PAGE, "content-type": "multipart/form-data; boundary=xx"},
    )  # fmt: skip
    for refused in (declared, counted):
        assert refused.status_code == 413
        assert "larger than 64 MiB; nothing of it was kept" in refused.text
        assert WORDS["why"] in refused.text
    assert WORDS["name"] not in await kept(built, incident)


async def test_what_no_page_takes_in_is_refused_on_a_page(built: House) -> None:
    """Beyond every bound, and at an address that is none: words for people, and JSON for programs as before."""
    incident, ann = await built.open(), await browser(built, "ann", *ROLES)
    here, huge = f"/incidents/{incident}/evidence", {"content-length": str(MAXIMUM_FORM + 1)}
    refused = await ann.client.post(here, content=b"", headers={**PAGE, **huge})
    assert (refused.status_code, "nothing was saved" in refused.text) == (413, True)
    lost = await ann.get("/no-such-page")
    assert (lost.status_code, "start from the overview" in lost.text) == (404, True)
    assert problems(await built.local.get("/no-such-page")) == ["W104"]
    assert problems(await built.local.post(f"/api/v1{here}", content=b"", headers=huge)) == ["W113"]


@pytest.mark.parametrize("path", ["/answer/evidence", "/sign-in/ticket/evidence", "/api/v1/alerts/evidence"])
async def test_an_address_that_only_ends_like_evidence_takes_in_little(built: House, path: str) -> None:
    """A stranger sends no large body anywhere: the bound of evidence holds where evidence is taken in."""
    sent = await built.client().post(path, content=bytes(MAXIMUM_BODY + 1), headers=PAGE)
    assert sent.status_code == 413


async def test_a_form_of_another_page_is_not_read_as_evidence(built: House) -> None:
    """A notice whose clock is called so, and does not exist, is not found; its form is read as every other one."""
    incident, ann = await built.open(), await browser(built, "ann", *ROLES)
    given = {"csrf": csrf_of(ann.client.cookies[COOKIE])}
    path, files = f"/incidents/{incident}/notices/a/evidence", {"file": ("a", LOG, "text/plain")}
    assert (await ann.client.post(path, data=given, files=files, headers=PAGE)).status_code == 404


async def _endless(token: str) -> AsyncIterator[bytes]:
    for name, word in {"csrf": token, **WORDS}.items():
        yield f'--xx\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{word}\r\n'.encode()
    yield b'--xx\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    for _ in range(65):
        yield bytes(1024 * 1024)
    yield b"\r\n--xx--\r\n"


async def test_what_is_missing_is_said_and_nothing_is_kept(built: House) -> None:
    """A name and a reason together; a file; a form that breaks off."""
    incident, ann = await built.open(), await browser(built, "ann", *ROLES)
    refused = await upload(ann, incident, name=" ", why="")
    assert (refused.status_code, "E104" in refused.text, "E105" in refused.text) == (422, True, True)
    given = {"csrf": csrf_of(ann.client.cookies[COOKIE]), **WORDS}
    nothing = {"file": ("", b"", "application/octet-stream")}
    refused = await ann.client.post(f"/incidents/{incident}/evidence", data=given, files=nothing, headers=PAGE)
    assert "W145" in refused.text
    before = await kept(built, incident)
    assert "W145" in (await ann.send(f"/incidents/{incident}/evidence", **WORDS)).text
    assert await kept(built, incident) == before


async def test_a_form_from_another_page_is_refused_before_the_file(built: House) -> None:
    """Without the session's token, with a wrong one, and where the file comes before it."""
    incident, ann = await built.open(), await browser(built, "ann", *ROLES)
    assert (await upload(ann, incident, csrf="")).status_code == 403
    assert (await upload(ann, incident, csrf="0" * 64)).status_code == 403
    token = csrf_of(ann.client.cookies[COOKIE])
    late = (
        b'--xx\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc\r\n'
        b'--xx\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n' + token.encode() + b"\r\n--xx--\r\n"
    )
    headers = {**PAGE, "content-type": "multipart/form-data; boundary=xx"}
    assert (await ann.client.post(f"/incidents/{incident}/evidence", content=late, headers=headers)).status_code == 403
    assert WORDS["name"] not in await kept(built, incident)


async def test_hashes_and_locators_are_kept_without_content(built: House) -> None:
    """The hash stands on the page, the place only in the vault; the API keeps the same."""
    incident, ann = await built.open(), await browser(built, "ann", *ROLES)
    here, place = f"/incidents/{incident}/evidence", "log/2026-11-20/8812"
    sent = await ann.send(f"{here}/locators", **POINT, hashes=f" {HASH.upper()}\n\n{HASH.upper()}", locators=place)
    assert sent.status_code == 303
    piece = (await kept(built, incident))[POINT["name"]]
    assert piece["content_hashes"] == [{"algorithm": "sha256", "value": HASH}]
    assert "nothing was fetched; stated by ann" in piece["source"]
    page = (await ann.get(here)).text
    assert HASH in page
    assert place not in page
    held = await built.local.get(f"/api/v1{here}/{piece['sha256']}")
    assert held.json() == {"content_hashes": piece["content_hashes"], "locators": [place]}
    body = {"name": "by a program", "why": "x", "hashes": [HASH]}
    assert (await built.local.post(f"/api/v1{here}/locators", json=body)).status_code == 201
    assert "by a program" in await kept(built, incident)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "E108"), ({"hashes": "abc"}, "E109"), ({"hashes": "zz" * 32}, "E109"),
        ({"hashes": HASH, "algorithm": "rot13"}, "E109"), ({"locators": "data:image/png;base64,AAAA"}, "E110"),
        ({"locators": "x" * 2049}, "E110"), ({"locators": "a", "why": " "}, "E105"),
        ({"hashes": HASH, "name": ""}, "E104"),
    ],
)  # fmt: skip
async def test_what_is_no_hash_or_no_locator_is_refused(built: House, given: Mapping[str, str], code: str) -> None:
    """Content in the dress of an address above all; the words are kept on the form."""
    incident, ann = await built.open(), await browser(built, "ann", *ROLES)
    before = await kept(built, incident)
    refused = await ann.send(f"/incidents/{incident}/evidence/locators", **{**POINT, **given})
    assert refused.status_code == 422
    assert f"[{code}]" in refused.text
    assert given.get("why", POINT["why"]) + "</textarea>" in refused.text
    assert await kept(built, incident) == before


async def test_whoever_may_only_read_sees_the_list_and_no_form(built: House) -> None:
    """No download either; both forms answer 403."""
    incident, eve = await built.open(), await browser(built, "eve", "viewer")
    page = (await eve.get(f"/incidents/{incident}/evidence")).text
    assert "Your roles: viewer" in page
    assert '<form method="post" action="/incidents' not in page
    assert "Download" not in page
    assert (await upload(eve, incident)).status_code == 403
    assert (await eve.send(f"/incidents/{incident}/evidence/locators", **POINT, hashes=HASH)).status_code == 403


async def test_sealed_words_are_covered_and_nothing_is_handed_out(built: House) -> None:
    """A manager reads neither the words nor a piece; legal does. Outside the readers there is no page."""
    incident = await built.open("nonconsensual-generation", requester_contact=SECRET)
    leo, mia = await browser(built, "leo", "legal"), await browser(built, "mia", "manager")
    assert (await upload(leo, incident, name=f"mail of {SECRET}", mode="auto")).status_code == 303
    here = f"/incidents/{incident}/evidence"
    assert SECRET in (await leo.get(here)).text
    page = (await mia.get(here)).text
    assert SECRET not in page
    assert "<strong>Sealed.</strong>" in page
    assert "Download" not in page
    ann = await browser(built, "ann", *ROLES)
    assert (await ann.send(f"/incidents/{incident}/readers", who="some", roles="dpo", why="x")).status_code == 303
    assert (await mia.get(here)).status_code == 403
    assert (await upload(mia, incident)).status_code == 403


async def test_a_long_list_is_cut_and_texts_of_notices_stand_apart(built: House) -> None:
    """Fifty pieces at once; all of them on request."""
    incident, ann = await built.open(), await browser(built, "ann", *ROLES)
    for number in range(51):
        body = {"name": f"hash no. {number}", "why": "x", "hashes": [f"{number:064x}"]}
        await built.local.post(f"/api/v1/incidents/{incident}/evidence/locators", json=body)
    page = (await ann.get(f"/incidents/{incident}/evidence")).text
    assert "hash no. 50<" in page
    assert "hash no. 0<" not in page
    assert "hash no. 0<" in (await ann.get(f"/incidents/{incident}/evidence?all=1")).text


@pytest.mark.parametrize("size", [1, 2, 7, 61, 10_000])
async def test_a_form_is_read_the_same_however_it_is_cut(size: int) -> None:
    """The network cuts where it likes: words, kind and file stay what they are."""
    content = b"--xx almost a boundary\r\n--x" + bytes(range(256))
    body = (
        b'--xx\r\nContent-Disposition: form-data; name="why"\r\n\r\n\xc3\xa4 reason\r\n'
        b'--xx\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\nContent-Type: text/csv\r\n\r\n'
        + content + b"\r\n--xx--\r\n"
    )  # fmt: skip
    upload = Upload(request(cut(body, size)))
    await upload.begin()
    assert (upload.words, upload.filename, upload.media_type) == ({"why": "ä reason"}, "a.bin", "text/csv")
    assert b"".join([part async for part in upload.parts()]) == content


FIELD = b'--xx\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
ENDLESS = {
    "a word": FIELD % (b"why", bytes(70_000)), "a name": FIELD % (b"n" * 70_000, b""),
    "many fields": b"".join(FIELD % (b"field%d" % number, b"") for number in range(9000)),
    "a header": b"--xx\r\nX-Long: " + b"x" * 70_000,
}  # fmt: skip


@pytest.mark.parametrize("body", ENDLESS.values(), ids=list(ENDLESS))
async def test_words_have_a_bound(body: bytes) -> None:
    """However they are spun out, the form is refused while little of it is held."""
    with pytest.raises(InvalidInput, match="cannot be read"):
        await Upload(request(cut(body, 1000))).begin()


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=yy"])
async def test_what_is_no_form_is_refused(kind: str) -> None:
    """Without a boundary, or with another one than it says."""
    with pytest.raises(InvalidInput, match="cannot be read"):
        await Upload(request(cut(b"--xx\r\nno", 3), kind)).begin()


@pytest.mark.parametrize("declared", [0, MAXIMUM_EVIDENCE + 100_000])
async def test_no_more_is_read_than_is_needed(declared: int) -> None:
    """Up to the file for the words, so that a picture is refused unread; nothing of what says that it is too large."""
    body = b'--xx\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + bytes(1000) + b"\r\n--xx--"
    parts = cut(body, 10)
    upload = Upload(request(parts, declared=declared))
    await upload.begin()
    assert len(b"".join(parts)) > 1000
    left = len(parts)
    if declared:
        with pytest.raises(TooLarge, match="64 MiB"):
            await anext(upload.parts())
    assert len(parts) == left


def cut(body: bytes, size: int) -> list[bytes]:
    """The body, so many bytes at a time."""
    return [body[start : start + size] for start in range(0, len(body), size)]


def request(parts: list[bytes], kind: str = "multipart/form-data; boundary=xx", declared: int = 0) -> Request:
    """A request whose body comes in these parts."""
    headers = [(b"content-type", kind.encode()), (b"content-length", str(declared).encode())]

    async def receive() -> dict[str, Any]:
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    return Request({"type": "http", "method": "POST", "headers": headers}, receive)
