"""The state behind the demonstration's platform: resources with a version, and what was done to them.

Decides who may change what (a version that must match, a key that makes a call count
once), counts every call and every effect, and can be told to misbehave, because real
platforms do. Leaves HTTP to `model_server`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from firedoor.core.json_types import Json, JsonObject

Kind = Literal["models", "jobs", "shares", "routes"]
Fault = Literal[
    "lie",  # says 200 and does nothing
    "half",  # closes the record, keeps serving
    "hang",  # does it, then does not answer
    "hang-before",  # does nothing and does not answer
    "reset",  # does it, then cuts the connection
    "conflict",  # 409
    "busy",  # 429 with Retry-After
    "error",  # 500 and does nothing
    "redirect",  # 307 to itself
    "overblock",  # closes its neighbours, too
    "flood",  # answers far too much
    "garbled",  # 200 and no JSON
]
FAULTS: Final[tuple[Fault, ...]] = get_args(Fault)
_CLOSED: Final = "suspended"


@dataclass
class Resource:
    """Something that can be suspended. `serving` is what callers meet; `state` is what the record says."""

    kind: Kind
    name: str
    running: str  # the word for open: active, running, shared
    config: JsonObject
    state: str = ""
    changed_by: str | None = None
    reason: str | None = None
    version: int = 1
    serving: bool = True

    def __post_init__(self) -> None:
        self.state = self.state or self.running

    @property
    def etag(self) -> str:
        """The version as an entity tag."""
        return f'"v{self.version}"'

    def record(self) -> dict[str, Json]:
        """Return what the admin API shows."""
        return {
            "id": self.name,
            "kind": self.kind,
            "state": self.state,
            "version": self.version,
            "changed_by": self.changed_by,
            "reason": self.reason,
            "config": self.config,
        }


@dataclass
class Call:
    """One admin call and whether it changed anything."""

    method: str
    resource: str
    status: int
    effect: bool
    idempotency_key: str | None
    at: str


@dataclass
class Planned:
    """A fault that waits for its next calls."""

    fault: Fault
    method: str
    times: int
    seconds: float = 1.0


@dataclass
class Platform:
    """All resources, the calls made so far, and the faults that wait."""

    resources: dict[str, Resource] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    faults: dict[str, Planned] = field(default_factory=dict)
    replies: dict[str, tuple[int, JsonObject]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start again: every resource open and unchanged, no call made, no fault planned."""
        self.resources = {f"{resource.kind}/{resource.name}": resource for resource in _furniture()}
        self.calls.clear()
        self.faults.clear()
        self.replies.clear()

    def find(self, kind: str, name: str) -> Resource | None:
        """Return a resource, or None."""
        return self.resources.get(f"{kind}/{name}")

    def serves(self, kind: str, name: str) -> bool:
        """Tell whether callers reach it: it serves, and its route, if it has one, is open."""
        resource, route = self.find(kind, name), self.find("routes", name)
        return resource is not None and resource.serving and (route is None or route.serving)

    def change(self, resource: Resource, wanted: JsonObject, fault: Fault | None = None) -> bool:
        """Apply a change; return whether anything changed."""
        before = resource.record()
        if fault == "lie":
            return False
        for name in ("state", "changed_by", "reason", "config"):
            if name in wanted:
                setattr(resource, name, wanted[name])
        if resource.record() == before:
            return False
        resource.version += 1
        if fault != "half":
            resource.serving = resource.state == resource.running
        if fault == "overblock":
            for other in self.resources.values():
                other.serving = other.serving and (other.kind != resource.kind or resource.serving)
        return True

    def take_fault(self, key: str, method: str) -> Planned | None:
        """Return the fault that this call meets, and count it."""
        planned = self.faults.get(key)
        if planned is None or planned.method != method or planned.times <= 0:
            return None
        planned.times -= 1
        return planned

    def counts(self) -> dict[str, dict[str, int]]:
        """Return calls by method, and effects, by resource."""
        totals: dict[str, dict[str, int]] = {}
        for call in self.calls:
            entry = totals.setdefault(call.resource, {"GET": 0, "PUT": 0, "effects": 0})
            entry[call.method] = entry.get(call.method, 0) + 1
            entry["effects"] += call.effect
        return totals


def problem_with(resource: Resource, wanted: Json, if_match: str | None) -> tuple[int, str] | None:
    """Return status and reason when a change cannot be made, else None."""
    if not isinstance(wanted, dict) or set(wanted) - {"state", "changed_by", "reason", "config"}:
        return 400, "send state, changed_by, reason or config"
    if wanted.get("state", resource.running) not in (resource.running, _CLOSED):
        return 422, f"state is {resource.running} or {_CLOSED}"
    if if_match is not None and if_match not in ("*", resource.etag):
        return 412, f"the version is {resource.etag}"
    return None


def _furniture() -> list[Resource]:
    """Return three models, their routes at the gateway, two jobs, two shares and a gallery."""
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
    shares.append(Resource("shares", "gallery", "shared", {"recipients": ["everybody"]}))
    return models + routes + jobs + shares
