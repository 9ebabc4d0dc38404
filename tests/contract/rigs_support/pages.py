"""The inventories that pages about connectors show, checked as `firedoor check` would."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import httpx
import yaml

from firedoor.connectors.parts.context import ConnectorContext
from firedoor.connectors.parts.opened import OpenConnectors
from firedoor.core.targets import Inventory
from firedoor.runtime.config.secrets import ReferencedSecrets

HOW_TO = Path(__file__).parents[3] / "docs" / "how-to"


def inventories(page: str) -> list[Inventory]:
    """Read every inventory that a page shows."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", (HOW_TO / page).read_text(), re.MULTILINE | re.DOTALL)
    read = [yaml.safe_load(block) for block in blocks]
    found = [Inventory.model_validate(document) for document in read if "targets" in document]
    assert found, f"{page} shows no inventory"
    return found


def problems_of_page(page: str) -> list[str]:
    """Return the problems, warnings included, of every inventory that a page shows. Calls nothing."""
    problems = []
    for inventory in inventories(page):
        context = ConnectorContext(httpx.AsyncClient(), ReferencedSecrets({}), lambda: datetime.now(UTC), inventory)
        problems += [str(problem) for problem in OpenConnectors(context).check_inventory(inventory)]
    return problems
