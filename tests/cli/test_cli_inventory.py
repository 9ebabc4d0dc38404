"""`firedoor inventory`: import, graph and check as a person calls them, and an MLflow server that is asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml
from tests.support.command import Firedoor, _firedoor  # noqa: F401 - a fixture

RUN = "0123456789abcdef0123456789abcdef"
INVENTORY = {
    "targets": {"chat": {"model": "chat", "doors": [{"name": "gate", "connector": "http"}]}},
    "models": {"chat/3": {"name": "chat", "datasets": ["posts"]}}, "datasets": {"posts": {"people": {"US-CA": 501}}},
}  # fmt: skip
ANSWERS = {
    "/api/2.0/mlflow/experiments/search": {"experiments": [{"experiment_id": "7"}]},
    "/api/2.0/mlflow/runs/search": {"runs": [{
        "info": {"run_id": RUN, "run_name": "tune", "user_id": "ana", "start_time": 1793900000000},
        "inputs": {"dataset_inputs": [{
            "dataset": {"name": "posts", "digest": "3f2a", "source": "s3://b"},
            "tags": [{"key": "mlflow.data.context", "value": "training"}]}]},
    }]},
    "/api/2.0/mlflow/model-versions/search": {
        "model_versions": [{"name": "chat", "version": "4", "run_id": RUN, "aliases": ["champion"]}]},
}  # fmt: skip


class Tracking(BaseHTTPRequestHandler):
    """What a tracking server answers to the three calls; the first page of runs is empty and names a second."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        path = self.path.partition("?")[0]
        first = path.endswith("runs/search") and "page_token" not in asked
        self._answer({"next_page_token": "2"} if first else ANSWERS[path])

    def do_GET(self) -> None:
        self._answer(ANSWERS[self.path.partition("?")[0]])

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def tracking() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Tracking)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "targets.yaml"
    path.write_text(yaml.safe_dump(INVENTORY))
    monkeypatch.setenv("FIREDOOR_TARGETS", str(path))
    return path


def test_a_server_of_mlflow_is_asked(firedoor: Firedoor, tracking: str, inventory: Path) -> None:
    """Over all its pages; what it says that is new is proposed, and the file stays as it was."""
    before = inventory.read_bytes()
    said = firedoor("inventory", "import", "mlflow", tracking, "--format", "json")
    assert said.code == 0
    assert said.json["added"] == ["owners.ana", "datasets.posts@3f2a", f"training_runs.{RUN}", "models.chat/4"]
    assert yaml.safe_load(said.json["addition"])["models"]["chat/4"]["run"] == RUN
    assert inventory.read_bytes() == before


def test_a_contradiction_is_a_question(firedoor: Firedoor, tmp_path: Path) -> None:
    """With both sides and exit code 1; the entry of the inventory stays."""
    card = tmp_path / "chat" / "3" / "README.md"
    card.parent.mkdir(parents=True)
    card.write_text("---\nbase_model: x\ndatasets: [scraped]\n---\n")
    said = firedoor("inventory", "import", "huggingface", tmp_path, "--format", "json")
    assert said.code == 1
    assert said.json["questions"] == [
        "models.chat/3: datasets is ['posts'] in the inventory, and ['scraped'] here; which one is right?"
    ]
    assert said.json["addition"] == ""


def test_a_link_out_of_the_folder_is_not_followed(firedoor: Firedoor, tmp_path: Path) -> None:
    """Neither a linked file nor a linked folder is read."""
    (tmp_path / "away").mkdir()
    (tmp_path / "away" / "README.md").write_text("---\nbase_model: x\n---\n")
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "linked").symlink_to(tmp_path / "away")
    (tmp_path / "given" / "README.md").symlink_to(tmp_path / "away" / "README.md")
    said = firedoor("inventory", "import", "huggingface", tmp_path / "given")
    assert said.code == 1
    assert "holds no file of this kind" in said.err


def test_what_is_affected_is_shown_in_every_form(firedoor: Firedoor) -> None:
    """A tree, JSON with the proposals for duties, Mermaid, SVG; an unknown name with the nearest one."""
    assert "chat/3 (weights)" in firedoor("inventory", "graph", "posts").out
    body = firedoor("inventory", "graph", "posts", "--format", "json").json
    assert body["affected"]["targets"] == ["chat"]
    assert body["proposed"]["facts"]["residents_us_ca"] == {"min": 0, "max": 501}
    assert firedoor("inventory", "graph", "posts", "--format", "mermaid").out.startswith("flowchart LR")
    assert firedoor("inventory", "graph", "posts", "--format", "svg").out.startswith("<svg")
    assert firedoor("inventory", "graph", "post").code == 1


def test_gaps_are_listed(firedoor: Firedoor) -> None:
    """With codes and places; the exit code says that there are some."""
    said = firedoor("inventory", "check", "--format", "json")
    assert said.code == 1
    assert said.json["counts"]["models"] == 1
    assert {"code", "where", "message", "do"} == said.json["gaps"][0].keys()


def test_a_kind_that_is_none_is_named(firedoor: Firedoor) -> None:
    """With the nearest, and nothing is read."""
    said = firedoor("inventory", "import", "croisant", "x")
    assert said.code == 1
    assert 'did you mean "croissant"?' in said.err
