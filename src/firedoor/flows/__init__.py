"""Firedoor's flows, for people who live in Prefect.

`compile_flow` turns any playbook into a Prefect flow. `firedoor.flows.respond` holds the entrypoints by which Prefect
finds those flows again in another process.
"""

from __future__ import annotations

from firedoor.runtime.prefect_flow import compile_flow

__all__ = ["compile_flow"]
