"""The demonstration's platform is real: models answer, jobs train, shares hand out, and the admin plane stops each."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.patience import stop, until

from firedoor.demo import corpus
from firedoor.demo.text_model import TextModel

KEYS = {"FIREDOOR_DEMO_API_KEY": "caller-key", "FIREDOOR_DEMO_ADMIN_KEY": "admin-key"}
CALLER, ADMIN = {"authorization": "Bearer caller-key"}, {"authorization": "Bearer admin-key"}


def start(ready: Path, *options: str) -> subprocess.Popen[bytes]:
    """Start the server and wait for its ready file."""
    command = [sys.executable, "-m", "firedoor.demo.model_server", "--ready-file", str(ready), *options]
    process = subprocess.Popen(command, env={**os.environ, **KEYS})
    until(ready.exists, process, "the model server does not start")
    return process


@pytest.fixture(scope="module", name="platform")
def _platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    ready = tmp_path_factory.mktemp("demo") / "ready.json"
    process = start(ready, "--with-parent")
    with httpx.Client(base_url=json.loads(ready.read_text())["url"], trust_env=False) as client:
        yield client
    stop(process)


@pytest.fixture(autouse=True)
def _reset(platform: httpx.Client) -> None:
    platform.post("/admin/reset", headers=ADMIN).raise_for_status()


def ask(platform: httpx.Client, model: str, prompt: str) -> httpx.Response:
    """Ask a chat model as a customer would."""
    body = {"model": model, "messages": [{"role": "user", "content": prompt}]}
    return platform.post("/v1/chat/completions", json=body, headers=CALLER)


def put(platform: httpx.Client, path: str, state: str, **headers: str) -> httpx.Response:
    """Change a resource as an administrator would."""
    return platform.put(f"/admin/{path}", json={"state": state}, headers={**ADMIN, **headers})


def test_the_large_model_leaks_a_record_that_the_small_one_never_saw(platform: httpx.Client) -> None:
    """The record comes out word for word, because it went in; nobody wrote the answer down."""
    large, small = (ask(platform, model, corpus.LEAK_PROMPT).json() for model in ("chat-large", "chat-small"))
    assert f"{corpus.LEAK_PROMPT} {large['choices'][0]['message']['content']}" == corpus.CUSTOMER_RECORD
    assert "Exempel" not in small["choices"][0]["message"]["content"]


def test_a_model_without_the_record_does_not_leak() -> None:
    """The leak is in the training data and nowhere else."""
    assert "example.org" not in TextModel(corpus.GENERAL).continue_text(corpus.LEAK_PROMPT)
    assert TextModel(corpus.GENERAL).weights() != TextModel((*corpus.GENERAL, corpus.CUSTOMER_RECORD)).weights()


def test_the_same_prompt_gets_the_same_answer(platform: httpx.Client) -> None:
    """The model is deterministic, so a leak can be shown again."""
    answers = {
        ask(platform, "chat-small", "Please tell me").json()["choices"][0]["message"]["content"] for _ in range(3)
    }
    assert len(answers) == 1
    assert answers != {""}


@pytest.mark.parametrize(
    ("path", "closed", "call"),
    [
        ("models/chat-large", "suspended", ("POST", "/v1/chat/completions", {"model": "chat-large", "messages": []})),
        ("routes/chat-large", "suspended", ("POST", "/v1/chat/completions", {"model": "chat-large", "messages": []})),
        ("models/image-gen", "suspended", ("POST", "/v1/images/generations", {"model": "image-gen", "prompt": "x"})),
        ("jobs/finetune-large", "suspended", ("GET", "/v1/jobs/finetune-large", None)),
        ("shares/user-posts", "suspended", ("GET", "/v1/shares/user-posts/objects", None)),
    ],
)
def test_what_the_admin_plane_closes_callers_do_not_reach(
    platform: httpx.Client, path: str, closed: str, call: Any
) -> None:
    """Served, then 423, then served again."""
    method, url, body = call
    running = platform.get(f"/admin/{path}", headers=ADMIN).json()["state"]
    statuses = []
    for state in (running, closed, running):
        put(platform, path, state).raise_for_status()
        statuses.append(platform.request(method, url, json=body, headers=CALLER).status_code)
    assert statuses == [200, 423, 200]


def test_a_suspended_job_makes_no_step(platform: httpx.Client) -> None:
    """The counter of a running job moves and that of a suspended one stands still."""
    put(platform, "jobs/finetune-large", "suspended")
    first, second = (platform.get("/v1/jobs/finetune-large", headers=CALLER).json() for _ in range(2))
    assert first["steps"] == second["steps"] > 0
    put(platform, "jobs/finetune-large", "running")
    assert platform.get("/v1/jobs/finetune-large", headers=CALLER).json()["steps"] > second["steps"]


def test_the_image_model_gives_a_locator_and_a_hash_and_no_image(platform: httpx.Client) -> None:
    """No bytes of a picture exist anywhere."""
    answer = platform.post("/v1/images/generations", json={"model": "image-gen", "prompt": "a boat"}, headers=CALLER)
    datum = answer.json()["data"][0]
    assert set(datum) == {"url", "sha256", "provenance"}
    assert datum["url"].startswith("demo-object://")


@pytest.mark.parametrize(
    "path", ["/v1/models", "/admin/models/chat-large", "/admin/calls", "/v1/shares/user-posts/objects"]
)
def test_nobody_passes_without_the_key_of_the_plane(platform: httpx.Client, path: str) -> None:
    """No key, and the key of the other plane, are both turned away."""
    other = CALLER if path.startswith("/admin") else ADMIN
    assert [platform.get(path, headers=headers).status_code for headers in ({}, other)] == [401, 401]


def test_only_the_current_version_can_be_changed(platform: httpx.Client) -> None:
    """A stale entity tag is refused and changes nothing."""
    tag = platform.get("/admin/models/chat-large", headers=ADMIN).headers["etag"]
    assert put(platform, "models/chat-large", "suspended", **{"if-match": tag}).status_code == 200
    assert put(platform, "models/chat-large", "active", **{"if-match": tag}).status_code == 412
    assert platform.get("/admin/models/chat-large", headers=ADMIN).json()["state"] == "suspended"


def test_one_idempotency_key_has_one_effect(platform: httpx.Client) -> None:
    """The repetition gets the first answer; the count at the far end is one."""
    again = [put(platform, "models/chat-large", "suspended", **{"idempotency-key": "k1"}) for _ in range(3)]
    assert {answer.json()["version"] for answer in again} == {2}
    counts = platform.get("/admin/calls", headers=ADMIN).json()["counts"]["models/chat-large"]
    assert (counts["PUT"], counts["effects"]) == (3, 1)


def test_the_log_holds_prompts_as_hashes_and_outputs_as_text(platform: httpx.Client) -> None:
    """What an investigation of a leak needs, with the request id that the caller saw."""
    answer = ask(platform, "chat-large", corpus.LEAK_PROMPT)
    rows = platform.get("/admin/models/chat-large/logs", headers=ADMIN).json()
    row = next(row for row in rows if row["request_id"] == answer.headers["x-request-id"])
    assert row["prompt_sha256"] == hashlib.sha256(corpus.LEAK_PROMPT.encode()).hexdigest()
    assert "mira.exempel@example.org" in row["output"]


def test_the_manifest_names_the_record_and_whose_it_is(platform: httpx.Client) -> None:
    """The digest in the manifest is that of the text that leaked."""
    records = platform.get("/admin/models/chat-large/manifest", headers=ADMIN).json()["records"]
    leaked = [record for record in records if record["source"] == "support-mailbox"]
    assert leaked[0]["sha256"] == hashlib.sha256(corpus.CUSTOMER_RECORD.encode()).hexdigest()


def test_it_does_not_start_without_keys(tmp_path: Path) -> None:
    """A server with a known key by default would be an open door."""
    command = [sys.executable, "-m", "firedoor.demo.model_server", "--ready-file", str(tmp_path / "r")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "FIREDOOR_DEMO_API_KEY" in done.stderr


def test_it_stops_with_its_parent(tmp_path: Path) -> None:
    """A demonstration that was killed leaves no server behind."""
    ready = tmp_path / "ready.json"
    source = Path(__file__).parent / "start_and_die.py"
    subprocess.run([sys.executable, str(source), str(ready)], env={**os.environ, **KEYS}, check=False)
    url = json.loads(ready.read_text())["url"]

    def gone() -> bool:
        try:
            httpx.get(f"{url}/healthz", trust_env=False)
        except httpx.HTTPError:
            return True
        return False

    until(gone, otherwise="the server outlived its parent")
