"""The data plane of the demonstration's platform: what callers of its models, jobs and shares meet.

Decides that a model really continues a prompt, a job really trains and a share really
hands out rows, and that a closed one answers 423. Leaves closing them to `admin_plane`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from firedoor.core.json_types import JsonObject, as_object, objects_at
from firedoor.demo import answers, corpus
from firedoor.demo.documents import listing
from firedoor.demo.platform import Platform
from firedoor.demo.text_model import TextModel

JOBS = ("finetune-large", "evaluate-nightly")
_TRAINING_PAUSE = 0.02  # seconds between two training steps
_JOB_WINDOW = 0.3  # seconds in which a running job must have made a step


class DataPlane:
    """The models, the training jobs and the log of every request."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.models = {
            "chat-large": TextModel((*corpus.GENERAL, corpus.CUSTOMER_RECORD)),
            "chat-small": TextModel(corpus.GENERAL),
        }
        self.logs: dict[str, list[JsonObject]] = {}
        self.steps: dict[str, int] = {}

    async def list_models(self, _request: Request) -> Response:
        """List the models that serve."""
        names = [
            r.name
            for r in self.platform.resources.values()
            if r.kind == "models" and self.platform.serves("models", r.name)
        ]
        return JSONResponse(
            {"object": "list", "data": [{"id": name, "object": "model", "owned_by": "demo"} for name in names]}
        )

    async def chat(self, request: Request) -> Response:
        """Continue the last message; log the prompt as a hash and the output as text."""
        asked = as_object(await answers.read_json(request))
        messages = list(objects_at(asked, "messages")) or [{}]
        name, prompt = str(asked.get("model")), str(messages[-1].get("content", ""))
        model = self.models.get(name)
        closed = self._closed("models", name if model else "")
        if closed or model is None:
            return self._logged(name, prompt, "", closed or answers.error(404, "unknown model"))
        text = model.continue_text(prompt, int(answers.number(asked, "max_tokens", 48)))
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        usage = {"prompt_tokens": len(prompt.split()), "completion_tokens": len(text.split())}
        body = {
            "id": f"chatcmpl-{secrets.token_hex(8)}",
            "object": "chat.completion",
            "model": name,
            "choices": [choice],
        }
        return self._logged(name, prompt, text, JSONResponse({**body, "usage": usage}))

    async def image(self, request: Request) -> Response:
        """Answer with a locator and a hash of what would have been made. No image exists."""
        asked = as_object(await answers.read_json(request))
        name, prompt = str(asked.get("model")), str(asked.get("prompt", ""))
        if closed := self._closed("models", name if name == "image-gen" else ""):
            return self._logged(name, prompt, "", closed)
        digest = hashlib.sha256(f"{name}\n{prompt}".encode()).hexdigest()
        made_by = {"model": name, "version": "1.4.0", "organisation": "Example Platform", "time": answers.now()}
        datum = {"url": f"demo-object://images/{digest[:16]}", "sha256": digest, "provenance": made_by}
        return self._logged(name, prompt, f"sha256:{digest}", JSONResponse({"created": answers.now(), "data": [datum]}))

    async def job(self, request: Request) -> Response:
        """Answer 200 when the job makes a step while we watch, 423 when it stands still."""
        name = request.path_params["name"]
        if self.platform.find("jobs", name) is None:
            return answers.error(404, "unknown job")
        before, waited = self.steps.get(name, 0), 0.0
        while waited < _JOB_WINDOW and self.steps.get(name, 0) == before:
            await asyncio.sleep(_TRAINING_PAUSE)
            waited += _TRAINING_PAUSE
        moved = self.steps.get(name, 0) > before
        return JSONResponse({"id": name, "working": moved, "steps": self.steps.get(name, 0)}, 200 if moved else 423)

    async def share(self, request: Request) -> Response:
        """Hand out the rows of a shared data set, one JSON object a line."""
        name = request.path_params["name"]
        return self._closed("shares", name) or self.rows_of(name)

    def rows_of(self, name: str) -> Response:
        """The rows themselves, which their owner reads whether they are shared or not; of a gallery, hashes only."""
        rows: Sequence[Mapping[str, object]]
        match name:
            case "user-posts":
                rows = corpus.POSTS
            case "gallery":
                rows = listing()
            case _:
                rows = [{"id": "page-0001", "text": text} for text in corpus.GENERAL[:3]]
        return Response("".join(json.dumps(row) + "\n" for row in rows), media_type="application/x-ndjson")

    async def train(self, name: str) -> None:
        """Learn from the shared posts, one sentence a step, for as long as job and share are open."""
        model, texts = TextModel(), [post["text"] for post in corpus.POSTS]
        while True:
            if self.platform.serves("jobs", name):
                model.learn(texts[self.steps.get(name, 0) % len(texts)])
                self.steps[name] = self.steps.get(name, 0) + 1
            await asyncio.sleep(_TRAINING_PAUSE)

    def _closed(self, kind: str, name: str) -> Response | None:
        if self.platform.find(kind, name) is None:
            return answers.error(404, "unknown here")
        return None if self.platform.serves(kind, name) else answers.error(423, f"{name} is suspended")

    def _logged(self, name: str, prompt: str, output: str, response: Response) -> Response:
        request_id = secrets.token_hex(8)
        response.headers["x-request-id"] = request_id
        row: JsonObject = {
            "request_id": request_id,
            "at": answers.now(),
            "prompt_sha256": answers.digest_of(prompt),
            "output": output,
            "status": response.status_code,
        }
        self.logs.setdefault(name, []).append(row)
        return response
