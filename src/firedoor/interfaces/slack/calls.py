"""Calls to Slack's Web API, through its own client, in threads beside the event loop.

Decides which of its errors are worth another attempt, and which leave it open whether the call was carried out. The
client repeats nothing by itself. Leaves what is called, and when, to the messenger and the desk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from firedoor.core.json_types import JsonObject
from firedoor.core.problems import FiredoorError, InDoubt, InvalidInput, Later, Problem, Refused, Unanswered
from firedoor.interfaces.slack.blocks import Block

TIMEOUT = 10  # seconds
LONGEST_WAIT = 600.0  # seconds
RATE_LIMITED = frozenset(("ratelimited", "rate_limited"))
SILENT = frozenset(("internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"))
NOT_SET_UP = frozenset((
    "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope",
    "no_permission", "org_login_required", "ekm_access_denied", "not_allowed_token_type",
))  # fmt: skip
AS_JSON = frozenset(("chat.postMessage", "chat.update", "chat.postEphemeral", "views.open"))  # others take forms
HOOKS = "https://hooks.slack.com/"


class SlackRefused(Refused):
    """Slack understood the call and will not do it. `error` is its own word for why."""

    def __init__(self, method: str, error: str) -> None:
        message = f"Slack refused {method}: {error[:60]}"
        super().__init__(Problem(code="H112", message=message, do="see docs/how-to/send-messages.md"))
        self.error = error


class Calls:
    """The Web API of one workspace. `token` is asked for at each call, so that a rotated one works at once."""

    def __init__(self, token: Callable[[], str], base: str) -> None:
        try:
            from slack_sdk import WebClient
        except ImportError:
            do = "pip install 'firedoor[slack]'"
            raise InvalidInput(
                Problem(code="H110", message="Slack is set up, and its client is not installed", do=do)
            ) from None
        self._client = WebClient
        self._token, self._base = token, base

    async def call(self, method: str, **arguments: object) -> JsonObject:
        """Call a method. Raises Unanswered, Later, InDoubt or SlackRefused."""
        return await asyncio.to_thread(self._call, method, arguments)

    async def respond(self, address: str, blocks: Sequence[Block], text: str) -> None:
        """Say something to one person at the address that came with their request. Raises as `call` does."""
        if not address.startswith(HOOKS) and not self._is_test_host(address):
            raise SlackRefused("response_url", "not an address of Slack's")
        await asyncio.to_thread(self._respond, address, blocks, text)

    def _is_test_host(self, address: str) -> bool:
        """Whether it is the host that FIREDOOR_SLACK_API_URL names in place of Slack's."""
        parts, own = urlsplit(address), urlsplit(self._base)
        same = (parts.scheme, parts.netloc) == (own.scheme, own.netloc)
        return same and not f".{own.hostname}".endswith(".slack.com")

    def _call(self, method: str, arguments: dict[str, object]) -> JsonObject:
        from slack_sdk.errors import SlackApiError, SlackClientError

        client = self._client(self._token(), base_url=self._base, timeout=TIMEOUT, retry_handlers=[])
        try:
            given = {name: value for name, value in arguments.items() if value not in (None, "")}
            in_json = method in AS_JSON
            answer = client.api_call(method, json=given if in_json else None, params=None if in_json else given)
        except SlackApiError as error:
            raise _problem_of(method, error.response) from None
        except (OSError, SlackClientError) as error:
            raise _silent(method, error) from None
        return dict(answer.data) if isinstance(answer.data, dict) else {}

    def _respond(self, address: str, blocks: Sequence[Block], text: str) -> None:
        from slack_sdk.webhook import WebhookClient

        client = WebhookClient(address, timeout=TIMEOUT, retry_handlers=[])
        try:
            answer = client.send(text=text, blocks=blocks, response_type="ephemeral", replace_original=False)
        except OSError as error:
            raise _silent("response_url", error) from None
        if answer.status_code != 200:
            raise SlackRefused("response_url", str(answer.status_code))


def _problem_of(method: str, response: object) -> FiredoorError:
    status = int(getattr(response, "status_code", 0) or 0)
    said = getattr(response, "get", None)  # its own class, or in places a mapping
    word = str(said("error", "")) if callable(said) else ""
    problem = Problem(code="H111", message=f"Slack answered {word or status} to {method}", do="it is tried again")
    if status == 429 or word in RATE_LIMITED:
        headers = {str(name).lower(): value for name, value in dict(getattr(response, "headers", {}) or {}).items()}
        return Later(problem, min(_seconds(headers.get("retry-after", "1")), LONGEST_WAIT))
    if word in NOT_SET_UP:
        return Unanswered(problem)
    if status >= 500 or word in SILENT or not word:
        return InDoubt(problem)
    return SlackRefused(method, word)


def _seconds(written: object) -> float:  # a header's value, perhaps listed
    value = written[0] if isinstance(written, list) and written else written
    text = str(value)
    return float(text) if text.isdecimal() else 1.0


def _silent(method: str, error: Exception) -> FiredoorError:
    """Nobody was there, or it broke off: then nobody knows what was done."""
    reason = getattr(error, "reason", error)
    message = f"Slack did not answer {method}: {type(reason).__name__}"
    problem = Problem(code="H111", message=message, do="it is tried again")
    import socket

    return (Unanswered if isinstance(reason, (ConnectionRefusedError, socket.gaierror)) else InDoubt)(problem)
