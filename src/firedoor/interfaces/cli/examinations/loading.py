"""Loads a kind of examination when its command runs: what reads evidence is heavy, and help must stay quick.

Decides where a kind is found: `runtime/examinations/KIND/ask.py`, whose `ask` answers.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

RUNTIME = "firedoor.runtime.examinations"


def loaded(kind: str) -> ModuleType:
    """The module that answers for a kind."""
    return import_module(f"{RUNTIME}.{kind}.ask")
