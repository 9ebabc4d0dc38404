"""Small playbooks for the tests of the runtime."""

from __future__ import annotations

HEAD = """
playbook: small
version: 1.0.0
title: A small playbook
incident: data_leakage_in_ai_models
facts:
  endpoint: {type: target, ask: "Which endpoint?"}
  other: {type: target, ask: "Which other endpoint?"}
roles: [commander, dpo, manager]
"""
SUSPEND = """
duties: []
phases:
  identification: []
  containment:
    - suspend: "{{ facts.endpoint }}"
      id: close
      automatic: always
  remediation:
    - resume: "{{ facts.endpoint }}"
      id: open
      approvals: 1
      by: manager
  post_incident: []
"""
TWO = """
duties: []
phases:
  identification:
    - task: "look"
      id: look
    - task: "write"
      id: write
  containment:
    - parallel:
        - suspend: "{{ facts.endpoint }}"
          id: close
          automatic: always
        - suspend: "{{ facts.other }}"
          id: close-other
          automatic: always
  remediation: []
  post_incident: []
"""
LAWFUL = """
duties: auto
phases:
  identification:
    - task: "look"
      id: look
      within: 4h
      by: commander
      escalate_to: manager
  containment: []
  remediation: []
  post_incident: []
"""
CLOSE = "containment.close.reflex"
CLOSE_OTHER = "containment.close-other.reflex"
OPEN = "remediation.open"
