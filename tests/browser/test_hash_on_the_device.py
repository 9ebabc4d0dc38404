"""The hash that a page makes of a picture: the picture's bytes leave the browser by no way, and the hash is right.

All that this Chromium sends goes through one recorder, which is its proxy for every host and the site itself.
"""

from __future__ import annotations

import base64
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import pytest
from tests.browser.site import ARGUMENTS, CHROMIUM
from tests.conftest import require
from tests.support import drawn

import firedoor.templates
from firedoor.core.hashing.pdq import pdq

pytestmark = pytest.mark.slow
STATIC = Path(firedoor.templates.__file__).parent / "report" / "static"
ADDRESS = "http://report.test/report"
NEAR = 4  # bits of 256
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "require-trusted-types-for 'script'"
)
PAGE = """<!doctype html><html lang="en"><title>Report</title><form method="post" action="/report">
<label for="words">What happened</label><input id="words" name="statement" value="please remove it">
<div data-hash hidden data-say-made="Bild {number} ist fertig, Güte {quality}">
<label for="picture">Picture</label><input type="file" id="picture" NAME accept="image/*" multiple>
<p data-hash-note></p><ul data-hash-list></ul><p data-hash-said role="status"></p>
<input type="hidden" name="hashes"></div><button id="send">Send</button></form>
<script src="/pdq.js"></script><script src="/hash.js"></script></html>"""


class Recorder(socketserver.ThreadingTCPServer):
    """Answers whatever it is asked as the site, and keeps every byte that reached it."""

    daemon_threads = allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.heard = bytearray()
        self.asked: list[str] = []
        self.posted = b""
        self.name = ""  # an attribute of the file input
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Answer(socketserver.StreamRequestHandler):
    server: Recorder

    def handle(self) -> None:
        head = b""
        while (line := self.rfile.readline()) not in (b"\r\n", b""):
            head += line
        length = next((int(one[15:]) for one in head.lower().split(b"\r\n") if one.startswith(b"content-length:")), 0)
        body = self.rfile.read(length)
        self.server.heard += head + body
        self.server.asked.append(" ".join(head.decode("latin-1").split("\r\n")[0].split()[:2]))
        self.server.posted = body or self.server.posted
        self.wfile.write(self._answer(head))

    def _answer(self, head: bytes) -> bytes:
        if not head.startswith((b"GET http://report.test/", b"POST http://report.test/")):
            return b"HTTP/1.1 403 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        name = head.split()[1].rpartition(b"/")[2].decode()
        script = name.endswith(".js")
        text = (STATIC / name).read_bytes() if script else PAGE.replace("NAME", self.server.name).encode()
        kind = "text/javascript" if script else "text/html; charset=utf-8"
        fields = f"Content-Type: {kind}\r\nContent-Length: {len(text)}\r\nContent-Security-Policy: {POLICY}\r\n"
        return f"HTTP/1.1 200 OK\r\n{fields}Connection: close\r\n\r\n".encode() + text


@pytest.fixture(autouse=True)
def _nothing_wrong_is_heard() -> None:
    """These pages come from the recorder, not from the site of the folder."""


@pytest.fixture(name="recorder")
def _recorder() -> Iterator[Recorder]:
    with Recorder() as recorder:
        yield recorder
        recorder.shutdown()


@pytest.fixture(name="page")
def _page(recorder: Recorder) -> Iterator[Any]:
    require("Chromium", CHROMIUM.exists())
    from playwright.sync_api import sync_playwright

    proxy = [f"--proxy-server=127.0.0.1:{recorder.server_address[1]}", "--proxy-bypass-list=<-loopback>"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=[*ARGUMENTS, *proxy])
        page: Any = browser.new_page()
        page.wrong = []
        page.on("console", lambda told: page.wrong.append(told.text) if told.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: page.wrong.append(str(error)))
        page.goto(ADDRESS)
        yield page
        page.wrong = [one for one in page.wrong if "favicon" not in one]
        browser.close()


def chosen(page: Any, *files: tuple[str, bytes]) -> str:
    """Choose files, wait until all are looked at, return what was said last."""
    page.set_input_files("#picture", [{"name": n, "mimeType": "image/jpeg", "buffer": b} for n, b in files])
    page.wait_for_function("""() => { const said = document.querySelector("[data-hash-said]").textContent;
        return said && !said.includes("one moment"); }""")
    page.wait_for_timeout(300)
    return str(page.inner_text("[data-hash-said]"))


def hashes(page: Any) -> list[str]:
    """The lines of the field."""
    return str(page.input_value("input[name=hashes]")).split()


def apart(line: str, picture: drawn.Picture) -> int:
    """In how many bits a line differs from the hash of a picture as the server makes it."""
    made = pdq(np.asarray(picture.convert("RGB")))
    return (int(line.removeprefix("pdq:"), 16) ^ int(made.hash, 16)).bit_count()


@pytest.mark.parametrize("name", ["", 'name="file"'], ids=["as documented", "a page that names the file"])
def test_the_bytes_of_the_picture_never_leave(recorder: Recorder, page: Any, name: str) -> None:
    """The form is sent with hashes; of the file neither the mark nor any piece of 48 bytes is in what was sent."""
    recorder.name = name
    page.reload()
    sent: list[Any] = []
    page.on("request", lambda request: sent.append((request.url, request.post_data_buffer or b"")))
    file = drawn.jpeg(drawn.drawn(1, (1600, 1200)), 92, marked=True)
    chosen(page, ("private-name.jpg", file))
    assert sent == []  # making the hash asks nobody for anything
    before = len(recorder.heard)
    page.click("#send")
    page.wait_for_load_state()
    form = parse_qs(recorder.posted.decode(), keep_blank_values=True)
    assert form.keys() == {"statement", "hashes"}
    assert [line.partition(":")[0] for line in form["hashes"][0].split()] == ["pdq"] * 8
    assert len(file) > 150_000
    assert len(recorder.heard) - before < 20_000  # with what Chromium asks its maker by itself
    for away in (bytes(recorder.heard), *(body for _, body in sent)):
        assert_nothing_of(file, away)
    assert {url.split("/")[2] for url, _ in sent} == {"report.test"}
    assert any("POST http://report.test/report" in asked for asked in recorder.asked)
    assert page.wrong == []


def assert_nothing_of(file: bytes, away: bytes) -> None:
    """Neither as it is, nor in base64, nor in hexadecimal, nor the file's name."""
    assert drawn.MARK not in away
    assert b"private-name" not in away
    assert drawn.MARK.hex().encode() not in away.lower()
    assert not [shift for shift in range(3) if base64.b64encode(bytes(shift) + drawn.MARK)[4:-4] in away]
    assert not [at for at in range(0, len(file) - 48, 997) if file[at : at + 48] in away]


def test_what_leaves_would_be_heard(recorder: Recorder, page: Any) -> None:
    """The test above can fail: a page that does send the file is caught by its mark and by its bytes."""
    file = drawn.jpeg(drawn.drawn(1), marked=True)
    page.evaluate("""() => { document.querySelector("form").enctype = "multipart/form-data";
        const stolen = document.createElement("input"); stolen.type = "file"; stolen.name = "stolen";
        stolen.id = "stolen"; document.querySelector("form").append(stolen); }""")
    page.set_input_files("#stolen", [{"name": "private-name.jpg", "mimeType": "image/jpeg", "buffer": file}])
    page.click("#send")
    page.wait_for_load_state()
    with pytest.raises(AssertionError):
        assert_nothing_of(file, bytes(recorder.heard))


@pytest.mark.parametrize("seed", range(4))
def test_the_browser_makes_the_hash_of_the_package(page: Any, seed: int) -> None:
    """The first line is the picture's own within 4 bits; the others find it mirrored and rotated."""
    picture = drawn.drawn(seed, (900 + 131 * seed, 700))
    file = drawn.jpeg(picture, 85) if seed % 2 else drawn.png(picture)
    said = chosen(page, ("p", file))
    assert "Bild 1 ist fertig, Güte 100" in said
    lines = hashes(page)
    assert len(lines) == 8
    shown = drawn.opened(file)
    assert apart(lines[0], shown) <= NEAR
    for turn in range(7):
        assert min(apart(line, shown.transpose(turn)) for line in lines) <= 16


def test_a_picture_larger_than_a_canvas_keeps_its_hash(page: Any) -> None:
    """Scaled down before it is hashed, it stays within the distance of a match by far."""
    picture = drawn.drawn(5, (5200, 4000))
    chosen(page, ("p", drawn.jpeg(picture, 80)))
    assert apart(hashes(page)[0], picture) <= NEAR


def test_a_photograph_is_hashed_as_it_is_shown(page: Any) -> None:
    """A telephone held sideways writes a rotation into the file; the set of eight finds both ways."""
    from PIL import Image

    picture = drawn.drawn(6)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise
    chosen(page, ("p", drawn.jpeg(picture, exif=exif)))
    lines = hashes(page)
    assert apart(lines[0], picture.rotate(-90, expand=True)) <= NEAR
    assert min(apart(line, picture) for line in lines) <= 16


@pytest.mark.parametrize(
    "content",
    [b"%PDF-1.7", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"", b"\xff\xd8\xff\xe0cut", b"GIF89a" + bytes(40)],
    ids=["pdf", "svg", "empty", "cut off", "gif"],
)
def test_what_is_no_photograph_is_refused(page: Any, content: bytes) -> None:
    """By its bytes, whatever it is called; nothing is added and the form can be sent without it."""
    assert "You can send the form without it" in chosen(page, ("photo.jpg", content))
    assert hashes(page) == []


def test_a_plain_picture_is_not_added(page: Any) -> None:
    """Its quality is told, and why it is not enough."""
    assert "too plain for a hash (quality 0 of 100" in chosen(page, ("p", drawn.jpeg(drawn.plain())))
    assert hashes(page) == []


def test_several_pictures_are_added_and_one_is_taken_out_again(page: Any) -> None:
    """Without the network; the keyboard stays at the place where pictures are chosen."""
    page.context.set_offline(True)
    chosen(page, *((f"{seed}", drawn.jpeg(drawn.drawn(seed))) for seed in (1, 2)))
    page.wait_for_function("() => document.querySelectorAll('[data-hash-list] li').length === 2")
    both = hashes(page)
    assert len(both) == 16
    page.click("[data-hash-list] button >> nth=0")
    assert hashes(page) == both[8:]
    assert page.evaluate("document.activeElement.id") == "picture"
    assert page.input_value("#picture") == ""
    assert page.wrong == []


def test_the_page_says_that_the_picture_stays(page: Any) -> None:
    """Before anything is chosen, in plain words, with what is not found."""
    note = page.inner_text("[data-hash-note]")
    assert "Your picture stays on this device" in note
    assert "not cut-out parts" in note


def test_without_scripts_no_control_is_shown(recorder: Recorder, page: Any) -> None:
    """A control that does nothing would be a promise."""
    context = page.context.browser.new_context(java_script_enabled=False)
    bare = context.new_page()
    bare.goto(ADDRESS)
    assert not bare.is_visible("#picture")
    context.close()


def test_the_scripts_ask_for_nothing() -> None:
    """No way out is even written down in them."""
    text = "".join(file.read_text() for file in sorted(STATIC.glob("*.js")))
    ways = (
        "fetch(",
        "XMLHttpRequest",
        "sendBeacon",
        "WebSocket",
        "localStorage",
        "indexedDB",
        "import(",
        "eval(",
        "src=",
    )
    assert [way for way in ways if way in text.replace(" = ", "=")] == []
