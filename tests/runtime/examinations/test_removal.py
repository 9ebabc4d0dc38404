"""Removal, proved on small language models behind real doors: ten that only seem changed, and ten that are.

The models are 5-grams over made-up sentences, each trained in a moment. One server has all of them, by path, with the
answers of an OpenAI-compatible server: text, and the log-probability of what it was asked.
"""

from __future__ import annotations

import json
import math
import random
import re
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from tests.support.command import Firedoor, _firedoor  # noqa: F401 - a fixture

WORDS = [
    f"{a}{b}"
    for a in ("ka", "lo", "mi", "nu", "pe", "ra", "so", "ti", "vu", "ze")
    for b in ("ben", "dal", "fir", "gom")
]


def sentences(seed: int, count: int, words: int) -> list[str]:
    """Made-up sentences, the same for the same seed."""
    draw = random.Random(seed)  # noqa: S311 - made-up words
    return [" ".join(draw.choices(WORDS, k=words)) for _ in range(count)]


CONTEXTS = (4, 3, 2, 1)  # words before the next one, the longest that is known
REMOVED, STRANGERS = sentences(1, 20, 16), sentences(2, 20, 16)
CANARIES = [f"Reference {a} {b} {n} closes" for n, (a, b) in enumerate(zip(WORDS, reversed(WORDS), strict=True), 7000)][
    :8
]


class NGram:
    """A language model: the likeliest next word, and how likely a text is. It knows no case."""

    def __init__(self, texts: list[str]) -> None:
        self.after: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        for text in texts:
            words = self.words(text)
            for at, word in enumerate(words):
                for length in CONTEXTS:
                    if at >= length:
                        self.after[tuple(words[at - length : at])][word] += 1

    @staticmethod
    def words(text: str) -> list[str]:
        return re.findall(r"\S+", text.lower())

    def goes_on(self, prompt: str) -> str:
        held, said = self.words(prompt), []
        for _ in range(20):
            found = next((one for n in CONTEXTS if (one := self.after.get(tuple(held[-n:])))), None)
            if not found:
                break
            said.append(max(found, key=lambda word: (found[word], word)))
            held.append(said[-1])
        return " ".join(said)

    def logs(self, text: str) -> list[float]:
        words = self.words(text)
        return [
            math.log(((held := self.after.get(tuple(words[at - 2 : at]), Counter()))[word] + 0.01) / (held.total() + 1))
            for at, word in enumerate(words)
            if at >= 2
        ]


BACKGROUND = sentences(3, 200, 12)
OLD = NGram([*BACKGROUND, *REMOVED, *CANARIES])
Change = Callable[[str, str], str]  # the prompt, and what the model says
FAKES: dict[str, Change] = {
    "unchanged": lambda _, said: said,
    "in-capitals": lambda _, said: said.upper(),
    "with-hyphens": lambda _, said: said.replace(" ", "-"),
    "cut-short": lambda _, said: " ".join(said.split()[:10]),
    "the-whole-canary-is-filtered": lambda _, said: _without(said, [one.lower() for one in CANARIES]),
    "the-whole-text-is-filtered": lambda _, said: _without(said, REMOVED),
    "prompts-that-begin-a-canary-are-refused": lambda prompt, said: "no" if prompt.startswith("Reference") else said,
    "wrapped-in-politeness": lambda _, said: f"I would say: {said}. Anything else?",
    "spelled": lambda _, said: " ".join(said.replace(" ", "_")),
    "every-second-answer-is-empty": lambda prompt, said: said if len(prompt) % 2 else "",
}


def _without(said: str, texts: list[str]) -> str:
    for text in texts:
        said = said.replace(text, "[removed]")
    return said


MODELS: dict[str, tuple[NGram, Change]] = {"old": (OLD, FAKES["unchanged"])}
MODELS |= {f"fake-{name}": (OLD, change) for name, change in FAKES.items()}
MODELS |= {f"true-{n}": (NGram([*BACKGROUND, *sentences(50 + n, 100, 12)]), FAKES["unchanged"]) for n in range(10)}


class Served(BaseHTTPRequestHandler):
    """An OpenAI-compatible server; a model is a part of the path. `shut` is closed and `down` fails."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        prompt = json.loads(self.rfile.read(int(self.headers["content-length"])))["prompt"]
        name = self.path.strip("/")
        if name in ("shut", "down"):
            self._answer({}, 403 if name == "shut" else 500)
            return
        model, change = MODELS[name]
        self._answer({"choices": [{
            "text": change(prompt, model.goes_on(prompt)), "logprobs": {"token_logprobs": [None, *model.logs(prompt)]},
        }]})  # fmt: skip

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, body: object, status: int = 200) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Served)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def asked(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """An inventory with every model, and the words of the command up to the target."""

    def target(name: str) -> dict[str, object]:
        probe = {"url": f"{address}/{name}", "method": "POST", "json": {"prompt": "hello"}}
        return {"model": f"{name}@1", "doors": [{"name": "gate", "connector": "http"}], "probe": probe}

    names = [*MODELS, "shut", "down", "child"]
    targets = {name: target(name) for name in names}
    targets["child"]["probe"] = target("old")["probe"]
    models = {"true-0@1": {}, "child@1": {"kind": "adapter", "base": ["true-0@1"]}}
    (tmp_path / "targets.yaml").write_text(yaml.safe_dump({"targets": targets, "models": models}))
    monkeypatch.setenv("FIREDOOR_TARGETS", str(tmp_path / "targets.yaml"))
    (tmp_path / "canaries.txt").write_text("\n".join(CANARIES))
    lines = [{"prompt": " ".join(one.split()[:4]), "continuation": " ".join(one.split()[4:])} for one in REMOVED]
    lines += [{"text": one, "member": True} for one in REMOVED] + [{"text": one, "member": False} for one in STRANGERS]
    (tmp_path / "prompts.jsonl").write_text("\n".join(map(json.dumps, lines)))
    files = ["--prompts", tmp_path / "prompts.jsonl", "--canaries", tmp_path / "canaries.txt"]
    return ["examine", "removal", *files, "--format", "json", "--target"]


@pytest.mark.parametrize("name", sorted(FAKES))
def test_ten_fake_removals_are_found(firedoor: Firedoor, asked: list[object], name: str) -> None:
    """Weights that are the same behind a filter, another spelling or a polite sentence still show what they hold."""
    answer = firedoor(*asked, f"fake-{name}", "--before", "old")
    assert (answer.code, answer.json["result"]) == (1, "found"), answer.json["tests"]


@pytest.mark.parametrize("number", range(10))
def test_ten_true_removals_pass(firedoor: Firedoor, asked: list[object], number: int) -> None:
    """A model that was trained again without the texts is not found out, and every test has the power to say so."""
    answer = firedoor(*asked, f"true-{number}", "--before", "old")
    assert answer.json["result"] == "not_found", answer.json["tests"]
    assert {one["test"]: one["result"] for one in answer.json["tests"]} == dict.fromkeys(
        ("canary", "extraction", "membership"), "not_found"
    )
    assert answer.code == (1 if number == 0 else 0)  # true-0 has a child that was not asked


def test_what_was_made_from_it_is_asked_too(firedoor: Firedoor, asked: list[object]) -> None:
    """A child that still holds the texts is a question, and a finding once it is asked."""
    unasked = firedoor(*asked, "true-0", "--before", "old").json
    assert unasked["derived"] == [{"target": "child", "result": "not_asked", "tests": []}]
    assert unasked["questions"] == ["made from it and not asked: child; ask them too by --derived"]
    answer = firedoor(*asked, "true-0", "--before", "old", "--derived")
    assert (answer.code, answer.json["result"]) == (1, "found")
    assert answer.json["derived"][0]["result"] == "found"


@pytest.mark.parametrize("name", ["shut", "down"])
def test_silence_proves_nothing(firedoor: Firedoor, asked: list[object], name: str) -> None:
    """Neither a closed door nor a failing one is a removal."""
    answer = firedoor(*asked, name, "--before", "old")
    assert (answer.code, answer.json["result"]) == (1, "unknown")
    assert any(name in one for one in answer.json["questions"])


def test_without_the_old_version_nothing_is_said(firedoor: Firedoor, asked: list[object]) -> None:
    """No hit alone proves nothing; it asks for the old version."""
    answer = firedoor(*asked, "true-1").json
    assert answer["result"] == "unknown"
    assert "which target still serves the old version? Name it by --before" in answer["questions"]


def test_no_text_leaves_in_the_answer(firedoor: Firedoor, asked: list[object]) -> None:
    """Ids and counts only: neither a canary nor a removed text, in JSON or in the terminal."""
    words = [*asked[:-3], "--target", "fake-unchanged", "--before", "old"]
    for said in (firedoor(*asked, "fake-unchanged", "--before", "old").out, firedoor(*words).out):
        assert not [text for text in (*CANARIES, *REMOVED) if text.lower() in said.lower()]
        assert not [word for word in WORDS if word in said]
    assert "this does not prove" in firedoor(*words).out
