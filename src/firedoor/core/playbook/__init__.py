"""Playbooks: the page as written, the plan it compiles to, and everything proved about it beforehand."""
