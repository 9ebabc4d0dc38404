"""What a delivery would do here, without a server and without an effect.

Decides that a preview reads the same sources, playbooks, organisation and law as the server does and takes the alert
in by the same function. It knows no incident: what would be attached to one shows as it would be for the first alert.
Leaves showing it to the interfaces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from firedoor.core.alerts.alert import Alert
from firedoor.core.alerts.intake import Here, take_in
from firedoor.core.alerts.triage import Triage
from firedoor.runtime.config import playbooks
from firedoor.runtime.config.container import utc_now
from firedoor.runtime.config.inventory import read_organisation
from firedoor.runtime.config.settings import Settings
from firedoor.runtime.process.application import default_paths, read_sources
from firedoor.runtime.service.playbook_cache import Shelf


@dataclass(frozen=True, slots=True)
class Previewed:
    """One alert, and what would be done about it."""

    alert: Alert
    decided: Triage

    def would(self) -> dict[str, object]:
        """The decision as JSON."""
        one = self.decided
        return {
            "decision": str(one.decision), "playbook": one.playbook, "reasons": list(one.reasons), "facts": one.facts,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Preview:
    """Every alert of a delivery, and why playbooks that cannot be read start nothing."""

    alerts: tuple[Previewed, ...]
    unread: Mapping[str, str]


def previewed(
    settings: Settings, source: str, body: bytes, headers: Mapping[str, str], now: datetime | None = None
) -> Preview:
    """Read a delivery and say what it would do. Raises NotFound for the source, InvalidInput for the body."""
    alerts = read_sources(settings).find(source).parse(body, headers)
    law = playbooks.vocabulary()
    organisation = read_organisation(default_paths(settings)["organisation"], law)
    shelf = Shelf()
    shelf.refresh()
    here = Here(
        tuple(shelf.startable()), lambda name: {**law, **shelf.plan(name).definitions()}, organisation.trusted_banks
    )
    at = now or utc_now()
    found = tuple(Previewed(*take_in(alert, here, (), at)) for alert in alerts)
    return Preview(found, {path: problems[0].message for path, problems in shelf.problems.items()})
