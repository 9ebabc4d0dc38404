"""Pictures of the console for the documentation: an invented incident on a server of its own, taken by Chromium.

Run as `python -m tests.browser.pictures [FOLDER]`. Decides which pages, widths and schemes, and that a picture is
small. Leaves the pages to the console and the incident to `tour`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, sync_playwright
from tests.browser.site import PHONE, WORD, Site, launched, person
from tests.browser.tour import FACTS, confirmed

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
DEMO = IMAGES.parents[1] / "firedoor-demo"  # what `make demo` leaves behind
LARGEST = 200_000  # bytes of a picture
WIDTH, TALLEST = 1280, 1500  # pixels
COLOURS = 256


def night(site: Site) -> dict[str, str]:
    """Three incidents at three o'clock: one in the middle of its containment, two that have just come."""
    ada = {"name": "Ada Okafor", "roles": ["responder", "commander", "engineering", "legal"]}
    site.post("/accounts", {**ada, "display": ada["name"], "password": WORD, "email": "ada@house.test"})
    token = site.post("/tokens", {**ada, "account": ada["name"]})["token"]
    site.api.headers["authorization"] = f"Bearer {token}"
    incident = site.open(why="The planted record 4711 came back, word for word.", **FACTS)
    confirmed(site, incident)
    site.answer(
        incident, site.task(incident, "identification.scope"), "known",
        {"leaked_since": "2026-11-01T00:00:00+01:00", "data_acquired": "yes", "encrypted": "no"},
    )  # fmt: skip
    site.open(
        "nonconsensual-generation", "A request for removal with hashes.", severity="critical", endpoint="image-gen"
    )
    site.open("unauthorized-training", "The consent ledger does not fit the manifest.", severity="medium")
    task = site.task(incident, "notify-authorities.submit[eu.gdpr.art33.sa]")
    return {"incident": incident, "task": task}


def pages(found: dict[str, str]) -> list[tuple[str, str, dict[str, Any]]]:
    """Each picture: its name, its page, and how it is taken."""
    incident, task = f"/incidents/{found['incident']}", f"/incidents/{found['incident']}/tasks/{found['task']}"
    light: dict[str, Any] = {"viewport": {"width": WIDTH, "height": 900}, "color_scheme": "light"}
    return [
        ("console-overview", "/", light),
        ("console-incident", incident, light),
        ("console-task", task, light),
        ("console-playbook", "/playbooks/model-data-leakage", light),
        ("console-clocks", "/clocks", light),
        ("console-notices", f"{incident}/notices", light),
        ("console-report", f"/api/v1{incident}/report", light),
        ("console-task-phone", task, {"viewport": PHONE, "color_scheme": "light", "device_scale_factor": 2}),
        ("console-incident-dark", incident, {**light, "color_scheme": "dark"}),
    ]


def take(browser: Browser, site: Site, found: dict[str, str], folder: Path) -> None:
    """Take every picture; one that is too large is a fault."""
    for name, path, how in pages(found):
        file = folder / f"{name}.png"
        more = {"reduced_motion": "reduce", "locale": "en-GB", "bypass_csp": True}
        with person(browser, site, "dee", path, **more, **how) as (page, heard):
            page.add_style_tag(content="html { scrollbar-gutter: auto }")  # no room for a bar that is not there
            page.wait_for_timeout(1500)  # until the live parts stand still
            height = min(page.evaluate("document.documentElement.scrollHeight"), TALLEST)
            heard.expected.append("404")  # the icon that a browser asks for beside a report
            assert (wrong := heard.wrong()) == [], f"{path}: {wrong}"  # no picture of a page that went wrong
            whole = {"x": 0, "y": 0, "width": how["viewport"]["width"], "height": height}
            page.screenshot(path=str(file), full_page=True, clip=whole)
        small(file)
        sys.stdout.write(f"{file.name}: {file.stat().st_size // 1000} kB\n")


def paper(browser: Browser, folder: Path) -> None:
    """Take the report of a closed incident, as `make demo` has left it; without one the picture stays as it is."""
    report = max(DEMO.glob("INC-*-report.html"), default=None)
    if report is None:
        sys.stdout.write("report.png: left as it is; `make demo` writes the report that it shows\n")
        return
    page = browser.new_page(viewport={"width": 1100, "height": TALLEST}, color_scheme="light")
    page.goto(report.as_uri())
    page.screenshot(path=str(folder / "report.png"))
    small(folder / "report.png")


def small(file: Path) -> None:
    """Keep fewer colours. Raises AssertionError where that is not enough."""
    with Image.open(file) as picture:
        fewer = picture.convert("RGB").quantize(COLOURS, kmeans=1, dither=Image.Dither.NONE)
    fewer.save(file, optimize=True)
    assert file.stat().st_size < LARGEST, f"{file.name} has {file.stat().st_size} bytes"


def main(folder: Path) -> None:
    """Start everything, take the pictures, and stop everything."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="firedoor-pictures-") as data:
        site = Site(Path(data))
        try:
            found = night(site)
            with sync_playwright() as playwright:
                browser = launched(playwright)
                take(browser, site, found, folder)
                paper(browser, folder)
                browser.close()
        finally:
            site.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES)
