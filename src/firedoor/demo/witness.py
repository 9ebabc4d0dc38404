"""The witness of the demonstration: asks the models from outside, without a pause, and notes what they answer.

Decides nothing; it knows neither Firedoor nor the admin plane. What it has seen is the
proof that a door closed, and how long that took.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Self

import httpx

from firedoor.demo import corpus

PAUSE = 0.003  # seconds between two questions
SERVING = 200


@dataclass
class Witness:
    """Asks one model again and again. Times are monotonic seconds."""

    url: str
    api_key: str
    model: str
    seen: list[tuple[float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"witness of {self.model}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(5)

    def first_refusal(self) -> tuple[float, int] | None:
        """When the model first did not answer, and with which status it refused."""
        return next(((at, status) for at, status in list(self.seen) if status != SERVING), None)

    @property
    def statuses(self) -> set[int]:
        """Every status that was seen."""
        return {status for _, status in self.seen}

    def last(self) -> int:
        """The latest status."""
        return self.seen[-1][1] if self.seen else 0

    def _watch(self) -> None:
        with httpx.Client(base_url=self.url, trust_env=False) as client:
            while not self._stop.is_set():
                status = ask(client, self.api_key, self.model, corpus.PLAIN_PROMPT, 4).status_code
                self.seen.append((time.monotonic(), status))
                self._stop.wait(PAUSE)


def ask(client: httpx.Client, api_key: str, model: str, prompt: str, words: int = 48) -> httpx.Response:
    """Ask a model as any caller does."""
    body = {"model": model, "messages": [{"role": "user", "content": prompt}], "max_tokens": words}
    return client.post("/v1/chat/completions", json=body, headers={"authorization": f"Bearer {api_key}"})


def words_of(answer: httpx.Response) -> str:
    """What the model said."""
    return str(answer.json()["choices"][0]["message"]["content"])
