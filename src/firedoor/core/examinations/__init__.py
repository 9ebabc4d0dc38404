"""Examinations: pure functions from collected artefacts to a report and facts. One file each.

Decides which there are. Leaves collecting artefacts and keeping reports to `runtime.keeping`.
"""

from __future__ import annotations

from collections.abc import Mapping

from firedoor.core.examinations import audit, consent, hashes, provenance, scores
from firedoor.core.examinations.finding import Examination, Finding

EXAMINATIONS: Mapping[str, Examination] = {
    module.EXAMINATION.name: module.EXAMINATION for module in (audit, consent, hashes, provenance, scores)
}

__all__ = ["EXAMINATIONS", "Examination", "Finding"]
