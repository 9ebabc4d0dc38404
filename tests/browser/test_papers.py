"""Notices and reports on paper, taken as a person takes them: by the link of the page, as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from tests.browser.site import SIZES, Site, person
from tests.browser.tour import FACTS, confirmed

pytestmark = pytest.mark.slow
CLOCK = "eu.gdpr.art33.sa"
ARTICLE = "Art 33(1)"


@pytest.fixture(name="incident", scope="module")  # both widths read the papers of one incident
def _incident(site: Site) -> str:
    site.far_end.reset()
    incident = site.open(**FACTS)
    confirmed(site, incident)
    return incident


def saved(page: Any, link: str, folder: Path) -> Path:
    """Click a link and keep the file that comes, under the name that the browser would give it."""
    with page.expect_download() as coming:
        page.click(link)
    file = folder / coming.value.suggested_filename
    coming.value.save_as(file)
    return file


def words(file: Path) -> str:
    """What a file says, with single spaces; a PDF and a Word file are opened as what they claim to be."""
    if file.suffix == ".pdf":
        from pypdf import PdfReader

        text = " ".join(sheet.extract_text() for sheet in PdfReader(file).pages)
    elif file.suffix == ".docx":
        text = ZipFile(file).read("word/document.xml").decode()
    else:
        text = file.read_text()
    return " ".join(text.split())


@SIZES
@pytest.mark.parametrize("form", ["PDF", "Word", "HTML", "plain text", "Markdown"])
def test_the_notice_is_downloaded(
    site: Site, browser: Any, incident: str, tmp_path: Path, size: Any, form: str
) -> None:  # fmt: skip
    """Its name says whose it is, its words name the incident and the article, and that it is a draft."""
    with person(browser, site, "dee", f"/incidents/{incident}/notices", viewport=size) as (page, _):
        page.click(f"a[href='/incidents/{incident}/notices/{CLOCK}']")
        file = saved(page, f"main a:text-is('{form}')", tmp_path)
    assert file.name.startswith(f"{incident}-{CLOCK}-de-draft.")
    text = words(file)
    assert incident in text
    assert ARTICLE in text
    assert "DRAFT" in text


@SIZES
def test_the_report_is_downloaded(site: Site, browser: Any, incident: str, tmp_path: Path, size: Any) -> None:
    """From the page of the incident, as PDF; it names the incident, the article and what was closed."""
    with person(browser, site, "dee", f"/incidents/{incident}", viewport=size) as (page, _):
        file = saved(page, "a[href*='/report?format=pdf']", tmp_path)
    assert file.name == f"{incident}.pdf"
    text = words(file)
    assert incident in text
    assert ARTICLE in text
    assert "chat-large" in text


@SIZES
def test_the_report_is_read_in_the_browser(site: Site, browser: Any, incident: str, size: Any) -> None:
    """The same report as a page, no wider than the screen."""
    with person(browser, site, "dee", f"/incidents/{incident}", viewport=size) as (page, _):
        page.click(f"a[href='/api/v1/incidents/{incident}/report']")
        page.wait_for_url("**/report")
        assert incident in page.inner_text("body")
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
