"""A playbook in which everything that takes a certain person is asked at once."""

from __future__ import annotations

from pathlib import Path

EYES = """
playbook: eyes
version: 1.0.0
title: Four eyes
incident: data_leakage_in_ai_models
facts:
  endpoint: {type: target, ask: "Which endpoint?"}
roles: [commander, dpo, manager]
duties: auto
phases:
  identification:
    - parallel:
        - task: "Look at the logs."
          id: look
          by: commander
        - decide: "Shall the service stay on?"
          id: both
          by: manager
          approvals: 2
          answers:
            stay: {label: "It stays on"}
            stop: {label: "It stops"}
        - notify_authorities: due
          by: dpo
  containment: []
  remediation: []
  post_incident: []
"""


def written(folder: Path) -> Path:
    """The playbook as a file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "eyes.yaml"
    file.write_text(EYES)
    return file
