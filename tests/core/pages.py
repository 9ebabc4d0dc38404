"""Small playbooks for tests of the language: one sound page, and a way to break one line of it.

Decides the page. Leaves what must be refused, and where, to the tests that use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import dedent

import pytest

from firedoor.core.facts import FactDefinition, FactType
from firedoor.core.language.yaml_source import read_yaml
from firedoor.core.playbook.compiler import Parts, compile_playbook
from firedoor.core.playbook.plan import Operation, Plan
from firedoor.core.playbook.playbook import Playbook, read_playbook
from firedoor.core.problems import InvalidInput, Problem
from firedoor.steps.registry import step_types

VOCABULARY = {
    name: FactDefinition(name=name, type=kind)
    for name, kind in (("aware_at", FactType.INSTANT), ("minor", FactType.FLAG), ("people_affected", FactType.COUNT))
}

SOUND = """\
playbook: small
version: 1.0.0
title: A small one
incident: data_leakage_in_ai_models
start:
  - source: generic
    when: alert.severity >= high
    facts: {endpoint: "{{ alert.model }}"}
facts:
  endpoint: {type: target, ask: "Which?"}
  others: {type: list}
roles: [commander, dpo]
phases:
  identification:
    - confirm: "Is it real?"
      sets: {aware_at: now}
  containment:
    - suspend: "{{ facts.endpoint }}"
    - preserve: [request_log]
      of: "{{ facts.endpoint }}"
    - notify_authorities: due
  remediation:
    - task: "Purge it"
      alters: true
  post_incident: []
if_dismissed:
  - tell: dpo
    text: "Over"
drills:
  - drill: plain
    facts: {endpoint: chat}
    answers:
      - {task: identification.confirm, choice: "yes"}
    expect: {order: [close]}
"""


def page(*changes: tuple[str, str]) -> str:
    """The sound page with some of its text replaced; each change must hit exactly one place."""
    text = SOUND
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def steps(text: str) -> str:
    """The sound page with other steps in containment."""
    body = "".join(f"    {line}\n" if line else "\n" for line in dedent(text).strip().splitlines())
    start, end = SOUND.index('    - suspend: "{{'), SOUND.index("  remediation:")
    return SOUND[:start] + body + SOUND[end:]


def read(text: str, file: str = "small.yaml") -> Playbook:
    """Read a page."""
    return read_playbook(read_yaml(text, file), step_types(), VOCABULARY)


def compiled(text: str, parts: Mapping[str, str] | None = None) -> Plan:
    """Compile a page, with parts by name."""

    def find(name: str) -> Playbook:
        if name not in (parts or {}):
            raise LookupError(sorted(parts or {}))
        return read((parts or {})[name], f"parts/{name}.yaml")

    look_up: Parts = find
    return compile_playbook(read(text), step_types(), VOCABULARY, look_up)


def refused(text: str, parts: Mapping[str, str] | None = None) -> tuple[Problem, ...]:
    """The problems of a page that must be refused."""
    with pytest.raises(InvalidInput) as caught:
        compiled(text, parts)
    return caught.value.problems


def operations(plan: Plan) -> dict[str, Operation]:
    """The operations of a plan by id."""
    return {operation.id: operation for operation in plan}


def after(plan: Plan, name: str) -> set[tuple[str, str]]:
    """What an operation waits for."""
    return {(edge.after, edge.on) for edge in operations(plan)[name].after}
