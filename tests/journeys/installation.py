"""A Firedoor that runs as a process of its own on a data folder, for journeys over HTTP and the command line."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
from tests.patience import GENEROUS, ended, until
from tests.support.forms import strange_in

from firedoor.testing.fresh import fresh_folder

PROGRAM = (sys.executable, "-m", "firedoor.interfaces.cli.main")
JSON = {"content-type": "application/json"}


class Installation:
    """A data folder, and `firedoor up` on it without Prefect. Files of the folder are written before `up`."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.data = folder / "data"
        fresh_folder(self.data)
        self.log = folder / "up.log"
        theirs = {name: value for name, value in os.environ.items() if not name.startswith("FIREDOOR_")}
        self.environment = {**theirs, "FIREDOOR_DATA_DIR": str(self.data), **environment}
        self.process: subprocess.Popen[bytes] | None = None
        self.tokens: dict[str, Mapping[str, str]] = {}

    def up(self) -> None:
        """Start the server, and wait until it answers."""
        with self.log.open("ab") as log:
            words = [*PROGRAM, "up", "--no-prefect", "--port", "0"]
            self.process = subprocess.Popen(words, env=self.environment, stdout=log, stderr=log)
        self.until(self.answers)

    def down(self) -> None:
        """Stop it."""
        if self.process is not None:
            self.process.terminate()
            ended(self.process)
            if (database := self.data / "firedoor.db").exists():
                found = strange_in(database)
                assert not found, found

    def answers(self) -> bool:
        """Whether it serves."""
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(httpx.HTTPError, OSError, ValueError, KeyError):
            return httpx.get(f"{self.url}/healthz", trust_env=False).status_code == 200
        return False

    @property
    def url(self) -> str:
        """Where it listens, as it wrote it down."""
        return str(json.loads((self.data / "server.json").read_text())["url"])

    def until(self, look: Callable[[], Any]) -> Any:
        """Look until there is something to see."""
        return until(look, self.process, self.log.read_text, self.log)

    @property
    def person(self) -> Mapping[str, str]:
        """Whoever may read the data folder: the person at this machine."""
        return {"authorization": f"Bearer {json.loads((self.data / 'server.json').read_text())['token']}"}

    def sender(self, source: str) -> Mapping[str, str]:
        """The token of a detector, which is bound to its source."""
        if source not in self.tokens:
            answer = self.ask("POST", "tokens", json={"name": f"source:{source}", "roles": ["source"]})
            assert answer.status_code == 201, answer.text
            self.tokens[source] = {"authorization": f"Bearer {answer.json()['token']}"}
        return self.tokens[source]

    def member(self, name: str, *roles: str) -> Mapping[str, str]:
        """Somebody of ours with an account, and a token of it."""
        if name not in self.tokens:
            body = {"name": name, "roles": list(roles)}
            made = [self.ask("POST", path, json=body) for path in ("accounts", "tokens")]
            assert [one.status_code for one in made] == [201, 201], [one.text for one in made]
            self.tokens[name] = {"authorization": f"Bearer {made[1].json()['token']}"}
        return self.tokens[name]

    def ask(self, method: str, address: str, **given: Any) -> httpx.Response:
        """Call the API as a person of ours."""
        where = f"{self.url}/api/v1/{address}"
        return httpx.request(method, where, headers=dict(self.person), trust_env=False, timeout=GENEROUS, **given)

    def post(
        self, source: str, body: bytes, headers: Mapping[str, str] = JSON, *, signed: bool = False, **query: str
    ) -> httpx.Response:
        """Deliver as a detector with a token does; one that signs has none."""
        address = f"{self.url}/api/v1/alerts/{source}"
        known = {} if signed else self.sender(source)
        return httpx.post(
            address, content=body, headers={**known, **headers}, params=query, trust_env=False, timeout=GENEROUS
        )

    def deliver(self, source: str, body: bytes, headers: Mapping[str, str] = JSON, **query: str) -> dict[str, Any]:
        """Deliver one alert, which must be taken, and return what the sender is told of it."""
        answer = self.post(source, body, headers, **query)
        assert answer.status_code == 202, answer.text
        (one,) = answer.json()["alerts"]
        return one

    def call(self, method: str, path: str, **how: Any) -> httpx.Response:
        """Call the API as this machine's user; for looking often, for which a process each time is too dear."""
        headers = {"authorization": f"Bearer {json.loads((self.data / 'server.json').read_text())['token']}"}
        url = f"{self.url}/api/v1{path}"
        answer = httpx.request(method, url, headers=headers, trust_env=False, timeout=GENEROUS, **how)
        assert answer.is_success, answer.text
        return answer

    def command(self, *words: object, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        """Run a command as somebody in a shell would."""
        program = [*PROGRAM, *map(str, words)]
        return subprocess.run(
            program, env=self.environment, input=given, capture_output=True, timeout=GENEROUS, check=False
        )

    def asked(self, *words: object, given: bytes | None = None) -> Any:
        """Run a command that must succeed, and return its JSON."""
        done = self.command(*words, "--format", "json", given=given)
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    def read(self, address: str, **query: str) -> Any:
        """What the API answers."""
        answer = self.ask("GET", address, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def alerts(self, source: str) -> list[dict[str, Any]]:
        """The alerts of a source that are stored."""
        return list(self.read("alerts", source=source)["alerts"])

    def journal(self, incident: str) -> list[dict[str, Any]]:
        """The entries of an incident."""
        return [json.loads(line) for line in self.call("GET", f"/incidents/{incident}/journal").text.splitlines()]

    def facts(self, incident: str) -> dict[str, Any]:
        """What the journal holds as facts now."""
        held: dict[str, Any] = {}
        for entry in self.journal(incident):
            if entry["kind"] == "facts.set":
                held.update(entry["body"]["values"])
        return held
