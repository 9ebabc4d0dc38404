"""Every page that the access table of the application holds, with real things in its address.

Decides what stands for each placeholder, and that a page which cannot be visited is named here with its reason: a new
page is visited as soon as it is in the table. Leaves what is asked of a page to `checks`.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from tests.browser.site import Site

from firedoor.interfaces.web.security.route_table import ROUTES

# Addresses that are no pages for people, and why.
NO_PAGES = {
    "/openapi.json": "a description for programs",
    "/healthz": "for load balancers",
    "/readyz": "for load balancers",
    "/metrics": "for Prometheus",
    "/static/{version}/{name}": "the style sheet, the script and the icon",
    "/report/static/{version}/{name}": "the style sheet and the scripts",
    "/calendar/{secret}.ics": "a calendar for programs",
    "/sign-in/single": "leads to the organisation's own provider, which is none of our pages",
    "/sign-in/single/back": "leads on from the organisation's own provider",
}
# What a page cannot be without, besides its address.
ASKED = {"/incidents/{incident}/steer": "?action=pause"}
PAGES = sorted(
    path for method, path in ROUTES if method == "GET" and not path.startswith("/api/") and path not in NO_PAGES
)
LEAK = "model-data-leakage"
# A real leak, with what is known of it: enough for clocks of several laws.
FACTS: dict[str, Any] = {
    "endpoint": "chat-large", "severity": "high", "people_affected": "20..400",
    "residents_eu": "20..400", "data_categories": ["contact", "financial"], "jurisdictions": ["DE", "FR"],
}  # fmt: skip


class Tour:
    """An incident in the middle of its night, and the address of every page about it."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.incident = site.open(LEAK, **FACTS)
        confirmed(site, self.incident)
        site.answer(self.incident, site.task(self.incident, "containment.suspend-the-others"), "done")  # no others
        task = site.task(self.incident, "containment.legal-hold")
        asked = {"requester": "Invented Person", "why": "a letter", "locators": ["post/8812"]}
        request = str(site.post(f"/incidents/{self.incident}/requests", asked)["request"]["name"])
        self.words = {
            "incident": self.incident, "task": task, "target": "chat-large", "duty:path": "eu.gdpr.art33.sa",
            "playbook": LEAK, "name": LEAK, "clock": "eu.gdpr.art33.sa", "clock:path": "eu.gdpr.art33.sa",
            "notice": "eu.gdpr.art33.sa", "request": request,
        }  # fmt: skip

    def address(self, path: str) -> str:
        """Fill a path in. A placeholder that nothing is known for is a KeyError with its name."""
        if path == "/sign-in/ticket/{ticket}":
            return str(self.site.post("/console-ticket", {})["path"])
        if path == "/answer/{token}":
            asked = {"to": "ann", "role": "engineering"}
            self.site.post(f"/incidents/{self.incident}/tasks/{self.words['task']}/link", asked)
            return str(self.site.wait_for(lambda: self.site.letters.link("ann@house.test")))
        if path == "/report/status/{secret}":
            sent: dict[str, Any] = {"person": {"is": "me"}, "locators": ["post/8812"], "declares": ["truth"]}
            return str(urlsplit(self.site.post("/takedown-requests", sent)["status_url"]).path)
        words = {**self.words, "name": "ann"} if path.startswith("/admin/") else self.words
        return re.sub(r"\{([a-z_:]+)\}", lambda found: words[found[1]], path) + ASKED.get(path, "")


def confirmed(site: Site, incident: str, *, close: bool = True) -> None:
    """Answer the first questions of a leak: it is one, its clocks start, and (`close`) its endpoint is to be closed."""
    site.answer(incident, site.task(incident, "identification.incident-type"), "training_data")
    site.answer(incident, site.task(incident, "identification.confirm"), "yes")
    site.wait_for(lambda: site.api.get(f"/incidents/{incident}/clocks").json()["clocks"])
    if close:
        site.answer(incident, site.task(incident, "containment.suspend"), "approve")
        site.wait_for(
            lambda: [
                one for one in site.api.get(f"/incidents/{incident}").json()["targets"] if one["state"] == "suspended"
            ]
        )
