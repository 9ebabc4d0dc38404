"""A watermark names one model and the alert another: over HTTP, both are put up for closing, nothing is half taken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from tests.benchmarks.alert_to_suspend import inventory
from tests.journeys.at_home import AtHome

pytestmark = pytest.mark.slow
SUSPECTED, NAMED, STORE = "m0", "m1", "m2"
FIRST, OTHER = "containment.suspend.approve", "containment.suspend-the-other.approve"
WHICH = "containment.attribution"


def test_both_models_are_asked_about_and_neither_is_blamed(tmp_path: Path) -> None:
    """The alert suspects one, the record in the store names another; people are shown both names."""
    here = AtHome(tmp_path)
    record = here.data / "provenance.json"
    record.write_text(json.dumps([{"model": NAMED, "locator": "post/8812"}]))
    targets = inventory("http://127.0.0.1:9")["targets"]
    shown = {name: targets[name] for name in ("neighbour", SUSPECTED, NAMED, STORE)}
    shown[STORE]["evidence"] = {"provenance": {"file": str(record)}}
    (here.data / "targets.yaml").write_text(yaml.safe_dump({"targets": shown}))
    try:
        here.up()
        incident = here.alert(
            id="a1",
            severity="high",
            incident="nonconsensual_content_generation",
            endpoint=SUSPECTED,
            method="content_classifier",
        )
        here.answer(incident, "identification.possible-minor", "excluded")
        here.answer(incident, "identification.incident-type", "intimate", facts={"content_store": STORE})
        here.answer(incident, "identification.confirm", "yes")
        here.until(lambda: {FIRST, OTHER, WHICH} <= here.tasks(incident).keys())
        tasks, facts = here.tasks(incident), here.facts(incident)
        assert (tasks[FIRST]["question"], tasks[OTHER]["question"]) == (f"Suspend {SUSPECTED}?", f"Suspend {NAMED}?")
        assert SUSPECTED in tasks[WHICH]["guidance"]
        assert NAMED in tasks[WHICH]["guidance"]
        assert facts["endpoint"] == SUSPECTED
        assert facts["other_candidate"] == NAMED
        assert facts.get("attribution") is None
        report = here.api("GET", f"incidents/{incident}/report", params={"format": "md"}).text
        assert "contradicts what is known" in report
    finally:
        here.down()
