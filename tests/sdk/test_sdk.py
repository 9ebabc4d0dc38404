"""What outsiders import: ten names, on which a source, a step and a connector keep the same rules as ours."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from pydantic import Field
from tests.core.pages import compiled, steps
from tests.support.plug_ins import FILE, PAGES, installed, written

import firedoor.sdk
from firedoor.alerts import registry as sources
from firedoor.alerts.source import AlertSource
from firedoor.core.playbook.plan import Ask, Edge
from firedoor.core.playbook.step import Fragment, StepContext
from firedoor.core.problems import InvalidInput
from firedoor.sdk import Step, StepBuilder, alert_source
from firedoor.steps import registry

ROOT = Path(__file__).parents[2]
TEN = 10


def test_there_are_at_most_ten_names_and_each_is_there() -> None:
    """Whoever learns the list knows all of it; a name that is no longer there says which are."""
    assert len(firedoor.sdk.__all__) <= TEN
    assert all(getattr(firedoor.sdk, name) for name in firedoor.sdk.__all__)
    with pytest.raises(AttributeError, match="it offers Connector"):
        _ = firedoor.sdk.Nothing


def test_the_pages_import_nothing_else_of_ours() -> None:
    """What the pages show as a plug-in knows `firedoor.sdk` alone; a rig is a test and may know more."""
    shown = {name: text for page in ("add-your-own.md", "add-a-connector.md") for name, text in FILE.findall(
        (PAGES / page).read_text()) if name.endswith(".py") and not name.startswith("rigs/")}  # fmt: skip
    found = [node.module for text in shown.values() for node in ast.walk(ast.parse(text))
             if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("firedoor")]  # fmt: skip
    assert len(shown) == len(found) == 3
    assert set(found) == {"firedoor.sdk"}


def test_a_source_pays_for_no_http_client() -> None:
    """A name brings only what it needs."""
    program = "from firedoor.sdk import alert_source; import sys; print('httpx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("suite", "kind", "least"),
    [("tests/contract/test_alert_sources.py", "gatewatch", 35), ("tests/core/playbook/test_steps.py", "interview", 2)],
)
def test_the_contract_suite_tries_the_packages_of_the_page(tmp_path: Path, suite: str, kind: str, least: int) -> None:
    """Found by their entry points, like ours; all rules hold."""
    folder = installed(written("add-your-own.md", tmp_path))
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-m", "pytest", suite, "-q", "-p", "no:cacheprovider", "-k", kind]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert len(re.findall(r"\.", done.stdout.partition("[100%]")[0])) >= least


def by_host() -> AlertSource:
    """The source of the page that is made of a function."""
    page = (PAGES / "add-your-own.md").read_text()
    code = next(
        text
        for text in re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
        if text.startswith("def read")
    )
    names: dict[str, object] = {"alert_source": alert_source}
    exec(code, names)  # noqa: S102 - what the page shows is what is tried
    source = names["SOURCE"]
    assert isinstance(source, AlertSource)
    return source


def test_a_function_reads_what_no_path_reaches() -> None:
    """It gives our own form; fingerprints and bounds are ours."""
    body = json.dumps({"by_host": {"chat-large": [{"nr": 7}, {"nr": 8}]}}).encode()
    alerts = by_host().parse(body, {})
    assert [(alert.source_id, alert.endpoint, alert.severity) for alert in alerts] == [
        ("chat-large/7", "chat-large", "high"), ("chat-large/8", "chat-large", "high"),
    ]  # fmt: skip


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"by_host": 4}', b'{"by_host": {"canary": ["canary"]}}', b"{"])
def test_a_function_that_stumbles_refuses_and_quotes_nothing(body: bytes) -> None:
    """A body of another form is an InvalidInput, whatever the function raised."""
    with pytest.raises(InvalidInput) as caught:
        by_host().parse(body, {})
    assert "canary" not in str(caught.value)


def test_paths_beside_a_function_and_wrong_paths_are_refused() -> None:
    """Nothing that was written is without effect, and every problem of a mapping is named."""
    with pytest.raises(InvalidInput, match="stands beside a function"):
        alert_source("one", "One", package="one", examples={}, read=lambda _: (), alerts_at="findings")
    with pytest.raises(InvalidInput, match="severty is not a field of ours"):
        alert_source("one", "One", package="one", examples={}, fields={"id": "id", "severty": "risk"})


class Hear(Step, key="hear", summary="Hear somebody.", example="- hear: Eve"):
    """Who is heard."""

    hear: str = Field(description="who is heard")
    again: bool = False

    def build(self, steps: StepBuilder) -> None:
        """A question, a message after one answer, and a second question; or a message alone."""
        if self.hear == "nobody":
            return
        if self.hear == "all":
            steps.tell(["dpo"], subject="All", text="were heard")
            return
        answer = steps.ask(f"Have you heard {self.hear}?", {"yes": "Yes", "no": ("No", "The DPO is told.")})
        steps.tell(["dpo"], subject="Not heard", text=self.hear, after=(answer, "no"))
        steps.ask("And the others?", {"yes": "Yes"})


def lowered(**fields: object) -> Fragment:
    """Lower one step as the compiler does."""
    context = StepContext("containment.it", "containment", None, ("commander", "dpo"), "commander")
    return Hear.STEP.lower(Hear.model_validate(fields), context)


def test_operations_follow_one_another_and_an_outcome_chooses() -> None:
    """Each waits for the one before it; the message needs the answer as well; ids stay the same."""
    asked, told, again = lowered(hear="Eve", by="dpo").operations
    assert (asked.id, told.id, again.id) == ("containment.it.ask", "containment.it.tell", "containment.it.ask-2")
    assert told.after == (Edge(after=asked.id), Edge(after=asked.id, on="no"))
    assert again.after == (Edge(after=told.id),)
    assert isinstance(asked, Ask)
    assert (asked.role, asked.escalate_to, asked.choices[1].consequence) == ("dpo", "commander", "The DPO is told.")


@pytest.mark.parametrize(("fields", "code"), [({"hear": "nobody"}, "P144"), ({"hear": "all", "within": "2h"}, "P145")])
def test_what_would_be_without_effect_is_refused(fields: dict[str, str], code: str) -> None:
    """A step that does nothing, and a deadline where nobody is asked."""
    with pytest.raises(InvalidInput) as caught:
        lowered(**fields)
    assert caught.value.problems[0].code == code


def test_a_step_type_must_have_the_field_that_names_it() -> None:
    """Otherwise no playbook could write it."""
    with pytest.raises(TypeError, match="no field is called 'listen'"):
        type("Listen", (Step,), {"__module__": __name__}, key="listen", summary="Listen.", example="- listen: x")


def point(value: str) -> EntryPoint:
    return EntryPoint("other", value, registry.GROUP)


@pytest.mark.parametrize(
    ("value", "code"),
    [("firedoor.steps.tell", "P147"), ("not_installed", "P146"), ("json", "P146"), ("json:nothing", "P146")],
)
def test_a_step_of_another_package_that_cannot_be_used_is_named(value: str, code: str) -> None:
    """It cannot take the place of ours, and what is broken is said with its package instead of a traceback."""
    own = {**registry.own_types(), "tell": Hear.STEP}
    with pytest.raises(InvalidInput) as caught:
        registry.collected(own, [point(value)])
    assert [problem.code for problem in caught.value.problems] == [code]


def test_a_playbook_compiles_with_ours_only_until_a_package_is_there() -> None:
    """The type of this test is installed nowhere: the page that uses it is refused."""
    with pytest.raises(InvalidInput, match="hear"):
        compiled(steps("- hear: Eve\n"))


def test_a_source_of_another_package_that_cannot_be_loaded_is_named() -> None:
    """The problem says which package to repair; no traceback."""
    with pytest.raises(InvalidInput, match="repair or uninstall not_installed:SOURCE"):
        sources._loaded(EntryPoint("other", "not_installed:SOURCE", sources.GROUP))


def test_the_senders_categories_and_states_become_ours(tmp_path: Path) -> None:
    """The example of the page: a category, a level and a state by three tables, and times without a second reading."""
    written("add-your-own.md", tmp_path)
    names: dict[str, object] = {}
    exec((tmp_path / "gatewatch" / "source.py").read_text(), names)  # noqa: S102 - as above
    source = names["SOURCE"]
    assert isinstance(source, AlertSource)
    first, second = source.parse((tmp_path / "gatewatch" / "findings.json").read_bytes(), {})
    assert (first.incident_type, first.severity, first.status) == ("data_leakage_in_ai_models", "critical", "firing")
    assert (second.incident_type, second.severity, second.status) == ("unauthorized_ai_training", "medium", "resolved")
    assert (first.endpoint, first.subjects.minimum, first.notes) == ("chat-large", 14, ())
