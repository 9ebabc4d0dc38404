"""MLServer as a process of its own, with echo models of ours."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import httpx
from tests.parts import free_port, python_part
from tests.patience import stop, until

MODELS = ("chat-large", "chat-small")
CANARY = "chat-large-canary"  # the same model under another name


class MlServer:
    """One replica of the model server. Starts with `start`; `ready` waits for it."""

    def start(self) -> None:
        programs = python_part("mlserver")
        self._folder = tempfile.TemporaryDirectory(prefix="firedoor-mlserver-")
        self.folder = Path(self._folder.name)
        ports = {name: free_port() for name in ("http_port", "grpc_port", "metrics_port")}
        self.url = f"http://127.0.0.1:{ports['http_port']}"
        settings = {"host": "127.0.0.1", "parallel_workers": 0, "debug": False, "metrics_endpoint": None, **ports}
        (self.folder / "settings.json").write_text(json.dumps(settings))
        shutil.copy(Path(__file__).with_name("echo_model.py"), self.folder)
        for name in (*MODELS, CANARY):
            (self.folder / name).mkdir()
            self.write(name, "1")
        self._process = subprocess.Popen(
            [programs / "mlserver", "start", str(self.folder)],
            env={**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._client = httpx.Client(base_url=self.url, trust_env=False, timeout=10)

    def ready(self) -> None:
        """Wait until the models answer."""
        until(lambda: all(self.serves(name) for name in MODELS), self._process, "MLServer")

    def stop(self) -> None:
        if hasattr(self, "_process"):
            self._client.close()
            stop(self._process)
            self._folder.cleanup()

    def write(self, name: str, version: str) -> None:
        """Put a model into the repository, as a deployment would."""
        settings = {"name": name, "implementation": "echo_model.EchoModel", "parameters": {"version": version}}
        (self.folder / name / "model-settings.json").write_text(json.dumps(settings))

    def serves(self, name: str) -> bool:
        try:
            return self._client.get(f"/v2/models/{name}/ready").status_code == 200
        except httpx.HTTPError:
            return False

    def load(self, name: str) -> None:
        self._client.post(f"/v2/repository/models/{name}/load", json={}).raise_for_status()

    def unload(self, name: str) -> int:
        return self._client.post(f"/v2/repository/models/{name}/unload", json={}).status_code

    def probe(self, name: str, timeout_seconds: float) -> dict[str, Any]:
        """The request of a caller."""
        asked = {"name": "text", "shape": [1], "datatype": "BYTES", "data": ["a fire door"]}
        return {
            "method": "POST",
            "url": f"{self.url}/v2/models/{name}/infer",
            "json": {"inputs": [asked]},
            "timeout_seconds": timeout_seconds,
        }
