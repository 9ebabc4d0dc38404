"""Reading one named artefact of a target for the vault, hashing it as it passes.

Decides that bytes are taken as they come, within the bound that the inventory sets, and
that an artefact marked `keep: digest` is hashed and never held. Leaves storing, sealing
and custody to the vault.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from firedoor.connectors.parts import calls
from firedoor.connectors.parts.context import ConnectorContext
from firedoor.connectors.parts.redaction import Redactor
from firedoor.connectors.parts.templates import SECRET
from firedoor.core.ports import Collected
from firedoor.core.problems import InvalidInput, NotFound, Problem, Unanswered, nearest
from firedoor.core.targets import Artefact, Target

_CHUNK = 1024 * 1024  # bytes
_SECONDS = 60.0  # between two chunks; the size is bounded, so the whole is
_PATIENCE = 10.0  # seconds for a system that turns us away as one call too many, as for every other look


class _TurnedAway(Exception):
    """The system did nothing and says so."""

    def __init__(self, answer: calls.Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


@dataclass
class _Intake:
    """Takes bytes in: always hashed and counted, held only where asked."""

    hold: bool
    limit: int
    size: int = 0
    hasher: hashlib._Hash = field(default_factory=hashlib.sha256)
    chunks: list[bytes] = field(default_factory=list)

    def take(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.size > self.limit:
            do = "raise max_bytes in the inventory, or say keep: digest"
            raise Unanswered(Problem(code="K402", message=f"the artefact is larger than {self.limit} bytes", do=do))
        self.hasher.update(chunk)
        if self.hold:
            self.chunks.append(chunk)


async def collect(context: ConnectorContext, target: Target, name: str) -> Collected:
    """Read one artefact. Raises NotFound for an unknown name and Unanswered when it cannot be read whole."""
    artefact = target.evidence.get(name)
    if artefact is None:
        message = f'{target.id} has no artefact called "{name}"'
        raise NotFound(Problem(code="K401", message=message, do=nearest(name, target.evidence)))
    intake = _Intake(hold=artefact.keep == "content", limit=artefact.max_bytes)
    taken_at = context.now()
    if artefact.url is not None and artefact.file is None:
        media_type, source = await _from_url(context, artefact, artefact.url, intake)
    elif artefact.file is not None and artefact.url is None:
        media_type, source = artefact.media_type, f"file:{artefact.file}"
        await _from_file(Path(artefact.file), intake)
    else:
        message = f"the artefact {name} of {target.id} needs a url or a file, and not both"
        raise InvalidInput(Problem(code="K401", message=message, do="write one of them into the inventory"))
    return Collected(
        name=name,
        media_type=media_type,
        content=b"".join(intake.chunks) if intake.hold else None,
        digest=intake.hasher.hexdigest(),
        size=intake.size,
        source=source,
        taken_at=taken_at,
    )


async def _from_url(context: ConnectorContext, artefact: Artefact, url: str, intake: _Intake) -> tuple[str, str]:
    redactor = Redactor()

    def put(reference: str) -> str:
        redactor.learn(secret := context.secrets.resolve(reference))
        return secret

    headers = {key: SECRET.sub(lambda found: put(found.group()), value) for key, value in artefact.headers.items()}
    ready = calls.Ready("GET", url, headers, None, redactor)
    waited = 0.0
    for attempt in range(1, calls.ATTEMPTS + 1):
        try:
            return await _stream(context, artefact, ready, intake)
        except _TurnedAway as busy:
            pause = calls.pause_after(busy.answer, attempt, context.now())
            waited += pause
            if waited > _PATIENCE or attempt == calls.ATTEMPTS:
                raise calls.refusal(busy.answer, ready, changes=False) from None
            await asyncio.sleep(pause)
        except (httpx.RemoteProtocolError, httpx.ReadError) as error:
            if attempt > 1 or intake.size:  # what is half read is not read twice: it may be a model's weights
                raise calls.broken(error, ready, changes=False) from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise calls.broken(error, ready, changes=False) from None
    raise AssertionError("the last attempt returns or raises")


async def _stream(
    context: ConnectorContext, artefact: Artefact, ready: calls.Ready, intake: _Intake
) -> tuple[str, str]:
    request = context.client.build_request(
        ready.method, ready.url, headers=ready.headers, timeout=httpx.Timeout(_SECONDS)
    )
    response = await context.client.send(request, stream=True, follow_redirects=False)
    try:
        _answered(response, ready)
        async for chunk in response.aiter_raw():
            intake.take(chunk)
    finally:
        await response.aclose()
    encoding = response.headers.get("content-encoding", "identity")
    said = response.headers.get("content-type", artefact.media_type)
    media_type = artefact.media_type if "media_type" in artefact.model_fields_set else said.split(";")[0].strip()
    return media_type, ready.url if encoding == "identity" else f"{ready.url} (content-encoding: {encoding})"


def _answered(response: httpx.Response, ready: calls.Ready) -> None:
    """Raise _TurnedAway when it wants to be asked again, and Unanswered when it is no artefact."""
    answer = calls.Answer(response.status_code, response.headers, b"", 1, ready.redactor)
    if calls.turned_away(answer):
        raise _TurnedAway(answer)
    if response.status_code != 200:
        do = "see whether the URL is right and the key may read it"
        message = f"GET {ready.url} answered {response.status_code}: nothing was collected"
        raise Unanswered(Problem(code="K204", message=message, do=do))


async def _from_file(path: Path, intake: _Intake) -> None:
    try:
        async with aclosing(_chunks(path)) as chunks:
            async for chunk in chunks:
                intake.take(chunk)
    except OSError as error:
        do = "see whether the file is there and may be read by this process"
        raise Unanswered(Problem(code="K403", message=f"{path} cannot be read: {error.strerror}", do=do)) from None


async def _chunks(path: Path) -> AsyncGenerator[bytes, None]:
    """Yield a regular file in pieces, off the event loop. Never waits on a pipe or a device."""
    descriptor = await asyncio.to_thread(os.open, path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "it is not a regular file")
        while chunk := await asyncio.to_thread(os.read, descriptor, _CHUNK):
            yield chunk
    finally:
        os.close(descriptor)
