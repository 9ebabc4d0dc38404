"""What Prefect is shown, and what the rest of Firedoor gives it: the seam between the two.

Decides the names on both sides, so that the conductor knows nothing of Prefect and the Prefect modules know
nothing of journals. Leaves every effect, lease and journal entry to whoever implements `Host`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Json = dict[str, Any]
Outcome = Literal["waiting", "closed", "lost_lease"]
Effect = Callable[[], Awaitable[Json]]


@dataclass(frozen=True)
class OperationView:
    """What Prefect shows of one operation.

    `id` is unique in the plan, `after` names the operations it waited for, `phase` is one of
    identification, containment, remediation, post_incident.
    """

    id: str
    title: str
    phase: str
    kind: str
    after: tuple[str, ...] = ()


Performer = Callable[[OperationView, Effect], Awaitable[Json]]
Shown = Callable[[OperationView, Json], Awaitable[None]]


class Conduct(Protocol):
    """Drives one incident until nothing is ready."""

    async def __call__(self, incident_id: str, performer: Performer, shown: Shown) -> str:
        """Return "waiting", "closed" or "lost_lease".

        `performer` runs an effect and returns its outcome, or raises what the effect raised. `shown` is called once
        for each operation that the journal already holds as finished, in journal order.
        """


@dataclass(frozen=True)
class Views:
    """What a run shows as artifacts. Times are written with their zone; no secrets, no sealed facts."""

    summary: str = ""
    clocks: tuple[Mapping[str, Any], ...] = ()
    evidence: tuple[Mapping[str, Any], ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)


class Host(Protocol):
    """What a flow needs from the rest of Firedoor, in whatever process it runs."""

    async def open_incident(self, playbook: Any, facts: Json, title: str, why: str, flow_run_id: str) -> str:
        """Open an incident and return its id. Idempotent on `flow_run_id`, because a run starts again from the top."""

    async def conduct(self, incident_id: str, performer: Performer, shown: Shown) -> str:
        """Drive the incident, see `Conduct`."""

    async def views(self, incident_id: str) -> Views:
        """Return what is shown of the incident now."""


async def perform_directly(operation: OperationView, effect: Effect) -> Json:
    """Run the effect without showing it anywhere: the performer for a day without Prefect."""
    return await effect()


def failure_of(outcome: Mapping[str, Any]) -> str | None:
    """Return why an operation failed, or None when its outcome is not a failure."""
    if outcome.get("status") == "failed" or outcome.get("error"):
        return str(outcome.get("error") or outcome.get("summary") or "failed")
    return None


_host: Host | None = None


def use_host(host: Host | None) -> None:
    """Set the host of this process; None forgets it, so that the next use asks `runtime.world`."""
    global _host  # one composition root per process, set once at start
    _host = host


def current_host() -> Host:
    """Return the host of this process: the one that was set, or the one `runtime.world` makes from the settings."""
    if _host is not None:
        return _host
    from firedoor.runtime.world import flow_host  # late: the composition root imports everything

    host: Host = flow_host()
    use_host(host)
    return host
