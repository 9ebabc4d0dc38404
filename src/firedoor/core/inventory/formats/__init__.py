"""Readers of what other systems write about data and models: one format a file, pure functions from bytes to entries.

Decides which there are. Leaves finding files to `runtime.inventory` and what becomes of the entries to `merge`.
"""

from __future__ import annotations

from collections.abc import Mapping

from firedoor.core.inventory.formats import croissant, cyclonedx, huggingface, mlflow, openlineage
from firedoor.core.inventory.formats.reading import Format

FORMATS: Mapping[str, Format] = {
    module.FORMAT.kind: module.FORMAT for module in (croissant, cyclonedx, huggingface, mlflow, openlineage)
}
