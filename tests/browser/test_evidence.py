"""A file as evidence in a browser: without scripts, beyond the bound, and what must never be sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.browser.site import PHONE, Site, person

from firedoor.interfaces.web.http.limits import MAXIMUM_EVIDENCE

pytestmark = pytest.mark.slow


@pytest.fixture(name="incident", scope="module")
def _incident(site: Site) -> str:
    return site.open(severity="low")


def send(page: Any, file: Path) -> None:
    """Fill the form in and send it."""
    page.fill("#name-file", "log of the gateway")
    page.fill("#why-file", "from the gateway team")
    page.set_input_files("#file", file)
    page.click("section:has(#add) button")
    page.wait_for_load_state()


def test_a_file_is_kept_without_scripts_on_a_phone(site: Site, browser: Any, incident: str, tmp_path: Path) -> None:
    """The list shows it, under the name of whoever sent it."""
    file, at = tmp_path / "gateway.log", f"/incidents/{incident}/evidence"
    file.write_bytes(b"03:00 GET /v1/chat 200\n" * 100_000)
    with person(browser, site, "dee", at, viewport=PHONE, java_script_enabled=False) as (page, heard):
        send(page, file)
        assert "Kept:" in page.inner_text("[role=status]:has(code)")
        assert "log of the gateway" in page.inner_text("section:has(#pieces)")
        assert not heard.errors
    listed = site.api.get(f"{at}").json()["evidence"]
    assert listed[-1]["size"] == 2_300_000
    assert listed[-1]["chain"][0]["by"] == "person:dee"


def test_a_file_beyond_the_bound_is_refused_on_the_form(
    site: Site, browser: Any, incident: str, tmp_path: Path
) -> None:
    """The browser sees the answer, not a broken connection; the words are still there."""
    file = tmp_path / "huge.bin"
    with file.open("wb") as written:
        written.truncate(MAXIMUM_EVIDENCE + 100_000)
    with person(browser, site, "dee", f"/incidents/{incident}/evidence") as (page, heard):
        heard.expected.append("413")
        send(page, file)
        assert "larger than 64 MiB" in page.inner_text("[role=alert]")
        assert page.input_value("#why-file") == "from the gateway team"
