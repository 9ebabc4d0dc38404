"""Four eyes in a browser, in both orders: whoever refuses decides, before or after somebody approved."""

from __future__ import annotations

from typing import Any

import pytest
from tests.browser.site import SIZES, Site, decide, person
from tests.browser.tour import FACTS, confirmed

pytestmark = pytest.mark.slow
ALONE = {1280: "chat-small", 390: "image-gen"}  # by width: opened is what no other incident holds


@pytest.fixture(autouse=True)
def _open_again(site: Site) -> None:
    """Every journey finds every model answering."""
    site.far_end.reset()


@SIZES
def test_the_second_refuses_what_the_first_approved(site: Site, browser: Any, size: Any) -> None:
    """One approves and cannot approve twice; the other reads why, refuses, and the first reads that on the incident."""
    incident, task = reopening(site, "chat-large")
    at = f"/incidents/{incident}/tasks/{task}"
    with person(browser, site, "ann", at, viewport=size) as (page, _):
        assert "Four eyes" in page.inner_text("section:has(#who)")
        decide(page, "approve", "the extraction test passed")
        assert "1 of 2 have answered" in page.inner_text("section:has(#who)")
        assert "You cannot answer this" in page.inner_text("section:has(#who)")
        assert page.locator("#why").count() == 0
        with person(browser, site, "bo", at, viewport=size) as (other, _):
            assert "the extraction test passed" in other.inner_text("section:has(#answers)")
            refuse(other, "the test ran on the wrong version")
        page.goto(f"{site.url}/incidents/{incident}")
        assert "the test ran on the wrong version" in page.inner_text("section:has(#decisions)")
    assert states(site, incident) == ["suspended"]


@SIZES
def test_a_refusal_before_anybody_approved_ends_it_until_two_agree_anew(site: Site, browser: Any, size: Any) -> None:
    """Whoever came to approve finds it decided and why; after the incident two agree, and the model answers again."""
    target = ALONE[size["width"]]
    incident, task = reopening(site, target)
    at = f"/incidents/{incident}/tasks/{task}"
    with person(browser, site, "ann", at, viewport=size) as (page, heard):
        with person(browser, site, "bo", at, viewport=size) as (other, _):
            refuse(other, "nobody has tested it yet")
        heard.expected.append("409")  # the answer that comes too late
        decide(page, "approve", "the extraction test passed")
        assert "was answered by bo" in page.inner_text(".problem")
        assert "nobody has tested it yet" in page.inner_text("section:has(#answers)")
        assert page.locator("#why").count() == 0
        assert states(site, incident) == ["suspended"]
        ended(site, incident)
        agree_to_open(site, page, incident, target)
    with person(browser, site, "bo", "/tasks", viewport=size) as (page, _):
        page.click(f"main a:has-text('Open {target} again? {incident} has ended')")
        assert "tested since" in page.inner_text("section:has(#answers)")
        decide(page, "approve", "I have seen the test")
        site.wait_for(lambda: states(site, incident) == ["resumed"])
        page.goto(f"{site.url}/targets/{target}")
        assert "No incident keeps it closed" in page.inner_text("main")


def refuse(page: Any, why: str) -> None:
    """Keep it closed; the page says that this is decided, and why."""
    decide(page, "refuse", why)
    assert why in page.inner_text("section:has(#answers)")
    assert "decided" in page.inner_text("header .marks")


def agree_to_open(site: Site, page: Any, incident: str, target: str) -> None:
    """The first of two, by the form for what an ended incident keeps closed."""
    page.goto(f"{site.url}/incidents/{incident}/targets/{target}/open")
    page.fill("#why", "tested since")
    page.click("main form button")
    page.wait_for_url(f"**/incidents/{incident}")


def states(site: Site, incident: str) -> list[str]:
    """How the target stands."""
    targets = site.api.get(f"/incidents/{incident}").json()["targets"]
    return [str(target["state"]) for target in targets]


def reopening(site: Site, target: str) -> tuple[str, str]:
    """An incident whose remediation is done, and the task that asks whether the endpoint may open again."""
    incident = site.open(**FACTS | {"endpoint": target})
    confirmed(site, incident)

    def asked() -> Any:
        tasks = {task["op"]: task for task in site.tasks(incident)}
        found = [task["name"] for op, task in tasks.items() if op.startswith("remediation.resume.")]
        for task in [] if found else tasks.values():
            answer_somehow(site, incident, task)
        return found

    return incident, str(site.wait_for(asked)[0])


def ended(site: Site, incident: str) -> None:
    """Answer whatever is asked until the incident is closed."""

    def closed() -> Any:
        for task in site.tasks(incident):
            answer_somehow(site, incident, task)
        return site.api.get(f"/incidents/{incident}").json()["closed_at"]

    site.wait_for(closed)


def answer_somehow(site: Site, incident: str, task: dict[str, Any]) -> None:
    """The first choice that goes on, as this machine's user; letters and notices are not owed here."""
    choices = {choice["id"]: choice for choice in task["choices"]}
    chosen = next((one for one in ("not_required", "known", "done") if one in choices), next(iter(choices)))
    fields = dict.fromkeys(choices[chosen]["requires"], "as agreed")
    said = {"choice": chosen, "why": "as agreed", "fields": fields}
    site.api.post(f"/incidents/{incident}/tasks/{task['name']}/answer", json=said)
