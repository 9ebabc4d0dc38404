"""How a command reaches Firedoor: over HTTP, whether or not a server runs.

Decides where the API is: the server that FIREDOOR_API_URL names, else the one of this
machine (`server.json` in the data folder), else the same application in this process,
called through the same client. So there is one path, and one set of rules. Without a
server this process also drives what it has changed, until nothing is ready; Prefect
takes no part then. Leaves the rules to the API and the words to the commands.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import httpx

    from firedoor.core.json_types import JsonObject
    from firedoor.interfaces.shapes.incident import Opened
    from firedoor.runtime.config.settings import Settings
    from firedoor.runtime.process.application import Runtime

T = TypeVar("T")
TIMEOUT = 30.0  # seconds for one call
PATIENCE = 15.0  # seconds in which this process waits for its own retries before it leaves the rest to a server
COMES_UP = 20.0  # seconds in which a server whose process lives may begin to take calls
SOON = 0.2
ROOT = "/api/v1"


class Api:
    """The calls. Every answer that is an error is raised as the problem that it says."""

    def __init__(self, http: httpx.AsyncClient, runtime: Runtime | None = None) -> None:
        self.http = http
        self.runtime = runtime

    async def get(self, path: str, form: type[T], **query: str) -> T:  # noqa: ARG002 - for whoever checks the types
        """Read JSON of this form, which the server keeps; it is one of `interfaces.shapes`."""
        answer: T = (await self.send("GET", path, params=query)).json()
        return answer

    async def post(self, path: str, body: Mapping[str, object], form: type[T], **query: str) -> T:  # noqa: ARG002 - as above
        """Send JSON, read JSON of this form; without a server, drive what follows from it."""
        answer: T = (await self.send("POST", path, json=body, params=query)).json()
        await self.settle()
        return answer

    async def start(self, body: Mapping[str, object]) -> Opened:
        """Open an incident. An answer that is lost is asked for again: the same key opens no second one."""
        import uuid

        from firedoor.core.problems import Unanswered

        key = {"idempotency-key": uuid.uuid4().hex}
        try:
            answer = await self.send("POST", "/incidents", json=body, headers=key)
        except Unanswered:
            answer = await self.send("POST", "/incidents", json=body, headers=key)
        await self.settle()
        opened: Opened = answer.json()
        return opened

    async def send(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, json: object = None,
        content: bytes | None = None, headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:  # fmt: skip
        """Call. Raises what the server's problems say, or Unanswered."""
        import httpx

        from firedoor.core.problems import Problem, Unanswered

        try:
            answer = await self.http.request(
                method, f"{ROOT}{path}", params=params, json=json, content=content, headers=headers
            )
        except httpx.HTTPError as error:
            where = str(self.http.base_url).rstrip("/")
            message = f"{where} does not answer: {type(error).__name__} {error}".rstrip()
            raise Unanswered(Problem(code="U110", message=message, do="see `firedoor doctor`")) from None
        if answer.is_error:
            raise _refusal(answer)
        return answer

    async def settle(self) -> None:
        """Without a server: drive until nothing is ready."""
        if self.runtime is not None:
            from firedoor.interfaces.cli.terminal.alone import settle

            await settle(self.runtime, PATIENCE)


def call(action: Callable[[Api], Awaitable[T]]) -> T:
    """Run a command's calls and return what they return."""

    async def connected() -> T:
        async with connect() as api:
            return await action(api)

    return asyncio.run(connected())


@contextlib.asynccontextmanager
async def connect() -> AsyncIterator[Api]:
    """Find the API and open it."""
    settings = load_settings()
    place = _remote(settings) or _server_here(settings)
    if place is not None:
        async with _over_http(*place) as http:
            yield Api(http)
        return
    from firedoor.interfaces.cli.terminal.alone import application_here

    sys.stderr.write("no server is running, so this command works on its own (`firedoor up` starts one)\n")
    async with application_here(settings) as (http, runtime):
        yield Api(http, runtime)


def load_settings() -> Settings:
    """The settings. Raises InvalidInput when a FIREDOOR_ variable cannot be used."""
    from firedoor.runtime.config.settings import read_settings

    return read_settings()


def server_address() -> str:
    """Where the running server is. Raises Unanswered when there is none."""
    from firedoor.core.problems import Problem, Unanswered

    settings = load_settings()
    place = _remote(settings) or _server_here(settings)
    if place is None:
        raise Unanswered(Problem(code="U112", message="no server is running", do="start one: firedoor up"))
    return place[0]


def server_note(settings: Settings) -> JsonObject | None:
    """What a running server of this data folder wrote down; None when there is none, or it has died."""
    try:
        note = json.loads(settings.server_file.read_text())
        os.kill(int(note["pid"]), 0)
        if _ended(int(note["pid"])):
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return dict(note)


def _ended(pid: int) -> bool:
    """Whether a process is only waited for any more: it has ended, and still has its number."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False  # another system, or it is somebody else's: in doubt it lives
    return stat.rpartition(")")[2].split()[:1] == ["Z"]


def _remote(settings: Settings) -> tuple[str, str] | None:
    return (settings.api_url.rstrip("/"), settings.token) if settings.api_url else None


def _server_here(settings: Settings) -> tuple[str, str] | None:
    note = server_note(settings)
    if note is None or not _comes_up(settings, note):
        return None
    return str(note["url"]), settings.token or str(note["token"])


def _comes_up(settings: Settings, note: JsonObject) -> bool:
    """Whether the server that wrote the note takes calls; waits while its process lives. Raises Unanswered.

    A server that starts or stops under load refuses calls for a while. Two processes that drive one data folder
    would be worse than a command that waits, so as long as it lives nobody else does the work.
    """
    from firedoor.core.problems import Problem, Unanswered

    until = time.monotonic() + COMES_UP
    while not listens(str(note["url"])):
        if server_note(settings) != note:
            return False  # it has ended
        if time.monotonic() > until:
            message = f"the server of this data folder (process {note['pid']}) is running but does not answer"
            do = f"wait, or end it; if that process is something else, remove {settings.server_file}; nothing was done"
            raise Unanswered(Problem(code="U114", message=message, do=do))
        time.sleep(SOON)
    return True


def listens(url: str) -> bool:
    """Whether somebody accepts connections there."""
    import socket
    from urllib.parse import urlsplit

    address = urlsplit(url)
    try:
        with socket.create_connection((address.hostname or "127.0.0.1", address.port or 80), timeout=2):
            return True
    except ConnectionRefusedError:
        return False
    except OSError:
        return True  # it is there and slow: say so, and start no second one beside it


def _over_http(url: str, token: str) -> httpx.AsyncClient:
    import httpx

    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT, trust_env=False)


def _refusal(answer: httpx.Response) -> Exception:
    """The error that an answer stands for, with the server's own words."""
    from firedoor.core import problems

    kinds = {
        400: problems.InvalidInput,
        401: problems.NotPermitted,
        403: problems.NotPermitted,
        404: problems.NotFound,
        409: problems.Refused,
        413: problems.InvalidInput,
        415: problems.InvalidInput,
        422: problems.InvalidInput,
    }
    kind = kinds.get(answer.status_code, problems.Unanswered)
    try:
        found = [problems.Problem.model_validate(problem) for problem in answer.json()["problems"]]
    except (ValueError, KeyError, TypeError):
        found = []
    if not found:
        do = "give FIREDOOR_TOKEN a token that is valid there" if answer.status_code == 401 else "see the server's log"
        found = [problems.Problem(code="U112", message=f"the server answered {answer.status_code}", do=do)]
    return kind(found)
