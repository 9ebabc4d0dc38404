"""The gate before a training: a run without a reconciled manifest does not start.

Decides when it opens: every person of the manifest has a basis, nothing is open, every file was read. What passed is
the manifest of those digests and no other. Leaves reconciling to `reconcile`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from firedoor.core.json_types import JsonObject, array_at, as_objects, object_at, text_at
from firedoor.core.problems import Problem, Refused
from firedoor.runtime.examinations.consent.reconcile import Wanted, reconcile


@dataclass(frozen=True, slots=True)
class Passed:
    """A manifest that may be trained on: the answer, and the SHA-256 of each file of it."""

    answer: JsonObject
    digests: frozenset[str]

    def require(self, files: Iterable[str | Path]) -> None:
        """Refuse files that were not reconciled, or have changed since. Raises Refused naming them."""
        changed = [str(file) for file in files if _digest(Path(file)) not in self.digests]
        if changed:
            message = f"not the manifest that was reconciled: {', '.join(changed[:10])}"
            raise Refused(Problem(code="X313", message=message, do="reconcile it again before training on it"))


def gate(wanted: Wanted) -> Passed:
    """Reconcile, and return only when the training may start. Raises Refused with the reason."""
    answer = reconcile(wanted)
    if why := refusal(answer):
        do = "take those people's records out, or answer what is asked; `firedoor examine consent` counts them"
        raise Refused(Problem(code="X312", message=f"the training must not start: {why}", do=do))
    inputs = as_objects(object_at(answer, "inputs").get("manifest"))
    return Passed(answer, frozenset(text_at(one, "sha256") for one in inputs))


def refusal(answer: JsonObject) -> str:
    """Why a training must not start; empty when it may."""
    if questions := array_at(answer, "questions"):
        return f"{len(questions)} questions are open"
    if answer["without_basis"] != 0:
        return f"{answer['without_basis']} people have no basis"
    most = array_at(answer, "unknown_subjects")[1]
    return "" if most == 0 else f"records that name nobody stand for up to {most} people"


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
