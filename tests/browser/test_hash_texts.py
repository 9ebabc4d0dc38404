"""What the control for hashes says, in the page's language, and what it does with a form that comes back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.browser.site import CHROMIUM, launched
from tests.conftest import require
from tests.support import drawn

import firedoor.templates

pytestmark = pytest.mark.slow
STATIC = Path(firedoor.templates.__file__).parent / "report" / "static"
PART = """<!doctype html><html lang="{lang}"><form><div data-hash hidden {own}>
<input type="file" id="picture" accept="image/*" multiple><p data-hash-note></p><ul data-hash-list></ul>
<p data-hash-said role="status"></p><input type="hidden" name="hashes" value="{given}"></div></form></html>"""
OLD = "pdq:" + "ab" * 32


@pytest.fixture(autouse=True)
def _nothing_wrong_is_heard() -> None:
    """These pages need no server."""


@pytest.fixture(name="page")
def _page() -> Iterator[Any]:
    require("Chromium", CHROMIUM.exists())
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = launched(playwright)
        yield browser.new_page()
        browser.close()


def shown(page: Any, lang: str = "en", given: str = "", own: str = "") -> None:
    """The part in a page, with both scripts."""
    page.set_content(PART.format(lang=lang, given=given, own=own))
    for name in ("pdq.js", "hash.js"):
        page.add_script_tag(path=STATIC / name)


def add(page: Any, *seeds: int) -> None:
    """Choose pictures, and wait until each has its row or was refused."""
    files = [{"name": "p", "mimeType": "image/png", "buffer": drawn.png(drawn.drawn(seed))} for seed in seeds]
    page.set_input_files("#picture", files)
    page.wait_for_timeout(300 + 250 * len(seeds))


@pytest.mark.parametrize(
    ("lang", "note", "made"),
    [("en", "stays on this device", "Picture 1"), ("de-AT", "bleibt auf diesem Gerät", "Bild 1"),
     ("fr", "reste sur cet appareil", "Image 1"), ("es", "se queda en este dispositivo", "Imagen 1"),
     ("fi", "stays on this device", "Picture 1"), ("", "stays on this device", "Picture 1")],
)  # fmt: skip
def test_the_control_speaks_the_language_of_the_page(page: Any, lang: str, note: str, made: str) -> None:
    """English where it has no other."""
    shown(page, lang)
    assert note in page.inner_text("[data-hash-note]")
    add(page, 1)
    assert made in page.inner_text("[data-hash-said]")


def test_every_language_says_everything() -> None:
    """The same texts with the same places to fill in."""
    script = (STATIC / "hash.js").read_text()
    said = script[script.index("const SAY") : script.index("// What a file begins with")]
    parts = re.split(r"^    (\w\w): \{$", said, flags=re.MULTILINE)[1:]
    languages = dict(zip(parts[::2], parts[1::2], strict=True))
    assert sorted(languages) == ["de", "en", "es", "fr"]
    keys = {one: re.findall(r"^      (\w+):", text, re.MULTILINE) for one, text in languages.items()}
    places = {one: sorted(re.findall(r"\{\w+\}", text)) for one, text in languages.items()}
    assert all(keys[one] == keys["en"] and places[one] == places["en"] for one in languages)


def test_a_page_may_give_its_own_words(page: Any) -> None:
    """For one text, and the others stay."""
    shown(page, own='data-say-note="Own words"')
    assert page.inner_text("[data-hash-note]") == "Own words"


def test_a_form_that_comes_back_keeps_its_hashes(page: Any) -> None:
    """Another picture is added to them, and they can be taken out."""
    shown(page, given=OLD)
    add(page, 1)
    assert len(page.input_value("input[name=hashes]").split()) == 9
    page.click("[data-hash-list] button >> nth=0")
    lines = page.input_value("input[name=hashes]").split()
    assert len(lines) == 8
    assert OLD not in lines


def test_no_more_hashes_are_made_than_a_request_may_hold(page: Any) -> None:
    """The ninth picture is refused in words; taking one out makes room."""
    from firedoor.core.requests.submission import MAXIMUM_HASHES

    shown(page)
    add(page, *range(9))
    page.wait_for_function("() => document.querySelector('[data-hash-said]').textContent.includes('At most 8')")
    assert len(page.input_value("input[name=hashes]").split()) == 64 <= MAXIMUM_HASHES
