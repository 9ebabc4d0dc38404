"""Commands about playbooks and their targets: check, drill, rehearse, import."""
