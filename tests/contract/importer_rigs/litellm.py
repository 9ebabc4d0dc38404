"""The rig of the litellm importer: the double of the connector's rig, with a group that comes from the proxy's file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tests.contract.connector_suite import rig_class
from tests.contract.rigs_support.platform_doubles import KEY, KEY_NAME
from tests.parts import free_port


class Rig:
    """Two groups in the database, one of them with two deployments; one of the file is left out."""

    kind: ClassVar[str] = "litellm"
    expected: ClassVar[Mapping[str, str]] = {"chat-large": "litellm", "chat-small": "litellm"}

    def __init__(self) -> None:
        self.environment = {KEY_NAME: KEY}

    def start(self) -> None:
        proxy = rig_class("litellm").Platform
        listed = proxy.calls["GET /v1/model/info"]
        self._proxy = type("Proxy", (proxy,), {"calls": {"GET /model/info": listed}})()
        self._proxy.rows["chat-large"].append({"model": "spare", "info": {"id": "spare-1", "db_model": True}})
        self._proxy.rows["from-the-file"] = [{"model": "x", "info": {"id": "x-1", "db_model": False}}]
        self._before = repr(self._proxy.rows)

    def stop(self) -> None:
        self._proxy.stop()

    def settings(self) -> dict[str, Any]:
        return {"url": self._proxy.url, "admin_key": f"secret://env/{KEY_NAME}"}

    def silent(self) -> dict[str, Any]:
        return {**self.settings(), "url": f"http://127.0.0.1:{free_port()}"}

    def effects(self) -> int:
        return int(repr(self._proxy.rows) != self._before)
