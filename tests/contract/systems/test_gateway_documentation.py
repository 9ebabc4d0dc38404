"""The page about gateways is true: each gateway loads what it shows, and every door on it passes its check."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.conftest import require
from tests.contract.rigs.envoy import CONFIGURATION
from tests.parts import free_port, python_part

from firedoor.connectors.envoy import EnvoyDoor
from firedoor.connectors.haproxy import HaproxyDoor
from firedoor.connectors.nginx import NginxDoor
from firedoor.connectors.parts.context import ConnectorContext, open_client
from firedoor.connectors.parts.opened import OpenConnectors
from firedoor.core.targets import Inventory
from firedoor.runtime.config.secrets import ReferencedSecrets

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "connect-with-gateways.md"


def blocks(language: str) -> list[str]:
    """Return the fenced blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def inventories() -> list[Inventory]:
    """Return the inventories of the page: nginx, HAProxy, Envoy."""
    documents = [yaml.safe_load(block) for block in blocks("yaml")]
    return [Inventory.model_validate(each) for each in documents if "targets" in each]


@pytest.mark.parametrize("number", range(3))
async def test_every_door_on_the_page_passes_its_check(number: int) -> None:
    """Three inventories, without a problem or a warning."""
    inventory = inventories()[number]
    async with open_client() as client:
        context = ConnectorContext(client, ReferencedSecrets({}), lambda: datetime.now(UTC), inventory)
        connectors = OpenConnectors(context)
        assert connectors.check_inventory(inventory) == ()
        for target in inventory.targets.values():
            for door in target.doors:
                assert (await connectors[door.connector].plan(target, door)).permissions


def test_nginx_takes_the_configuration_of_the_page(tmp_path: Path) -> None:
    """`nginx -t` says so, with a file of ours in the folder."""
    require("nginx")
    (tmp_path / "firedoor.d").mkdir()
    (tmp_path / "firedoor.d" / "ours.conf").write_text('"/v1/chat-large" 1;\n')
    shown = blocks("nginx")[0].replace("/etc/nginx", str(tmp_path)).replace(":8080", f":{free_port()}")
    paths = "".join(
        f"{way}_temp_path {tmp_path}/{way};" for way in ("proxy", "fastcgi", "uwsgi", "scgi", "client_body")
    )
    (tmp_path / "n.conf").write_text(f"pid {tmp_path}/pid; events {{}} http {{ access_log off; {paths} {shown} }}")
    command = ["nginx", "-t", "-e", str(tmp_path / "log"), "-p", str(tmp_path), "-c", str(tmp_path / "n.conf")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_haproxy_takes_the_configuration_of_the_page(tmp_path: Path) -> None:
    """`haproxy -c` says so."""
    require("haproxy")
    (tmp_path / "closed.map").touch()
    (tmp_path / "h.cfg").write_text(blocks("haproxy")[0].replace("/etc/haproxy", str(tmp_path)))
    done = subprocess.run(["haproxy", "-c", "-f", tmp_path / "h.cfg"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_envoy_takes_the_configuration_of_the_page(tmp_path: Path) -> None:
    """Routes and layers of the page, in the configuration of the rig, are valid to Envoy."""
    shown = next(each for each in map(yaml.safe_load, blocks("yaml")) if "routes" in each)
    routes = ",".join(json.dumps(route) for route in shown["routes"])
    whole: dict[str, Any] = yaml.safe_load(CONFIGURATION.format(admin=free_port(), port=free_port(), routes=routes))
    (tmp_path / "e.json").write_text(json.dumps({**whole, "layered_runtime": shown["layered_runtime"]}))
    command = [str(python_part("envoy") / "envoy"), "--mode", "validate", "-l", "error", "-c", str(tmp_path / "e.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("form", [NginxDoor, HaproxyDoor, EnvoyDoor])
def test_every_key_of_a_door_is_on_the_page(form: Any) -> None:
    """Nobody has to read the code to find a key."""
    text = PAGE.read_text()
    assert not [name for name in form.model_fields if f"{name}:" not in text and f"`{name}`" not in text]


def test_the_numbers_on_the_page_are_those_of_the_code() -> None:
    """Defaults are not written twice differently."""
    text = PAGE.read_text()
    for name in ("settle_seconds", "timeout_seconds"):
        assert f"`{name}` ({NginxDoor.model_fields[name].default:.0f})" in text
    assert f"`mark_key` (`{EnvoyDoor(admins=('http://127.0.0.1:1',), key='key').marked_at[:-3]}<key>`)" in text
