"""What a responder does in a night, in a browser, at a desk and on a phone."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import pytest
from tests.browser.site import DESKTOP, PHONE, Site, person
from tests.browser.tour import FACTS, LEAK, confirmed

pytestmark = pytest.mark.slow
SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
CLOCK = "eu.gdpr.art33.sa"
SOON = 30_000  # milliseconds


@pytest.fixture(autouse=True)
def _open_again(site: Site) -> None:
    """Every journey finds every model answering."""
    site.far_end.reset()


def decide(page: Any, choice: str, why: str) -> None:
    """Choose, give a reason, and send."""
    page.check(f"input[name='choice'][value='{choice}']")
    page.fill("#why", why)
    page.click("section:has(#choices) form p:last-child button")


@SIZES
def test_a_playbook_is_looked_at_and_then_started(site: Site, browser: Any, size: Any) -> None:
    """The dry run shows what would be called and does nothing; the start leads to the incident."""
    before = len(site.api.get("/incidents").json()["incidents"])
    with person(browser, site, "ann", "/playbooks", viewport=size) as (page, heard):
        page.click(f"h2 a[href='/playbooks/{LEAK}']")
        page.click("main >> text=Start it")
        page.fill("input[name='fact.endpoint']", "chat-large")
        page.select_option("select[name='fact.severity']", "medium")
        page.click("text=Show what would be done")
        assert "Nothing was done" in page.inner_text("section:has(#dry)")
        assert len(site.api.get("/incidents").json()["incidents"]) == before
        assert page.input_value("input[name='fact.endpoint']") == "chat-large"
        page.fill("#why", "seen in the log of the gateway")
        page.click("text=Start it now")
        page.wait_for_url(re.compile(r"/incidents/INC-[\d-]+$"))
        page.wait_for_selector("text=What came out of chat-large?", timeout=SOON)
        assert not heard.errors


@SIZES
def test_the_closing_of_an_endpoint_shows_by_itself(site: Site, browser: Any, size: Any) -> None:
    """Somebody else approves; the page shows the proof and says so to those who do not see it."""
    incident = site.open(**FACTS | {"evidence_strength": "weak"})
    confirmed(site, incident)
    task = site.task(incident, "containment.suspend")
    with person(browser, site, "ann", f"/incidents/{incident}", viewport=size) as (page, heard):
        page.wait_for_selector("body[data-line='open']", state="attached")
        page.evaluate("window.sameDocument = true")
        site.answer(incident, task, "approve")
        page.wait_for_selector("section:has(#targets) h3:has-text('suspended')", timeout=SOON)
        assert page.evaluate("window.sameDocument")
        assert "chat-large suspended" in page.inner_text("#heard")
        assert "refuses" in page.inner_text("section:has(#targets)")
        assert not heard.errors


@SIZES
def test_a_task_is_answered_with_a_reason(site: Site, browser: Any, size: Any) -> None:
    """Without a reason the form is not sent; with one the decision stands there, with name and reason."""
    incident = site.open(**FACTS)
    task = site.task(incident, "identification.incident-type")
    with person(browser, site, "ann", f"/incidents/{incident}/tasks/{task}", viewport=size) as (page, heard):
        decide(page, "other_user", "")
        assert page.evaluate("document.activeElement.id") == "why"
        assert site.tasks(incident)[0]["name"] == task
        decide(page, "other_user", "A asked and got what B had typed")
        text = page.inner_text("section:has(#answers)", timeout=SOON)
        assert "A asked and got what B had typed" in text
        assert "ann as commander" in text
        assert not heard.errors


def test_a_task_is_answered_without_scripts(site: Site, browser: Any) -> None:
    """The form is a form: it is sent and answered without any script."""
    incident = site.open(**FACTS)
    task = site.task(incident, "identification.incident-type")
    at = f"/incidents/{incident}/tasks/{task}"
    with person(browser, site, "ann", at, java_script_enabled=False) as (page, _):
        decide(page, "training_data", "word for word")
        assert "word for word" in page.inner_text("section:has(#answers)")


def test_an_answer_to_an_old_page_is_shown_what_is_new(site: Site, browser: Any) -> None:
    """Somebody corrects a fact meanwhile; nothing is decided, and what was typed is kept."""
    incident = site.open(**FACTS)
    task = site.task(incident, "identification.incident-type")
    with person(browser, site, "ann", f"/incidents/{incident}/tasks/{task}") as (page, _):
        site.post(f"/incidents/{incident}/facts", {"facts": {"people_affected": "900"}, "why": "counted again"})
        decide(page, "training_data", "word for word")
        assert "counted again" in page.inner_text("section:has(#news)")
        assert page.input_value("#why") == "word for word"
        assert site.tasks(incident)[0]["name"] == task


@SIZES
def test_a_clock_starts_and_runs(site: Site, browser: Any, size: Any) -> None:
    """Nobody loads the page: the clock stands there after the decision, and has less left an hour later."""
    incident = site.open(**FACTS)
    with person(browser, site, "dee", f"/incidents/{incident}", viewport=size) as (page, _):
        page.wait_for_selector("text=No clock runs")
        confirmed(site, incident)
        row = page.locator(f"[id='clock-{CLOCK}']")
        row.wait_for(timeout=SOON)
        assert "2 d 23 h" in row.locator(".countdown").inner_text()
        assert "provisional" not in row.locator(".countdown").get_attribute("class")
        page.clock.install()
        page.goto(page.url)
        page.clock.fast_forward("02:00:00")
        row.locator(".countdown:has-text('2 d 21 h')").wait_for(timeout=SOON)


def reopening(site: Site) -> tuple[str, str]:
    """An incident whose remediation is done, and the task that asks whether the endpoint may open again."""
    incident = site.open(**FACTS)
    confirmed(site, incident)

    def asked() -> Any:
        tasks = {task["op"]: task for task in site.tasks(incident)}
        found = [task["name"] for op, task in tasks.items() if op.startswith("remediation.resume.")]
        for task in [] if found else tasks.values():
            answer_somehow(site, incident, task)
        return found

    return incident, str(site.wait_for(asked)[0])


def answer_somehow(site: Site, incident: str, task: dict[str, Any]) -> None:
    """The first choice that goes on, as this machine's user; letters and notices are not owed here."""
    choices = {choice["id"]: choice for choice in task["choices"]}
    chosen = next((one for one in ("not_required", "known", "done") if one in choices), next(iter(choices)))
    fields = dict.fromkeys(choices[chosen]["requires"], "as agreed")
    said = {"choice": chosen, "why": "as agreed", "fields": fields}
    site.api.post(f"/incidents/{incident}/tasks/{task['name']}/answer", json=said)


def test_four_eyes_open_an_endpoint_again_or_keep_it_closed(site: Site, browser: Any) -> None:
    """One approves and cannot approve twice; the second refuses, and the endpoint stays closed."""
    incident, task = reopening(site)
    at = f"/incidents/{incident}/tasks/{task}"
    with person(browser, site, "ann", at) as (page, _):
        assert "Four eyes" in page.inner_text("section:has(#who)")
        decide(page, "approve", "the extraction test passed")
        assert "1 of 2 have answered" in page.inner_text("section:has(#who)")
        assert "You cannot answer it" in page.inner_text("section:has(#who)")
        assert page.locator("#why").count() == 0
    with person(browser, site, "bo", at, viewport=PHONE) as (page, _):
        assert "the extraction test passed" in page.inner_text("section:has(#answers)")
        decide(page, "refuse", "the test ran on the wrong version")
        assert "the test ran on the wrong version" in page.inner_text("section:has(#answers)")
        assert "decided" in page.inner_text("header .marks")
    targets = site.api.get(f"/incidents/{incident}").json()["targets"]
    assert [target["state"] for target in targets if target["target"] == "chat-large"] == ["suspended"]


def fetched(page: Any, link: str) -> str:
    """Fetch a document as the browser would; return the words of the PDF."""
    from pypdf import PdfReader

    address = page.locator(link).first.evaluate("(link) => link.href")
    answer = page.request.get(address)
    assert answer.headers["content-type"] == "application/pdf"
    return " ".join(page.extract_text() for page in PdfReader(BytesIO(answer.body())).pages)


def test_the_notice_and_the_report_are_there_on_paper(site: Site, browser: Any) -> None:
    """Both open as PDF and speak of this incident."""
    incident = site.open(**FACTS)
    confirmed(site, incident)
    with person(browser, site, "dee", f"/incidents/{incident}/notices") as (page, _):
        page.click(f"a[href='/incidents/{incident}/notices/{CLOCK}']")
        assert "Art" in fetched(page, "a[href*='format=pdf']")
        page.goto(f"{site.url}/incidents/{incident}")
        assert incident in fetched(page, "a[href*='/report?format=pdf']")
