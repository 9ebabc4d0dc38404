"""Firedoor's flows, for people who live in Prefect.

One module for each playbook that ships holds its flow, written out. `respond` runs any other playbook, and
`compile_flow` makes a flow of one. Decides where a flow finds Firedoor in a process that Prefect started: in one that
is made of the same settings, at its first step.
"""

from __future__ import annotations

from firedoor.runtime.execution.performer import Host, make_host_by
from firedoor.runtime.prefect.flow import compile_flow, conduct_run

__all__ = ["compile_flow", "conduct_run"]


def _host() -> Host:
    from firedoor.runtime.process.application import (
        flow_host,  # everything that there is; a flow's form needs none of it
    )

    return flow_host()


make_host_by(_host)
