"""All that a connector, an alert source or a step type of another package imports: ten names.

Decides what we promise to outsiders: these names stay, and change with a notice in the changelog. Everything else under
`firedoor` may move. A name is loaded on first use, so that a source of alerts does not pay for an HTTP client.

    alert_source                    a source of alerts, by paths or by a function of yours
    Step, StepBuilder               a step type: its YAML fields, and what it does in order
    Connector                       a connector, with
    Options                         the base of a door's `config`
    Target, Door                    what is closed, and where
    Live, Work, Description         how a door stands, one change to make, and what a person reads before

Each is found by an entry point of the package that it comes in: `firedoor.alert_sources`, `firedoor.steps` and
`firedoor.connectors`. Leaves tests to `firedoor.testing` and to the contract suites under `tests/contract/`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firedoor.alerts.plain import alert_source
    from firedoor.connectors.parts.door_connector import Description, Live, Work
    from firedoor.core.playbook.step import Options
    from firedoor.core.targets import Door, Target
    from firedoor.sdk.connector import Connector
    from firedoor.sdk.step import Step, StepBuilder

__all__ = [
    "Connector",
    "Description",
    "Door",
    "Live",
    "Options",
    "Step",
    "StepBuilder",
    "Target",
    "Work",
    "alert_source",
]

_HOMES = {
    "Connector": "firedoor.sdk.connector",
    "Description": "firedoor.connectors.parts.door_connector",
    "Door": "firedoor.core.targets",
    "Live": "firedoor.connectors.parts.door_connector",
    "Options": "firedoor.core.playbook.step",
    "Step": "firedoor.sdk.step",
    "StepBuilder": "firedoor.sdk.step",
    "Target": "firedoor.core.targets",
    "Work": "firedoor.connectors.parts.door_connector",
    "alert_source": "firedoor.alerts.plain",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'firedoor.sdk' has no attribute {name!r}: it offers {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
