"""One bounded HTTP call: what may be sent, how long, how much, and what its failure means.

Decides whether a failed call certainly had no effect (Unanswered), may have had one
(InDoubt) or was turned down by the state of the far end (Refused); which calls are
repeated (idempotent ones that were turned away as too many, safe ones whose connection
broke) and for how long. Leaves the meaning of an answer to the connector.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Literal, NoReturn

import httpx
from pydantic import Field

from firedoor.connectors.parts import templates
from firedoor.connectors.parts.context import ConnectorContext
from firedoor.connectors.parts.redaction import Redactor
from firedoor.connectors.parts.templates import Names, Text, Tree, Values
from firedoor.core.json_types import Json
from firedoor.core.problems import FiredoorError, InDoubt, InvalidInput, Problem, Refused, Unanswered
from firedoor.core.targets import Part

MAXIMUM_ANSWER = 4 * 1024 * 1024  # bytes
_SAFE = frozenset({"GET", "HEAD"})
_IDEMPOTENT = _SAFE | {"PUT", "DELETE"}  # RFC 9110 section 9.2.2
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)
ATTEMPTS = 5


class Request(Part):
    """One templated request of a door, as written in the inventory.

    `idempotent` may be set for a POST or PATCH whose server honours the Idempotency-Key
    header; it then is repeated when it was turned away as one call too many.
    """

    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    url: str
    headers: dict[str, str] = Field(default_factory=dict)
    json_body: object = Field(default=None, alias="json")
    body: str | None = None
    expect: tuple[int, ...] = Field(default=(200,), min_length=1)
    timeout_seconds: float = Field(default=10.0, gt=0, le=120)
    retry_within_seconds: float = Field(default=10.0, ge=0, le=60)
    idempotent: bool = False


@dataclass(frozen=True)
class Compiled:
    """A request whose templates are compiled."""

    request: Request
    url: Text
    headers: tuple[tuple[str, Text], ...]
    body: Tree
    references: tuple[str, ...]

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice does what sending it once does."""
        return self.request.idempotent or self.request.method in _IDEMPOTENT


@dataclass(frozen=True)
class Bounds:
    """What a call may cost: the statuses that are an answer, seconds, and whether it may be sent twice."""

    expect: tuple[int, ...] = (200,)
    timeout_seconds: float = 10.0
    retry_within_seconds: float = 10.0
    repeatable: bool = False


@dataclass(frozen=True)
class Ready:
    """A request as it is sent. Holds secrets; it lives for one call only."""

    method: str
    url: str
    headers: dict[str, str]
    content: bytes | None
    redactor: Redactor


@dataclass(frozen=True)
class Answer:
    """What came back, bounded and complete."""

    status: int
    headers: httpx.Headers
    content: bytes
    attempts: int
    redactor: Redactor = field(repr=False)

    def document(self) -> Json:
        """Read the body as JSON. Raises Unanswered when it is none."""
        try:
            document: Json = json.loads(self.content, parse_constant=_refuse_constant)
        except ValueError:
            raise Unanswered(
                Problem(
                    code="K207",
                    message=f'the answer is no JSON: "{self.redactor.excerpt(self.content)}"',
                    do="look whether the URL is the right one; nothing was changed on the strength of this answer",
                )
            ) from None
        return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def compile_request(request: Request, names: Names) -> Compiled:
    """Compile a request. Raises InvalidInput with all of its problems."""
    problems: list[Problem] = []
    parts: list[Text] = []
    sources: list[tuple[str, str]] = [
        ("url", request.url),
        *((f"headers.{name}", text) for name, text in request.headers.items()),
    ]
    for place, source in sources:
        try:
            parts.append(templates.compile_text(source, names, "url" if place == "url" else "header"))
        except InvalidInput as error:
            problems += (problem.model_copy(update={"field": place}) for problem in error.problems)
    body: Tree = None
    try:
        body = templates.compile_tree(request.json_body if request.body is None else request.body, names)
    except InvalidInput as error:
        problems += (problem.model_copy(update={"field": "json"}) for problem in error.problems)
    if not request.url.startswith(("http://", "https://")):
        problems.append(
            Problem(
                code="K102",
                message=f"{request.url!r} is no http(s) URL",
                do="write the scheme and host out",
                field="url",
            )
        )
    if problems:
        raise InvalidInput(problems)
    headers = tuple(zip(request.headers, parts[1:], strict=True))
    references = [reference for text in parts for reference in text.references] + list(templates.references_in(body))
    return Compiled(request, parts[0], headers, body, tuple(dict.fromkeys(references)))


def make_ready(context: ConnectorContext, call: Compiled, values: Values, extra: Mapping[str, str]) -> Ready:
    """Render a request. Raises InvalidInput when a name has no value or a secret cannot be resolved."""
    redactor = Redactor()

    def resolve(reference: str) -> str:
        secret = context.secrets.resolve(reference)
        redactor.learn(secret)
        return secret

    url = call.url.render(values, resolve)
    headers = {name.lower(): text for name, source in call.headers if (text := source.render(values, resolve))}
    content: bytes | None = None
    if call.request.body is not None:
        content = str(templates.render_tree(call.body, values, resolve)).encode()
    elif call.request.json_body is not None:
        content = json.dumps(templates.render_tree(call.body, values, resolve), ensure_ascii=False).encode()
        headers.setdefault("content-type", "application/json")
    return Ready(call.request.method, url, {**extra, **headers}, content, redactor)


async def perform(
    context: ConnectorContext, call: Compiled, values: Values, *, changes: bool, extra: Mapping[str, str] | None = None
) -> Answer:
    """Make the call; return its answer when the status is one that the door expects.

    Raises Unanswered (no effect), InDoubt (perhaps an effect; only when `changes`),
    Refused (409, 412, 423: the far end is in another state) and InvalidInput.
    """
    request = call.request
    bounds = Bounds(request.expect, request.timeout_seconds, request.retry_within_seconds, repeatable=call.repeatable)
    return await exchange(context, make_ready(context, call, values, extra or {}), bounds, changes=changes)


async def exchange(context: ConnectorContext, ready: Ready, bounds: Bounds, *, changes: bool) -> Answer:
    """Send, and send again where that is safe; the errors are those of `perform`."""
    waited = 0.0
    for attempt in range(1, ATTEMPTS + 1):
        answer = await _once(context, ready, bounds, attempt, changes=changes)
        if answer is None:  # the connection of a safe call broke: once more, on a new one
            continue
        if answer.status in bounds.expect:
            return answer
        pause = pause_after(answer, attempt, context.now())
        too_long = waited + pause > bounds.retry_within_seconds
        if not turned_away(answer) or not bounds.repeatable or too_long or attempt == ATTEMPTS:
            raise refusal(answer, ready, changes=changes)
        waited += pause
        await asyncio.sleep(pause)
    raise AssertionError("the last attempt returns or raises")


async def _once(
    context: ConnectorContext, ready: Ready, bounds: Bounds, attempt: int, *, changes: bool
) -> Answer | None:
    try:
        return await send(context, ready, bounds.timeout_seconds, attempt)
    except (httpx.RemoteProtocolError, httpx.ReadError) as error:
        if ready.method in _SAFE and attempt == 1:
            return None
        raise broken(error, ready, changes=changes) from None
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
        raise broken(error, ready, changes=changes) from None


async def send(
    context: ConnectorContext, ready: Ready, seconds: float, attempt: int = 1, limit: int = MAXIMUM_ANSWER
) -> Answer:
    """Send once and read at most `limit` bytes within `seconds`. Raises httpx's errors and TimeoutError."""
    request = context.client.build_request(
        ready.method, ready.url, headers=ready.headers, content=ready.content, timeout=httpx.Timeout(seconds)
    )
    async with asyncio.timeout(seconds + 0.25):  # httpx bounds each read; this bounds a server that drips
        response = await context.client.send(request, stream=True, follow_redirects=False)
        try:
            content = await _read(response, limit)
        finally:
            await response.aclose()
    return Answer(response.status_code, response.headers, content, attempt, ready.redactor)


async def _read(response: httpx.Response, limit: int) -> bytes:
    if response.headers.get("content-encoding", "identity") != "identity":
        raise httpx.DecodingError("the answer is compressed although it was asked for as it is")
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > limit:
            raise httpx.DecodingError(f"the answer is larger than {limit} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def broken(error: Exception, ready: Ready, *, changes: bool) -> FiredoorError:
    """Say what a call that got no whole answer means."""
    what = ready.redactor.text(str(error)) or type(error).__name__
    where = f"{ready.method} {ready.redactor.text(ready.url)}"
    if isinstance(error, httpx.InvalidURL | ValueError):
        return InvalidInput(
            Problem(code="K102", message=f"{where} cannot be sent: {what}", do="look at the door's templates")
        )
    if not changes or isinstance(error, _NOT_SENT):
        do = "see whether the system is up and reachable from here; nothing was changed by this call"
        return Unanswered(Problem(code="K201", message=f"{where} was not answered: {what}", do=do))
    do = "observe the door before anything is repeated: the call may have had its effect"
    return InDoubt(Problem(code="K202", message=f"{where} broke off: {what}", do=do))


def turned_away(answer: Answer) -> bool:
    """Whether the system says that it did nothing and wants to be asked again."""
    return answer.status == 429 or (answer.status == 503 and "retry-after" in answer.headers)


def pause_after(answer: Answer, attempt: int, now: datetime) -> float:
    """Return seconds: Retry-After as a number or a date (RFC 9110 section 10.2.3), else a doubling pause."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (TypeError, ValueError):
        return 0.1 * float(1 << attempt)


def refusal(answer: Answer, ready: Ready, *, changes: bool) -> FiredoorError:
    """Say what an answer means whose status is not expected."""
    where = f"{ready.method} {ready.redactor.text(ready.url)} answered {answer.status}"
    said = answer.redactor.excerpt(answer.content)
    message = f'{where}: "{said}"' if said else where
    match answer.status:
        case 401 | 403:
            return Unanswered(
                _problem(
                    "K203", message, "see whether the key that the door names is valid and has the rights that it needs"
                )
            )
        case 429:
            after = answer.headers.get("retry-after")
            when = f"in {after} s" if after and after.isdigit() else "later"
            return Unanswered(
                _problem("K205", message, f"try again {when}; the call was turned away and changed nothing")
            )
        case 409 | 412 | 423:
            advice = "somebody else has changed it meanwhile: look at it, capture the state again, then decide again"
            return (Refused if changes else Unanswered)(_problem("K206", message, advice))
        case status if changes and (status >= 500 or status < 400):
            return InDoubt(_problem("K202", message, _doubt(status)))
        case status if status in range(300, 400):
            return Unanswered(
                _problem("K208", message, "redirects are not followed: write the final URL into the door")
            )
        case _:
            return Unanswered(
                _problem("K204", message, "the door does not expect this status: compare `expect` and the URL")
            )


def _doubt(status: int) -> str:
    if status in range(300, 400):
        return "redirects are not followed: write the final URL into the door, and observe it before repeating the call"
    return "observe the door before anything is repeated: the call may have had its effect"


def _problem(code: str, message: str, do: str) -> Problem:
    return Problem(code=code, message=message, do=do)
