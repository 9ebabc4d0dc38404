"""One bounded call to an AWS service: who signs it, how long it may take, and what its failure means.

Decides that the client never repeats a call by itself, asks no endpoint and no proxy that the environment names, and
that a failure is no effect (Unanswered), perhaps one (InDoubt) or a state that forbids it (Refused). Leaves the meaning
of an answer to the modules beside this one.
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from pydantic import Field

from firedoor.connectors.parts.context import ConnectorContext
from firedoor.connectors.parts.redaction import Redactor
from firedoor.core.ports import Members
from firedoor.core.problems import FiredoorError, InDoubt, InvalidInput, Problem, Refused, Unanswered
from firedoor.core.targets import Part

_REFERENCE = r"^secret://(env|file)/.+$"
_PATIENCE = 10.0  # seconds that a call which was turned away as one too many may be tried again
_ATTEMPTS = 5
_BUSY = ("Throttl", "TooManyRequests", "RequestLimitExceeded", "SlowDown", "BandwidthLimit")
_NOT_LET_IN = (
    "AccessDenied",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "UnrecognizedClient",
)
_MEANWHILE = ("ConcurrentModification", "ConflictException", "OperationAborted", "EntityTemporarilyUnmodifiable")
_NOT_SENT = (
    "EndpointConnectionError",
    "ConnectTimeoutError",
    "ProxyConnectionError",
    "NoCredentialsError",
    "PartialCredentialsError",
    "CredentialRetrievalError",
    "SSLError",
)
_NOT_WELL_FORMED = ("ParamValidationError", "NoRegionError", "InvalidRegionError", "UnknownServiceError")


class Credentials(Part):
    """A key by reference. Without one the process uses what the machine gives it: its role, or its profile."""

    access_key_id: str = Field(pattern=_REFERENCE)
    secret_access_key: str = Field(pattern=_REFERENCE)
    session_token: str | None = Field(default=None, pattern=_REFERENCE)


class Access(Part):
    """Which region of which cloud is asked, as whom, and for how long at most."""

    region: str = Field(pattern=r"^[a-z]{2,4}(-[a-z]+)+-\d$")
    endpoint_url: str | None = Field(default=None, pattern=r"^https?://")
    credentials: Credentials | None = None
    timeout_seconds: float = Field(default=10.0, gt=0, le=60)


def installed() -> bool:
    """Whether the client library is here."""
    return importlib.util.find_spec("boto3") is not None


def need_client() -> None:
    """Raise InvalidInput where the client library is missing."""
    if not installed():
        do = 'install it beside Firedoor: pip install "firedoor[aws]"'
        raise InvalidInput(Problem(code="K108", message="the aws connector needs boto3, which is not here", do=do))


@dataclass(frozen=True)
class Cloud:
    """The services of one region, asked with one set of rights."""

    context: ConnectorContext
    access: Access

    async def look(self, service: str, operation: str, **parameters: object) -> Members:
        """Ask something that changes nothing. Raises Unanswered."""
        answer = await self._call(service, operation, parameters, changes=False)
        assert answer is not None  # noqa: S101 - None comes only for `absent`, which is not given
        return answer

    async def find(
        self,
        service: str,
        operation: str,
        absent: Callable[[str, str], bool],
        **parameters: object,
    ) -> Members | None:
        """Ask for something that may not be there. `absent` reads the code and the message of an error."""
        return await self._call(service, operation, parameters, changes=False, absent=absent)

    async def change(
        self,
        service: str,
        operation: str,
        refused: tuple[str, ...] = (),
        **parameters: object,
    ) -> Members:
        """Change something. Raises Unanswered, InDoubt, or Refused (409, 412, and the error codes in `refused`).

        Returns what a receipt may keep: the status and the service's id of the request.
        """
        answer = await self._call(service, operation, parameters, changes=True, refused=refused)
        said = (answer or {}).get("ResponseMetadata", {})
        return {"status": said.get("HTTPStatusCode"), "request_id": said.get("RequestId")}

    async def raw(self, service: str, operation: str, redactor: Redactor, parameters: Members) -> Members:
        """Ask once and let the client library's own errors through, for a look that reads them itself."""
        client = await asyncio.to_thread(self.client, service, redactor)
        return await _bounded(lambda: getattr(client, operation)(**parameters), self.access.timeout_seconds)

    def client(self, service: str, redactor: Redactor) -> object:
        """Return the client of a service. The key is read now, so that a rotated one works at once."""
        need_client()
        access, key = self.access, self.access.credentials
        named = (key.access_key_id, key.secret_access_key, key.session_token) if key else ()
        resolved = tuple(self.context.secrets.resolve(reference) for reference in named if reference)
        for secret in resolved:
            redactor.learn(secret)
        return _client(service, access.region, access.endpoint_url, access.timeout_seconds, resolved)

    async def _call(
        self,
        service: str,
        operation: str,
        parameters: Mapping[str, object],
        *,
        changes: bool,
        absent: Callable[[str, str], bool] = lambda _code, _message: False,
        refused: tuple[str, ...] = (),
    ) -> Members | None:
        redactor, waited = Redactor(), 0.0
        client = await asyncio.to_thread(self.client, service, redactor)
        for attempt in range(_ATTEMPTS):
            try:
                return await _bounded(lambda: getattr(client, operation)(**parameters), self.access.timeout_seconds)
            except Exception as error:  # noqa: BLE001 - the client's errors have no common base; the others go on
                if absent(*code_of(error)):
                    return None
                pause = pause_of(error, attempt)
                if pause is None or waited + pause > _PATIENCE or attempt == _ATTEMPTS - 1:
                    where = f"{service} {operation} in {self.access.region}"
                    raise meaning(error, where, redactor, changes=changes, refused=refused) from None
            waited += pause
            await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")


async def _bounded(ask: Callable[[], Members], seconds: float) -> Members:
    """Ask in a thread. The client bounds connecting and each read; this bounds an answer that drips."""
    async with asyncio.timeout(2 * seconds + 0.25):
        return await asyncio.to_thread(ask)


@lru_cache(maxsize=64)
def _client(service: str, region: str, endpoint: str | None, seconds: float, key: tuple[str, ...]) -> object:
    """Build a client; kept for as long as the same key signs, because building one costs more than a call."""
    import boto3.session

    session = boto3.session.botocore.session.Session()
    session.register_component("data_loader", _descriptions())
    options = boto3.session.Config(
        connect_timeout=seconds,
        read_timeout=seconds,
        retries={"total_max_attempts": 1, "mode": "standard"},  # max_attempts would count from the second
        proxies={},
        ignore_configured_endpoint_urls=True,
        parameter_validation=True,
        s3={"addressing_style": "path" if endpoint else "auto"},
        user_agent_extra="firedoor",
    )
    names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    built = boto3.session.Session(botocore_session=session, region_name=region, **dict(zip(names, key, strict=False)))
    return built.client(service, endpoint_url=endpoint, config=options)


@cache
def _descriptions() -> object:
    """The services' descriptions, read from disk once in a process."""
    import boto3.session

    return boto3.session.botocore.session.Session().get_component("data_loader")


def code_of(error: Exception) -> tuple[str, str]:
    """Return the code and the message of a service's answer; two empty texts where the error is none."""
    said = getattr(error, "response", None)
    found = said.get("Error", {}) if isinstance(said, dict) else {}
    return str(found.get("Code", "")), str(found.get("Message", ""))


def status_of(error: Exception) -> int | None:
    """Return the HTTP status of a service's answer, where the error is one."""
    said = getattr(error, "response", None)
    return said.get("ResponseMetadata", {}).get("HTTPStatusCode") if isinstance(said, dict) else None


def lets_not_in(error: Exception) -> bool:
    """Whether the service turned the caller away, for whichever reason."""
    return code_of(error)[0].startswith(_NOT_LET_IN)


def pause_of(error: Exception, attempt: int) -> float | None:
    """Return the seconds until a call that was turned away as one too many may be made again; None for others."""
    code, status = code_of(error)[0], status_of(error)
    if status != 429 and not code.startswith(_BUSY):
        return None
    headers = error.response["ResponseMetadata"].get("HTTPHeaders", {})  # type: ignore[attr-defined]  # has a status
    after = str(headers.get("retry-after", ""))
    return float(after) if after.isascii() and after.isdigit() else 0.25 * float(1 << attempt)


def meaning(
    error: Exception, where: str, redactor: Redactor, *, changes: bool, refused: tuple[str, ...] = ()
) -> FiredoorError:
    """Say what a call that gave no answer of use means."""
    if isinstance(error, FiredoorError):
        return error
    code, status = code_of(error)[0], status_of(error)
    told = f"{where}: {redactor.text(str(error)) or type(error).__name__}"
    if status is None:
        return _no_answer(type(error).__name__, told, changes=changes)
    if pause_of(error, 0) is not None:
        return Unanswered(Problem(code="K205", message=told, do="try again later; the call was turned away"))
    if code in refused or code.startswith(_MEANWHILE) or status in (409, 412):
        do = "somebody else has changed it meanwhile: look at it, capture the state again, then decide again"
        return (Refused if changes else Unanswered)(Problem(code="K206", message=told, do=do))
    if lets_not_in(error) or status in (401, 403):
        do = "see whether the key is valid and has the rights that the page about the aws connector lists"
        return Unanswered(Problem(code="K203", message=told, do=do))
    if changes and (status >= 500 or status < 400):
        return InDoubt(Problem(code="K202", message=told, do=_DOUBT))
    return Unanswered(Problem(code="K204", message=told, do="compare the names and the region with what is there"))


_DOUBT = "observe the door before anything is repeated: the call may have had its effect"


def _no_answer(kind: str, told: str, *, changes: bool) -> FiredoorError:
    if kind in _NOT_WELL_FORMED:
        return InvalidInput(Problem(code="K102", message=told, do="correct the door; nothing was sent"))
    if not changes or kind in _NOT_SENT:
        do = "see whether the service is reachable from here and which key is used; nothing was changed by this call"
        return Unanswered(Problem(code="K201", message=told, do=do))
    return InDoubt(Problem(code="K202", message=told, do=_DOUBT))
