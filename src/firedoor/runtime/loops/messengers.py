"""The messengers of one process, as far as they need nothing but settings: e-mail and signed JSON.

Decides when each is there: when its address is set. Slack comes from its interface, which hands it to the outbox.
"""

from __future__ import annotations

from firedoor.core.ports import Messenger
from firedoor.core.problems import InvalidInput, Problem
from firedoor.runtime.config.container import utc_now
from firedoor.runtime.config.secrets import ReferencedSecrets
from firedoor.runtime.config.settings import Settings


def messengers(settings: Settings) -> dict[str, Messenger]:
    """By name. Raises InvalidInput when one is set up by half."""
    found: dict[str, Messenger] = {}
    secrets = ReferencedSecrets()
    if settings.smtp_host:
        from firedoor.connectors.messengers.email import Email, Server

        _need(settings.smtp_from, "FIREDOOR_SMTP_FROM", "the address that letters come from")
        if settings.smtp_user:
            _need(settings.smtp_password, "FIREDOOR_SMTP_PASSWORD", "a reference to the secret of the login")
        server = Server(
            settings.smtp_host, settings.smtp_port, settings.smtp_from, settings.smtp_security, settings.smtp_user,
            lambda: secrets.resolve(settings.smtp_password), settings.certificates, settings.smtp_login,
            settings.smtp_reply_to,
        )  # fmt: skip
        found["email"] = Email(server)
    if settings.webhook_url:
        from firedoor.connectors.messengers.webhook import Webhook
        from firedoor.connectors.parts.context import open_client

        _need(settings.webhook_secret, "FIREDOOR_WEBHOOK_SECRET", "a reference to the key of the signature")
        client = open_client(settings.certificates, connections=4)
        found["webhook"] = Webhook(
            client, settings.webhook_url, lambda: secrets.resolve(settings.webhook_secret), utc_now
        )
    return found


def _need(value: str, name: str, what: str) -> None:
    if not value:
        raise InvalidInput(Problem(code="H101", field=name, message=f"{name} is not set", do=f"it is {what}"))
