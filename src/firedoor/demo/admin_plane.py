"""The admin plane of the demonstration's platform: what closes models, jobs, shares and routes.

Decides that a change counts once for its idempotency key and only for the version that it
names, that every call is counted, and how a planned fault shows. Leaves what a change
does to `platform`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator

from fastapi import Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from firedoor.core.json_types import as_object
from firedoor.demo import answers
from firedoor.demo.data_plane import DataPlane
from firedoor.demo.documents import documents_of, store_documents
from firedoor.demo.platform import FAULTS, Call, Planned, Platform, Resource, problem_with


class AdminPlane:
    """Shows and changes the resources of one platform."""

    def __init__(self, platform: Platform, data_plane: DataPlane) -> None:
        self.platform = platform
        self._data_plane = data_plane

    async def resource(self, request: Request) -> Response:
        """Show a resource, or change it: once for each idempotency key, and only its current version."""
        kind, name, key = (
            request.path_params["kind"],
            request.path_params["name"],
            request.headers.get("idempotency-key"),
        )
        resource = self.platform.find(kind, name)
        if resource is None:
            return answers.error(404, "unknown resource")
        planned = self.platform.take_fault(f"{kind}/{name}", request.method)
        effect, response = False, await self._answered_by(planned, request)
        if response is None and request.method == "GET":
            response = JSONResponse(resource.record(), headers={"etag": resource.etag})
        elif response is None:
            effect, response = await self._put(resource, request, key, planned)
        assert response is not None  # noqa: S101 - one of the three branches has set it
        call = Call(request.method, f"{kind}/{name}", response.status_code, effect, key, answers.now())
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
        wanted = await answers.read_json(request)
        if wrong := problem_with(resource, wanted, request.headers.get("if-match")):
            return False, answers.error(*wrong)
        effect = self.platform.change(resource, as_object(wanted), planned.fault if planned else None)
        body = resource.record()
        if key is not None:
            self.platform.replies[key] = (200, body)
        return effect, JSONResponse(body, headers={"etag": resource.etag, "x-request-id": secrets.token_hex(8)})

    async def _answered_by(self, planned: Planned | None, request: Request) -> Response | None:
        """Return what a fault answers instead of doing anything, or None."""
        match planned.fault if planned else None:
            case "conflict":
                return answers.error(409, "somebody else is changing this")
            case "busy":
                return Response(status_code=429, headers={"retry-after": f"{planned.seconds:.0f}" if planned else "1"})
            case "error" | "hang-before":
                return answers.error(500, "internal error")
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
        asked = as_object(await answers.read_json(request))
        fault = next((known for known in FAULTS if known == asked.get("fault")), None)
        if fault is None or key not in self.platform.resources:
            return answers.error(422, f"faults are {', '.join(FAULTS)}")
        times, seconds = answers.number(asked, "times", 1), answers.number(asked, "seconds", 1)
        planned = Planned(fault, str(asked.get("method", "PUT")), int(times), seconds)
        self.platform.faults[key] = planned
        return JSONResponse({"planned": planned.fault, "method": planned.method, "times": planned.times})

    async def reset(self, _request: Request) -> Response:
        """Bring every resource to its first state and forget calls, faults and replies."""
        self.platform.reset()
        return JSONResponse({"reset": True})

    async def list_calls(self, _request: Request) -> Response:
        """Show every admin call and what it changed."""
        return JSONResponse(
            {"counts": self.platform.counts(), "calls": [vars(call) for call in self.platform.calls[-1000:]]}
        )

    async def artefact(self, request: Request) -> Response:
        """Hand out what an investigation needs to keep about a model, or about a share, closed or not."""
        kind, name, artefact = (request.path_params[part] for part in ("kind", "name", "artefact"))
        if kind not in ("models", "shares") or self.platform.find(kind, name) is None:
            return answers.error(404, "no artefacts of that are kept")
        if kind == "shares" and artefact == "objects":
            return self._data_plane.rows_of(name)
        if kind == "models" and artefact == "weights":
            model = self._data_plane.models.get(name)
            return Response(model.weights() if model else b"demo-weights", media_type="application/octet-stream")
        documents = store_documents() if kind == "shares" else documents_of(name, self._data_plane.logs.get(name, []))
        if artefact not in documents:
            return answers.error(404, f"artefacts are {', '.join(documents)}")
        return JSONResponse(documents[artefact])


async def _flood() -> AsyncIterator[bytes]:
    for _ in range(256):  # 16 MiB; the pause lets the server notice that nobody listens any more
        yield b" " * 65536
        await asyncio.sleep(0)


def _cut() -> Response:
    """Return a response whose body breaks off, so that the connection is cut."""

    async def body() -> AsyncIterator[bytes]:
        yield b"{"
        raise ConnectionResetError

    return StreamingResponse(body(), media_type="application/json", headers={"content-length": "4096"})
