"""What is asked of every page: accessibility by axe, width, and the same words with and without scripts.

Decides which faults count (serious and critical) and the four looks at which a page is taken: desktop and phone, light
and dark. Leaves which pages there are to `tour`.
"""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from tests.browser.site import DESKTOP, PHONE

AXE = Axe()
TABLET, ZOOMED = (
    {"width": 1024, "height": 768},
    {"width": 640, "height": 450},
)  # a desk at twice its size is half as wide
SERIOUS = ("serious", "critical")
ALL = {"resultTypes": ["violations"]}  # what is in order need not be told one by one
COLOURS = {**ALL, "runOnly": ["color-contrast", "link-in-text-block"]}
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# What sticks out at the right, so that a failure says what to mend; a region that scrolls by itself may hold anything.
STICKS_OUT = """() => [...document.querySelectorAll("main *, header *")].filter((e) => !e.closest(".scroll")
    && e.getBoundingClientRect().right > document.documentElement.clientWidth + 1).slice(0, 3).map((e) =>
    e.outerHTML.slice(0, 120))"""
# Titles, links and inputs; times differ, because the script writes them in the zone of whoever reads.
OUTLINE = """() => [...document.querySelectorAll("h1, h2, h3, main a, main label, main button, main th")].map((e) =>
    [e.tagName, e.getAttribute("href") || "", [...e.childNodes].filter((n) => n.nodeType === 3).map((n) =>
    n.data.trim()).join(" ")].join("|"))"""


def faults(page: Page, options: Any = ALL) -> list[str]:
    """The serious faults that axe finds on a page."""
    found = AXE.run(page, options=options).response["violations"]
    return [
        f"{one['id']}: {node['html'][:150]} {node.get('failureSummary', '')[:200]}"
        for one in found if one["impact"] in SERIOUS for node in one["nodes"][:3]
    ]  # fmt: skip


def looks(page: Page) -> list[str]:
    """Take an open page at four looks; return what is wrong. Colours alone change with the scheme."""
    wrong = []
    for size in (TABLET, ZOOMED):
        page.set_viewport_size(size)
        if page.evaluate(WIDER) > 0:
            wrong.append(f"{size['width']}: wider than the screen: {page.evaluate(STICKS_OUT)}")
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme="light")
        wrong += [f"{size['width']} light: {fault}" for fault in faults(page)]
        if page.evaluate(WIDER) > 0:
            wrong.append(f"{size['width']}: wider than the screen: {page.evaluate(STICKS_OUT)}")
        page.emulate_media(color_scheme="dark")
        wrong += [f"{size['width']} dark: {fault}" for fault in faults(page, COLOURS)]
    return wrong
