"""Puts Slack into a process, where its bot token is set: the messenger for the outbox, the desk for requests."""

from __future__ import annotations

from firedoor.interfaces.slack.calls import Calls
from firedoor.interfaces.slack.desk import Desk
from firedoor.interfaces.slack.messenger import SlackMessenger
from firedoor.runtime.config.secrets import ReferencedSecrets
from firedoor.runtime.process.application import Runtime


def connect(runtime: Runtime) -> Desk | None:
    """Hand the messenger to the outbox. Returns the desk; None where Slack is not set up. Raises InvalidInput."""
    settings = runtime.settings
    if not settings.slack_bot_token:
        return None
    secrets = ReferencedSecrets()
    calls = Calls(lambda: secrets.resolve(settings.slack_bot_token), settings.slack_api_url)
    messenger = SlackMessenger(calls, runtime.world.store, runtime.outbox.notice)
    runtime.outbox.messengers[messenger.name] = messenger
    return Desk(runtime, messenger)
