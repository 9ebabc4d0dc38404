"""The rig of the envoy connector: two real Envoys with one route table, the first behind a proxy that can fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlencode

import httpx
from tests.contract.connector_suite import TIMEOUT
from tests.contract.rigs_support.faulty_proxy import Asked, FaultyHttpProxy
from tests.contract.rigs_support.gateways import Gateway, in_the_dark, two_models, with_door
from tests.parts import free_port, python_part

from firedoor.core.targets import Door, Inventory, Target

LARGE_KEY, SMALL_KEY = "firedoor.closed.chat-large", "firedoor.closed.chat-small"
CONFIGURATION = """
admin:
  address: {{socket_address: {{address: 127.0.0.1, port_value: {admin}}}}}
layered_runtime:
  layers:
    - {{name: base, static_layer: {{}}}}
    - {{name: admin, admin_layer: {{}}}}
static_resources:
  listeners:
    - name: gateway
      address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.\
HttpConnectionManager
                stat_prefix: gateway
                route_config:
                  virtual_hosts:
                    - name: models
                      domains: ["*"]
                      routes: [{routes}]
                http_filters:
                  - name: envoy.filters.http.router
                    typed_config: {{"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
"""
ROUTES = """
{{match: {{prefix: /v1/{name}, runtime_fraction: {{default_value: {{numerator: 0}}, \
runtime_key: firedoor.closed.{name}}}}}, direct_response: {{status: 503}}}},
{{match: {{prefix: /v1/{name}}}, direct_response: {{status: 200}}}}"""


class Envoy(Gateway):
    """One Envoy that answers for two models itself."""

    def start(self) -> None:
        self.admin_port = free_port()
        self.admin = f"http://127.0.0.1:{self.admin_port}"
        routes = ",".join(ROUTES.format(name=name) for name in ("chat-large", "chat-small"))
        file = self.folder / "envoy.yaml"
        file.write_text(CONFIGURATION.format(admin=self.admin_port, port=self.port, routes=routes))
        program = str(python_part("envoy") / "envoy")
        quiet = ["--concurrency", "1", "--log-level", "error", "--use-dynamic-base-id"]
        self.run([program, "-c", str(file), *quiet], "Envoy")

    def set(self, **values: str) -> None:
        """Change runtime keys as somebody else would."""
        named = {name.replace("__", ".").replace("_", "-"): value for name, value in values.items()}
        httpx.post(f"{self.admin}/runtime_modify?{urlencode(named)}", trust_env=False).raise_for_status()

    def entries(self) -> dict[str, Any]:
        """Return the runtime."""
        return dict(httpx.get(f"{self.admin}/runtime", trust_env=False).json()["entries"])


class Rig:
    """Two Envoys. What callers see is the first one's; the second has to agree all the same."""

    kind: ClassVar[str] = "envoy"
    cannot: ClassVar[Mapping[str, str]] = {"wrong key": "the admin API of Envoy knows no keys: whoever reaches it may"}

    def __init__(self) -> None:
        self.environment: dict[str, str] = {}
        self.inventory = Inventory()

    @property
    def target(self) -> Target:
        return self.inventory.targets["chat-large"]

    @property
    def door(self) -> Door:
        return self.target.doors[0]

    def start(self) -> None:
        self.first, self.second = Envoy(), Envoy()
        self.first.start()
        self.second.start()
        rewrite = {"half": elsewhere, "overblock": neighbour_too}
        self.proxy = FaultyHttpProxy(self.first.admin, rewrite=rewrite)
        self.reset()

    def stop(self) -> None:
        self.proxy.stop()
        self.first.stop()
        self.second.stop()

    def reset(self) -> None:
        def config(key: str) -> dict[str, Any]:
            return {"admins": (self.proxy.url, self.second.admin), "key": key, "timeout_seconds": TIMEOUT}

        self.inventory = two_models(self.first.port, "envoy", config(LARGE_KEY), config(SMALL_KEY))
        self.proxy.reset()
        for envoy in (self.first, self.second):
            if names := list(envoy.entries()):
                query = urlencode(dict.fromkeys(names, ""))
                httpx.post(f"{envoy.admin}/runtime_modify?{query}", trust_env=False).raise_for_status()

    def effects(self) -> int:
        return self.proxy.effects

    def break_with(self, fault: str) -> None:
        if fault == "down":
            self.inventory = with_door(self.inventory, admins=(f"http://127.0.0.1:{free_port()}", self.second.admin))
        elif fault == "dark":
            self.inventory = in_the_dark(self.inventory)
        else:
            self.proxy.plan(fault)

    def change_behind_our_back(self) -> None:
        self.second.set(firedoor__closed__chat_large="50")

    def close_behind_our_back(self) -> None:
        for envoy in (self.first, self.second):
            envoy.set(firedoor__closed__chat_large="100")


def elsewhere(asked: Asked) -> list[Asked]:
    """The same change at a key that no route uses."""
    return [asked.but(path=asked.path.replace(LARGE_KEY, "firedoor.closed.nothing", 1))]


def neighbour_too(asked: Asked) -> list[Asked]:
    """The same change, and the neighbour's key as well."""
    return [asked, asked.but(path=f"/runtime_modify?{SMALL_KEY}=100")]
