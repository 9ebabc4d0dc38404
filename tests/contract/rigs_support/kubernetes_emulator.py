"""A Kubernetes API without a cluster, and the models that it runs as callers see them; in an environment of its own.

kmock keeps the objects and speaks the API. What it leaves out and our connectors rely on is added here: tokens, the
resourceVersion of an object as an optimistic lock, its generation, and the little of each controller that callers feel
(no replicas, no answer; a policy that denies; a stop annotation; a suspended job whose pods go). `PUT /rig` tells it
what to hold. It prints its two ports when it is ready, and ends when its standard input does.

    python kubernetes_emulator.py TOKEN READER_TOKEN
"""

from __future__ import annotations

import asyncio
import importlib
import itertools
import json
import sys
from typing import Any

from aiohttp import web

kmock: Any = importlib.import_module("kmock")  # it has an environment of its own, and no types here
KubernetesError: Any = importlib.import_module("kmock._internal.k8s").KubernetesError
COLLEAGUE = "the-token-of-a-colleague"
PAUSED = "autoscaling.keda.sh/paused-replicas"


def merged(value: Any, patch: Any) -> Any:
    """Merge a patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    base = dict(value) if isinstance(value, dict) else {}
    for key, change in patch.items():
        base[key] = merged(base.get(key), change)
    return {key: one for key, one in base.items() if one is not None}


class Emulator(kmock.KubernetesEmulator):  # type: ignore[misc]  # as above
    """The API, with the parts of it that kmock leaves out."""

    tokens: dict[str, str]
    versions: Any
    rival: dict[str, Any] | None

    async def _handle(self, request: Any) -> Any:
        who = self.tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if who is None:
            raise KubernetesError(status=401, reason="Unauthorized", message="Unauthorized")
        method = request.method.value.upper()
        if who == "reader" and method != "GET":
            raise KubernetesError(status=403, reason="Forbidden", message="this account may only read")
        if who == "firedoor" and method != "GET" and self.rival:
            self.change(**self.rival)
            self.rival = None
        self._admit(request, method)
        answer = await super()._handle(request)
        self.control()
        return answer

    def _admit(self, request: Any, method: str) -> None:
        """Check the lock, and put on an object what the server puts there."""
        if method == "POST":
            named = {"namespace": request.namespace, "uid": f"uid-{next(self.versions)}", "generation": 1}
            request.data["metadata"].update(named, resourceVersion=str(next(self.versions)))
        found = self.find(request.resource, request.namespace, request.name)
        if found is None or method not in ("PATCH", "DELETE"):
            return
        data = request.data if isinstance(request.data, dict) else {}
        asked = data.get("preconditions") or {} if method == "DELETE" else data.get("metadata") or {}
        held = found["metadata"]
        if any(asked.get(key) not in (None, held[key]) for key in ("uid", "resourceVersion")):
            message = "the object has been modified; please apply your changes to the latest version"
            raise KubernetesError(status=409, reason="Conflict", message=message)
        if method == "PATCH":
            data.setdefault("metadata", {}).update(self._bumped(found, data))

    def _bumped(self, found: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
        changed = merged(found, patch).get("spec") != found.get("spec")
        return {
            "resourceVersion": str(next(self.versions)),
            "generation": found["metadata"]["generation"] + (1 if changed else 0),
        }

    async def _serve_list(self, request: Any) -> Any:
        listed = dict(await super()._serve_list(request))
        wanted = dict(part.split("=", 1) for part in request.params.get("labelSelector", "").split(",") if part)
        labels = [(item, item["metadata"].get("labels") or {}) for item in listed["items"]]
        listed["items"] = [item for item, has in labels if wanted.items() <= has.items()]
        return listed

    def find(self, resource: Any, namespace: str, name: str) -> dict[str, Any] | None:
        """An object as it is, or None."""
        for (kind, where, called), item in self.objects.items():
            if (kind, where, called) == (resource, namespace, name) and not item.deleted:
                return dict(json.loads(json.dumps(item.raw)))
        return None

    def all(self, plural: str) -> list[tuple[str, dict[str, Any]]]:
        """The objects of a kind, with their namespaces."""
        return [
            (where, dict(item.raw))
            for (kind, where, _), item in self.objects.items()
            if kind.plural == plural and not item.deleted
        ]

    def change(self, resource: str, namespace: str, name: str, patch: dict[str, Any]) -> None:
        """Change an object from within, as somebody else or a controller does."""
        found = self.find(kmock.resource(resource), namespace, name)
        assert found is not None, (resource, namespace, name)
        metadata = {**(patch.get("metadata") or {}), **self._bumped(found, patch)}
        self.objects[resource, namespace, name].patch({**patch, "metadata": metadata})

    def hold(self, resource: str, item: dict[str, Any]) -> None:
        """Hold an object."""
        metadata = {"uid": f"uid-{next(self.versions)}", "generation": 1, "resourceVersion": str(next(self.versions))}
        item = {**item, "metadata": {**metadata, **item["metadata"]}}
        self.objects[resource, item["metadata"]["namespace"], item["metadata"]["name"]] = item

    def control(self) -> None:
        """Do what the controllers do that callers feel."""
        for where, item in self.all("scaledobjects"):
            paused = (item["metadata"].get("annotations") or {}).get(PAUSED)
            aim = item["spec"]["scaleTargetRef"]["name"]
            scaled = self.find(kmock.resource("apps/v1/deployments"), where, aim)
            if paused is not None and scaled and scaled["spec"]["replicas"] != int(paused):
                self.change("apps/v1/deployments", where, aim, {"spec": {"replicas": int(paused)}})
        for where, item in self.all("inferenceservices"):
            stopped = (item["metadata"].get("annotations") or {}).get("serving.kserve.io/stop") == "true"
            conditions = [{"type": "Stopped", "status": str(stopped)}, {"type": "Ready", "status": str(not stopped)}]
            if (item.get("status") or {}).get("conditions") != conditions:
                patch = {"status": {"conditions": conditions}}
                self.change("serving.kserve.io/v1beta1/inferenceservices", where, item["metadata"]["name"], patch)
        for where, item in self.all("jobs"):
            self._pods_of(where, item)

    def _pods_of(self, where: str, job: dict[str, Any]) -> None:
        name = f"{job['metadata']['name']}-0"
        there = self.find(kmock.resource("v1/pods"), where, name)
        if job["spec"].get("suspend") and there:
            self.objects["v1/pods", where, name].delete()
        elif not job["spec"].get("suspend") and not there:
            pod = {"name": name, "namespace": where, "labels": {"job-name": job["metadata"]["name"]}}
            del_key = ("v1/pods", where, name)
            if del_key in self.objects:
                self.objects[del_key].create({"metadata": pod, "status": {"phase": "Running"}})
            else:
                self.objects[del_key] = {"metadata": pod, "status": {"phase": "Running"}}


class DataPlane:
    """What callers of the models get, and how the rig speaks to this program."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._stubborn = False  # callers are served whatever the API says
        self._enforced = True  # whether the network knows policies

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/{namespace}/{name}", self.serve),
            web.put("/rig", self.reset),
            web.put("/rig/settings", self.settings),
            web.put("/rig/change", self.change),
            web.get("/rig/objects", self.show),
        ]

    async def serve(self, request: web.Request) -> web.Response:
        namespace, name = request.match_info["namespace"], request.match_info["name"]
        status = 200 if self._stubborn else self._status(namespace, name)
        return web.json_response({"model": name}, status=status)

    def _status(self, namespace: str, name: str) -> int:
        service = self._named("inferenceservices", namespace, name)
        if service is not None:
            return (
                404 if (service["metadata"].get("annotations") or {}).get("serving.kserve.io/stop") == "true" else 200
            )
        workload = self._named("deployments", namespace, name)
        if workload is None:
            return 404
        return 503 if workload["spec"]["replicas"] == 0 or self._denied(namespace, workload) else 200

    def _named(self, plural: str, namespace: str, name: str) -> dict[str, Any] | None:
        found = (item for where, item in self._emulator.all(plural) if where == namespace)
        return next((item for item in found if item["metadata"]["name"] == name), None)

    def _denied(self, namespace: str, workload: dict[str, Any]) -> bool:
        """Policies add up: one that allows wins over one that does not."""
        labels = workload["spec"]["template"]["metadata"]["labels"]
        policies = [item["spec"] for where, item in self._emulator.all("networkpolicies") if where == namespace]
        mine = [one for one in policies if one["podSelector"].get("matchLabels", {}).items() <= labels.items()]
        return self._enforced and bool(mine) and not any(one.get("ingress") for one in mine)

    async def reset(self, request: web.Request) -> web.Response:
        self._stubborn, self._enforced, self._emulator.rival = False, True, None
        for key in list(self._emulator.objects):
            del self._emulator.objects[key]
        for resource, items in (await request.json()).items():
            self._emulator.resources[resource] = {}
            for item in items:
                self._emulator.hold(resource, item)
        self._emulator.control()
        return web.json_response({})

    async def settings(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self._stubborn = asked.get("stubborn", self._stubborn)
        self._enforced = asked.get("enforced", self._enforced)
        self._emulator.rival = asked.get("rival", self._emulator.rival)
        return web.json_response({})

    async def change(self, request: web.Request) -> web.Response:
        self._emulator.change(**await request.json())
        self._emulator.control()
        return web.json_response({})

    async def show(self, request: web.Request) -> web.Response:
        asked = request.query
        found = self._emulator.find(kmock.resource(asked["resource"]), asked["namespace"], asked["name"])
        return web.json_response(found)


async def main(token: str, reader: str) -> None:
    """Serve until the standard input ends."""
    async with Emulator() as emulator, kmock.Server(emulator) as server:
        emulator.tokens = {token: "firedoor", reader: "reader", COLLEAGUE: "colleague"}
        emulator.versions, emulator.rival = itertools.count(1000), None
        application = web.Application()
        application.add_routes(DataPlane(emulator).routes())
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        sys.stdout.write(json.dumps({"api": server.port, "data": port}) + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
