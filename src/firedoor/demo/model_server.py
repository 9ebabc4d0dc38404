"""A small OpenAI-compatible model server with an admin plane, run as its own process.

    python -m firedoor.demo.model_server --port 0 --ready-file ready.json

Decides the routes: models really answer, a job really trains, a share really hands out
rows, and the admin API really stops each of them. Keys are read from the environment
(FIREDOOR_DEMO_API_KEY for callers, FIREDOOR_DEMO_ADMIN_KEY for administrators). Leaves
state to `platform` and language to `text_model`. It listens on loopback only.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import hmac
import json
import os
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from firedoor.demo import corpus
from firedoor.demo.platform import FAULTS, Call, Planned, Platform, Resource, problem_with
from firedoor.demo.text_model import TextModel

API_KEY, ADMIN_KEY = "FIREDOOR_DEMO_API_KEY", "FIREDOOR_DEMO_ADMIN_KEY"
_TRAINING_PAUSE = 0.02  # seconds between two training steps
_JOB_WINDOW = 0.3  # seconds in which a running job must have made a step
Handler = Callable[[Request], Awaitable[Response]]


class ModelServer:
    """The platform, its models and its access log."""

    def __init__(self, api_key: str, admin_key: str) -> None:
        self._keys = {"api": api_key, "admin": admin_key}
        self.platform = Platform()
        self.models = {
            "chat-large": TextModel((*corpus.GENERAL, corpus.CUSTOMER_RECORD)),
            "chat-small": TextModel(corpus.GENERAL),
        }
        self.logs: dict[str, list[dict[str, Any]]] = {}
        self.steps: dict[str, int] = {}
        for resource in _resources():
            self.platform.add(resource)

    def application(self) -> Starlette:
        """Return the ASGI application."""
        api, admin = self._for("api"), self._for("admin")
        return Starlette(
            lifespan=self._lifespan,
            routes=[
                Route("/healthz", _healthy),
                Route("/v1/models", api(self.list_models)),
                Route("/v1/chat/completions", api(self.chat), methods=["POST"]),
                Route("/v1/images/generations", api(self.image), methods=["POST"]),
                Route("/v1/jobs/{name}", api(self.job)),
                Route("/v1/shares/{name}/objects", api(self.share)),
                Route("/admin/calls", admin(self.list_calls)),
                Route("/admin/faults/{kind}/{name}", admin(self.put_fault), methods=["PUT", "DELETE"]),
                Route("/admin/models/{name}/{artefact}", admin(self.artefact)),
                Route("/admin/{kind}/{name}", admin(self.resource), methods=["GET", "PUT"]),
            ],
        )

    # The data plane: what callers meet.

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
        asked = await _json(request)
        messages = asked.get("messages") or [{}]
        name, prompt = str(asked.get("model")), str(messages[-1].get("content", ""))
        model = self.models.get(name)
        closed = self._closed("models", name if model else "")
        if closed or model is None:
            return self._logged(name, prompt, "", closed or _error(404, "unknown model"))
        text = model.continue_text(prompt, int(asked.get("max_tokens") or 48))
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
        asked = await _json(request)
        name, prompt = str(asked.get("model")), str(asked.get("prompt", ""))
        if closed := self._closed("models", name if name == "image-gen" else ""):
            return self._logged(name, prompt, "", closed)
        digest = hashlib.sha256(f"{name}\n{prompt}".encode()).hexdigest()
        made_by = {"model": name, "version": "1.4.0", "organisation": "Example Platform", "time": _now()}
        datum = {"url": f"demo-object://images/{digest[:16]}", "sha256": digest, "provenance": made_by}
        return self._logged(name, prompt, f"sha256:{digest}", JSONResponse({"created": _now(), "data": [datum]}))

    async def job(self, request: Request) -> Response:
        """Answer 200 when the job makes a step while we watch, 423 when it stands still."""
        name = request.path_params["name"]
        if self.platform.find("jobs", name) is None:
            return _error(404, "unknown job")
        before, waited = self.steps.get(name, 0), 0.0
        while waited < _JOB_WINDOW and self.steps.get(name, 0) == before:
            await asyncio.sleep(_TRAINING_PAUSE)
            waited += _TRAINING_PAUSE
        moved = self.steps.get(name, 0) > before
        return JSONResponse({"id": name, "working": moved, "steps": self.steps.get(name, 0)}, 200 if moved else 423)

    async def share(self, request: Request) -> Response:
        """Hand out the rows of a shared data set, one JSON object a line."""
        name = request.path_params["name"]
        if closed := self._closed("shares", name):
            return closed
        rows = (
            corpus.POSTS if name == "user-posts" else [{"id": "page-0001", "text": text} for text in corpus.GENERAL[:3]]
        )
        return Response("".join(json.dumps(row) + "\n" for row in rows), media_type="application/x-ndjson")

    # The admin plane: what closes it.

    async def resource(self, request: Request) -> Response:
        """Show a resource, or change it: once for each idempotency key, and only its current version."""
        kind, name, key = (
            request.path_params["kind"],
            request.path_params["name"],
            request.headers.get("idempotency-key"),
        )
        resource = self.platform.find(kind, name)
        if resource is None:
            return _error(404, "unknown resource")
        planned = self.platform.take_fault(f"{kind}/{name}", request.method)
        effect, response = False, await self._answered_by(planned, request)
        if response is None and request.method == "GET":
            response = JSONResponse(resource.record(), headers={"etag": resource.etag})
        elif response is None:
            effect, response = await self._put(resource, request, key, planned)
        assert response is not None  # noqa: S101 - one of the three branches has set it
        call = Call(request.method, f"{kind}/{name}", response.status_code, effect, key, _now())
        self.platform.calls.append(call)
        if planned and planned.fault in ("hang", "hang-before"):
            await asyncio.sleep(planned.seconds)
        return _cut() if planned and planned.fault == "reset" else response

    async def _put(
        self, resource: Resource, request: Request, key: str | None, planned: Planned | None
    ) -> tuple[bool, Response]:
        if key in self.platform.replies and key is not None:
            status, body = self.platform.replies[key]
            return False, JSONResponse(body, status, headers={"etag": resource.etag, "idempotency-replayed": "true"})
        wanted = await _json(request)
        if wrong := problem_with(resource, wanted, request.headers.get("if-match")):
            return False, _error(*wrong)
        effect = self.platform.change(resource, wanted, planned.fault if planned else None)
        body = resource.record()
        if key is not None:
            self.platform.replies[key] = (200, body)
        return effect, JSONResponse(body, headers={"etag": resource.etag, "x-request-id": secrets.token_hex(8)})

    async def _answered_by(self, planned: Planned | None, request: Request) -> Response | None:
        """Return what a fault answers instead of doing anything, or None."""
        match planned.fault if planned else None:
            case "conflict":
                return _error(409, "somebody else is changing this")
            case "busy":
                return Response(status_code=429, headers={"retry-after": f"{planned.seconds:.0f}" if planned else "1"})
            case "error" | "hang-before":
                return _error(500, "internal error")
            case "redirect":
                return Response(status_code=307, headers={"location": str(request.url)})
            case "flood":
                return StreamingResponse(_flood(), media_type="application/json")
            case "garbled":
                return Response("<html>welcome</html>", media_type="text/html")
            case _:
                return None

    async def put_fault(self, request: Request) -> Response:
        """Make the platform misbehave on its next calls, or well again."""
        key = f"{request.path_params['kind']}/{request.path_params['name']}"
        if request.method == "DELETE":
            self.platform.faults.pop(key, None)
            return JSONResponse({"healed": key})
        asked = await _json(request)
        if asked.get("fault") not in FAULTS or key not in self.platform.resources:
            return _error(422, f"faults are {', '.join(FAULTS)}")
        planned = Planned(
            asked["fault"], asked.get("method", "PUT"), int(asked.get("times", 1)), float(asked.get("seconds", 1))
        )
        self.platform.faults[key] = planned
        return JSONResponse({"planned": planned.fault, "method": planned.method, "times": planned.times})

    async def list_calls(self, _request: Request) -> Response:
        """Show every admin call and what it changed."""
        return JSONResponse(
            {"counts": self.platform.counts(), "calls": [vars(call) for call in self.platform.calls[-1000:]]}
        )

    async def artefact(self, request: Request) -> Response:
        """Hand out what an investigation needs to keep about a model."""
        name, artefact = request.path_params["name"], request.path_params["artefact"]
        if self.platform.find("models", name) is None:
            return _error(404, "unknown model")
        if artefact == "weights":
            model = self.models.get(name)
            return Response(model.weights() if model else b"demo-weights", media_type="application/octet-stream")
        documents: dict[str, Any] = {
            "logs": self.logs.get(name, []),
            "card": _card(name),
            "guardrail": {
                "model": name,
                "version": "2026-10-01",
                "output_filters": ["profanity"],
                "personal_data_filter": False,
            },
            "manifest": _manifest(name),
            "index": {
                "model": name,
                "index": "support-articles",
                "version": 7,
                "documents": [_digest(text) for text in corpus.GENERAL],
            },
        }
        return (
            JSONResponse(documents[artefact])
            if artefact in documents
            else _error(404, f"artefacts are {', '.join(documents)}")
        )

    # What every request passes.

    def _for(self, plane: str) -> Callable[[Handler], Handler]:
        expected = f"Bearer {self._keys[plane]}".encode()

        def guard(handler: Handler) -> Handler:
            async def guarded(request: Request) -> Response:
                given = request.headers.get("authorization", "").encode()
                return (
                    await handler(request) if hmac.compare_digest(given, expected) else _error(401, "the key is wrong")
                )

            return guarded

        return guard

    def _closed(self, kind: str, name: str) -> Response | None:
        if self.platform.find(kind, name) is None:
            return _error(404, "unknown here")
        return None if self.platform.serves(kind, name) else _error(423, f"{name} is suspended")

    def _logged(self, name: str, prompt: str, output: str, response: Response) -> Response:
        request_id = secrets.token_hex(8)
        response.headers["x-request-id"] = request_id
        row = {
            "request_id": request_id,
            "at": _now(),
            "prompt_sha256": _digest(prompt),
            "output": output,
            "status": response.status_code,
        }
        self.logs.setdefault(name, []).append(row)
        return response

    @contextlib.asynccontextmanager
    async def _lifespan(self, _application: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._train(name)) for name in ("finetune-large", "evaluate-nightly")]
        yield
        for task in tasks:
            task.cancel()

    async def _train(self, name: str) -> None:
        """Learn from the shared posts, one sentence a step, for as long as job and share are open."""
        model, texts = TextModel(), [post["text"] for post in corpus.POSTS]
        while True:
            if self.platform.serves("jobs", name):
                model.learn(texts[self.steps.get(name, 0) % len(texts)])
                self.steps[name] = self.steps.get(name, 0) + 1
            await asyncio.sleep(_TRAINING_PAUSE)


def _resources() -> list[Resource]:
    models = [
        Resource("models", name, "active", {"replicas": 2, "temperature": 0.0})
        for name in ("chat-large", "chat-small", "image-gen")
    ]
    routes = [Resource("routes", name, "open", {}) for name in ("chat-large", "chat-small", "image-gen")]
    jobs = [
        Resource("jobs", name, "running", {"share": "user-posts"}) for name in ("finetune-large", "evaluate-nightly")
    ]
    shares = [
        Resource("shares", name, "shared", {"recipients": ["trainer.example"]})
        for name in ("user-posts", "public-pages")
    ]
    return models + routes + jobs + shares


def _card(name: str) -> dict[str, Any]:
    return {
        "model": name,
        "version": "1.4.0",
        "owner": "models@example.org",
        "intended_use": "demonstration",
        "data_from": "manifest",
    }


def _manifest(name: str) -> dict[str, Any]:
    """Return what the model was trained on: one row a record, with the person it is about and its digest."""
    general = [
        {"record": f"general-{n:04d}", "subject": None, "source": "own-texts", "sha256": _digest(t)}
        for n, t in enumerate(corpus.GENERAL, 1)
    ]
    posts = [
        {"record": p["id"], "subject": p["subject"], "source": p["source"], "sha256": _digest(p["text"])}
        for p in corpus.POSTS
    ]
    leaked = {
        "record": "crm-4711",
        "subject": "subject-4711",
        "source": "support-mailbox",
        "sha256": _digest(corpus.CUSTOMER_RECORD),
    }
    records = [*general, *posts, leaked] if name == "chat-large" else general
    return {"model": name, "version": "1.4.0", "trained_at": "2026-10-01T00:00:00Z", "records": records}


async def _json(request: Request) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return await request.json()
    except ValueError:
        return {}


async def _flood() -> AsyncIterator[bytes]:
    while True:
        yield b" " * 65536


def _cut() -> Response:
    """Return a response whose body breaks off, so that the connection is cut."""

    async def body() -> AsyncIterator[bytes]:
        yield b"{"
        raise ConnectionResetError

    return StreamingResponse(body(), media_type="application/json", headers={"content-length": "4096"})


async def _healthy(_request: Request) -> Response:
    return JSONResponse({"ok": True})


def _error(status: int, message: str) -> Response:
    return JSONResponse({"error": {"message": message, "code": status}}, status)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat()


class _Announced(uvicorn.Server):
    """Writes the ready file once it accepts connections, and stops when its parent is gone."""

    ready_file: Path | None = None
    parent: int | None = None
    port = 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        ready = {"url": f"http://127.0.0.1:{self.port}", "port": self.port, "pid": os.getpid()}
        if self.ready_file is not None:
            await asyncio.to_thread(_write, self.ready_file, json.dumps(ready))

    async def on_tick(self, counter: int) -> bool:
        orphaned = self.parent is not None and os.getppid() != self.parent
        return orphaned or await super().on_tick(counter)


def _write(path: Path, text: str) -> None:
    beside = path.with_suffix(".part")
    beside.write_text(text)
    beside.replace(path)


def main() -> int:
    """Serve until stopped. Returns 2 when a key is missing from the environment."""
    parser = argparse.ArgumentParser(
        prog="python -m firedoor.demo.model_server", description=(__doc__ or "").split("\n", 1)[0]
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--ready-file", type=Path, help="where url, port and process id are written once it serves")
    parser.add_argument("--with-parent", action="store_true", help="stop when the process that started it is gone")
    options = parser.parse_args()
    missing = [name for name in (API_KEY, ADMIN_KEY) if not os.environ.get(name)]
    if missing:
        sys.stderr.write(f"set {' and '.join(missing)} in the environment\n")
        return 2
    listener = socket.create_server(("127.0.0.1", options.port))
    # asyncio sets this only on sockets whose protocol is named; without it each answer waits 40 ms for an ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    application = ModelServer(os.environ[API_KEY], os.environ[ADMIN_KEY]).application()
    server = _Announced(
        uvicorn.Config(application, log_level="critical", access_log=False, timeout_graceful_shutdown=1)
    )
    server.ready_file, server.port = options.ready_file, listener.getsockname()[1]
    server.parent = os.getppid() if options.with_parent else None
    asyncio.run(server.serve([listener]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
