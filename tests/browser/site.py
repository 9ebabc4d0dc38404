"""A server with people and incidents, as a browser meets it, and what a browser hears while it looks around.

Decides who there is (Ann and Bo who respond, Dee who protects data, Eve who may only read) and that every page is
watched for errors and for requests to anywhere else: a fixture fails the journey that heard one. Leaves the journeys
to the tests and the pictures to `pictures`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright
from tests.browser.letter_box import LetterBox
from tests.contract.connector_suite import rig_class
from tests.patience import stop, until

import firedoor.demo

CHROMIUM = Path("/usr/bin/chromium")
WORD = "a door that shuts by itself"
PEOPLE = {
    "ann": ["responder", "commander", "engineering", "manager", "admin"],
    "bo": ["responder", "commander", "legal", "communications", "victim_support", "manager"],
    "dee": ["dpo", "legal"],
    "eve": ["viewer"],
}
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
# Headless on a server: no sandbox as root, no graphics, nothing in the background that asks other hosts.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]


@dataclass
class Heard:
    """What went wrong in a browser, and whom else it asked. `expected` are parts of errors that a journey provokes."""

    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def wrong(self) -> list[str]:
        """What nobody expected; forgotten once it is told."""
        errors = [one for one in self.errors if not any(part in one for part in self.expected)]
        told = errors + [f"somebody else was asked: {address}" for address in self.outside]
        self.errors.clear()
        self.outside.clear()
        return told


class Site:
    """A server of its own with a model server behind it and a mail server beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.far_end = rig_class("http")()
        self.far_end.start()
        self.letters = LetterBox()
        inventory = {"targets": json.loads(self.far_end.inventory.model_dump_json(by_alias=True))["targets"]}
        (folder / "targets.yaml").write_text(json.dumps(inventory))
        shutil.copy(Path(firedoor.demo.__file__).with_name("organisation.yaml"), folder / "organisation.yaml")
        self.remembered: dict[str, Any] = {}  # who has signed in, with the cookie of it
        self.heard: list[Heard] = []  # by every window there was
        own = {
            "FIREDOOR_DATA_DIR": str(folder), "FIREDOOR_PREFECT": "no", "FIREDOOR_AUTOMATIC_EVIDENCE": "any",
            "FIREDOOR_TARGETS": str(folder / "targets.yaml"),
        }  # fmt: skip
        command = [sys.executable, "-m", "firedoor.interfaces.cli.main", "serve", "--port", "0"]
        with (folder / "log").open("wb") as log:
            environment = {**os.environ, **self.far_end.environment, **self.letters.settings, **own}
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        note = self._note()
        self.url = str(note["url"])
        headers = {"authorization": f"Bearer {note['token']}"}
        self.api = httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, trust_env=False, timeout=60)
        for name, roles in PEOPLE.items():
            account = {"name": name, "display": name.title(), "roles": roles, "password": WORD}
            self.post("/accounts", account | {"email": f"{name}@house.test"})

    def _note(self) -> dict[str, Any]:
        file = self.folder / "server.json"

        def note() -> dict[str, Any] | None:
            with contextlib.suppress(OSError, ValueError, httpx.HTTPError):
                written: dict[str, Any] = json.loads(file.read_text())
                return written if httpx.get(f"{written['url']}/healthz", trust_env=False).is_success else None
            return None

        return until(note, self.process, (self.folder / "log").read_text, self.folder / "log")

    def post(self, path: str, body: Any) -> Any:
        """Call the API as this machine's user."""
        answer = self.api.post(path, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def open(self, playbook: str = "model-data-leakage", why: str = "a test", **facts: Any) -> str:
        """Open an incident by hand; return it once something waits for people."""
        incident = str(self.post("/incidents", {"playbook": playbook, "facts": facts, "why": why})["incident"])
        self.wait_for(lambda: self.api.get(f"/incidents/{incident}/tasks?open=true").json()["tasks"])
        return incident

    def tasks(self, incident: str) -> list[dict[str, Any]]:
        """What an incident waits for."""
        found: list[dict[str, Any]] = self.api.get(f"/incidents/{incident}/tasks?open=true").json()["tasks"]
        return found

    def task(self, incident: str, step: str) -> str:
        """Wait until people are asked for a step; return the name of the task."""
        asked = lambda: [task["name"] for task in self.tasks(incident) if step in task["op"]]  # noqa: E731
        return str(self.wait_for(asked)[0])

    def answer(self, incident: str, task: str, choice: str, facts: Any = None, fields: Any = None) -> None:
        """Answer a task as this machine's user."""
        said = {"choice": choice, "why": "as the log shows", "facts": facts or {}, "fields": fields or {}}
        self.post(f"/incidents/{incident}/tasks/{task}/answer", said)

    def wait_for(self, true: Any) -> Any:
        """Wait until something is true; return it."""
        return until(true, self.process, lambda: (self.folder / "log").read_text()[-3000:], self.folder / "log")

    def stop(self) -> None:
        """End all processes."""
        self.api.close()
        stop(self.process)
        self.letters.stop()
        self.far_end.stop()


def launched(playwright: Playwright) -> Browser:
    """The system's Chromium."""
    return playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)


@contextmanager
def visitor(browser: Browser, site: Site, **how: Any) -> Iterator[tuple[Page, Heard]]:
    """A browser window of somebody who has not signed in, and what it hears."""
    context = browser.new_context(**{"viewport": DESKTOP, **how})
    heard = listen(context, site)
    try:
        yield context.new_page(), heard
    finally:
        context.close()


@contextmanager
def person(browser: Browser, site: Site, name: str, at: str = "/", **how: Any) -> Iterator[tuple[Page, Heard]]:
    """A browser window of one of the people on a page. They sign in once; later windows know them."""
    if name not in site.remembered:
        with visitor(browser, site) as (page, _):
            sign_in(page, site, name)
            site.remembered[name] = page.context.storage_state()
    with visitor(browser, site, storage_state=site.remembered[name], **how) as (page, heard):
        page.goto(f"{site.url}{at}")
        yield page, heard


def sign_in(page: Page, site: Site, name: str) -> None:
    """Fill the form in."""
    page.goto(f"{site.url}/sign-in")
    page.fill("#name", name)
    page.fill("#password", WORD)
    page.click("main button")
    page.wait_for_url(lambda url: "/sign-in" not in url)


def decide(page: Any, choice: str, why: str) -> None:
    """Choose, give a reason, and send."""
    page.check(f"input[name='choice'][value='{choice}']")
    page.fill("#why", why)
    page.click("section:has(#choices) form p:last-child button")


def listen(context: BrowserContext, site: Site) -> Heard:
    """Hear errors of the console and requests to other places."""
    heard = Heard()
    site.heard.append(heard)

    def on_console(message: Any) -> None:
        if message.type in ("error", "warning"):
            heard.errors.append(message.text)

    def on_page(page: Page) -> None:
        page.on("console", on_console)
        page.on("pageerror", lambda error: heard.errors.append(str(error)))

    context.on("page", on_page)
    context.on("request", lambda r: None if r.url.startswith(site.url) else heard.outside.append(r.url))
    return heard
