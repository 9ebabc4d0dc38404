"""What Prefect is shown, and what the rest of Firedoor gives it: the seam between the two.

Decides the names on both sides, so that the conductor knows nothing of Prefect and the Prefect modules know
nothing of journals. Leaves every effect, lease and journal entry to whoever implements `Host`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

RESTRICTED = "restricted-incident"  # the flow under which Prefect shows what only some need to know about
Json = dict[str, Any]
Outcome = Literal["waiting", "closed", "lost_lease"]
Effect = Callable[[], Awaitable[Json]]


@dataclass(frozen=True)
class OperationView:
    """What Prefect shows of one operation.

    `id` is unique in the plan, `after` names the operations it waited for, `phase` is one of
    identification, containment, remediation, post_incident. Where not every reader of Prefect may know what came of it,
    `told` is false: that it ended is shown, and no word of it.
    """

    id: str
    title: str
    phase: str
    kind: str
    after: tuple[str, ...] = ()
    told: bool = True


Performer = Callable[[OperationView, Effect], Awaitable[Json]]
Shown = Callable[[OperationView, Json], Awaitable[None]]


class Conduct(Protocol):
    """Drives one incident until nothing is ready."""

    async def __call__(self, incident_id: str, performer: Performer, shown: Shown, /) -> str:
        """Return "waiting", "closed" or "lost_lease".

        `performer` runs an effect and returns its outcome, or raises what the effect raised. `shown` is called once
        for each operation that the journal already holds as finished, in journal order.
        """


@dataclass(frozen=True)
class Views:
    """What a run shows as artifacts. Times are written with their zone; no secrets, no sealed facts."""

    summary: str = ""
    clocks: tuple[Mapping[str, object], ...] = ()
    evidence: tuple[Mapping[str, object], ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)


class Host(Protocol):
    """What a flow needs from the rest of Firedoor, in whatever process it runs."""

    async def open_incident(
        self, playbook: str, facts: Json, title: str, why: str, flow_run_id: str, *, deployed: bool = True
    ) -> str | None:
        """Return the incident of a flow run; None as long as a person in Firedoor has not agreed to open it.

        `playbook` is a name, or the path of a file. A run that was `deployed` was started by whoever may use Prefect,
        which knows nobody: it becomes a question. One that is not was started by this process's own user.
        Idempotent on `flow_run_id`, because a run that was suspended or has crashed starts again from the top.
        """

    async def admit(self, incident_id: str, playbook: str, flow_run_id: str) -> None:
        """Raise Refused unless this flow run may conduct the incident: it is its own, or of the very same plan."""

    async def conduct(self, incident_id: str, performer: Performer, shown: Shown) -> str:
        """Drive the incident, see `Conduct`."""

    async def views(self, incident_id: str) -> Views:
        """Return what is shown of the incident now."""


@dataclass(frozen=True)
class Unshown:
    """An incident as Prefect must show it: what has ended in it, in journal order, and whether it has ended itself.

    `claim` is the backlog's own, and says that this process shows it.
    """

    incident: str
    playbook: str
    ended: bool
    operations: tuple[tuple[OperationView, Json], ...]
    views: Views = field(default_factory=Views)
    flow_run_id: str | None = None  # as far as it is known
    claim: object = None


class Backlog(Protocol):
    """The incidents whose journals are ahead of what Prefect shows. Called in the caller's loop."""

    async def claim(self, limit: int, but: Collection[str]) -> Sequence[Unshown]:
        """Take some that nobody drives and nobody else shows, except for `but`."""

    async def untouched(self, one: Unshown) -> bool:
        """Whether nobody has begun to drive it since."""

    async def done(self, one: Unshown) -> None:
        """Note that it was shown."""

    async def later(self, one: Unshown, seconds: float) -> None:
        """Give it back for a while: it could not be shown."""

    def reached(self, incident_id: str) -> int:
        """The number of the entry up to which its last flow run has conducted it; 0 when that is not known."""

    async def noted(self, incident_id: str, seq: int) -> None:
        """Note that its own flow run has shown it up to this entry."""

    async def reopen(self, incident_ids: Collection[str], flow_run_ids: Collection[str]) -> set[str]:
        """Have these shown once more. Returns the flow runs among them that show an incident."""


async def perform_directly(_operation: OperationView, effect: Effect) -> Json:
    """Run the effect without showing it anywhere: the performer for a day without Prefect."""
    return await effect()


def failure_of(outcome: Mapping[str, object]) -> str | None:
    """Return why an operation failed, or None when its outcome is not a failure."""
    if outcome.get("status") == "failed" or outcome.get("error"):
        return str(outcome.get("error") or "failed")
    return None


def words_of(outcome: Mapping[str, object]) -> str:
    """Return an outcome in a few words. Results stay in the journal: not all of them are for Prefect's readers."""
    parts = [str(outcome[name]) for name in ("summary", "outcome", "why") if outcome.get(name)]
    if outcome.get("by"):
        parts.append(f"by {outcome['by']}")
    return ", ".join(parts)


class PrefectAway(Exception):
    """Prefect cannot show this now. Drive the incident without it; it is shown later."""


_hosts: list[Host] = []  # at most one: a process has one composition root
_made_by: list[Callable[[], Host]] = []  # who makes one where none was set


def use_host(host: Host | None) -> None:
    """Set the host of this process; None forgets it, so that the next use makes one."""
    _hosts[:] = [host] if host else []


def make_host_by(make: Callable[[], Host]) -> None:
    """Say how a host is made in a process that sets none, such as a team's own script; `firedoor.flows` does."""
    _made_by[:] = [make]


def current_host() -> Host:
    """Return the host of this process: the one that was set, or one that is made. RuntimeError where nobody can."""
    if not _hosts:
        if not _made_by:
            raise RuntimeError("no host of flows was set in this process: import firedoor.flows first")
        use_host(_made_by[0]())
    return _hosts[0]
