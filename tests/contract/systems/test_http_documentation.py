"""The page about the http connector is true: its inventory works on the server that it tells the reader to start."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.contract.connector_suite import rig_class

from firedoor.connectors.parts.context import ConnectorContext, open_client
from firedoor.connectors.parts.http_door import HttpDoor
from firedoor.connectors.parts.opened import OpenConnectors
from firedoor.core.targets import HttpProbe, Inventory
from firedoor.core.ternary import NO, YES
from firedoor.runtime.config.secrets import ReferencedSecrets

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "connect-with-http.md"


@pytest.fixture(scope="module", name="rig")
def _rig() -> Iterator[Any]:
    rig = rig_class("http")()
    rig.start()
    yield rig
    rig.stop()


def shown_inventory(url: str) -> Inventory:
    """Read the inventory off the page, with the address of a running server."""
    block = re.search(r"^```yaml\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert block is not None
    return Inventory.model_validate(yaml.safe_load(block[1].replace("http://127.0.0.1:8700", url)))


async def test_the_inventory_on_the_page_closes_proves_and_opens(rig: Any) -> None:
    """What a reader copies has no problem, closes the model, proves it, keeps evidence and opens it again."""
    inventory = shown_inventory(rig.url)
    async with open_client() as client:
        secrets = ReferencedSecrets(rig.environment)
        connectors = OpenConnectors(ConnectorContext(client, secrets, lambda: datetime.now(UTC), inventory))
        assert connectors.check_inventory(inventory) == ()
        http, target = connectors["http"], inventory.targets["chat-large"]
        door = target.doors[0]
        snapshot = await http.capture_state(target, door)
        assert (await http.verify(target, door, "refused")).holds is NO
        receipt = await http.suspend(target, door, snapshot, "inc-1.suspend")
        assert (await http.verify(target, door, "refused")).holds is YES
        assert (await http.collect(target, "weights")).content is None
        assert (await http.resume(target, door, snapshot, "inc-1.resume", receipt)).changed
        assert (await http.verify(target, door, "serving")).holds is YES


def test_the_numbers_on_the_page_are_those_of_the_code() -> None:
    """Defaults, bounds and statuses are not written twice differently."""
    text, request = PAGE.read_text(), HttpDoor.model_fields["suspend"].annotation
    defaults = {name: field.default for name, field in request.model_fields.items()}
    assert f"`timeout_seconds` ({defaults['timeout_seconds']:.0f})" in text
    assert f"`retry_within_seconds` ({defaults['retry_within_seconds']:.0f})" in text
    refused = HttpProbe(url="http://x").refused
    assert f"({', '.join(map(str, refused[:-1]))} or {refused[-1]} unless" in text


def test_every_key_of_a_door_is_on_the_page() -> None:
    """Nobody has to read the code to find a key."""
    text = PAGE.read_text()
    assert not [name for name in HttpDoor.model_fields if f"{name}:" not in text and f"`{name}`" not in text]
