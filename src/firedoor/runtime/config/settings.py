"""Settings: `FIREDOOR_*` variables and their defaults.

Decides where the data lies and which ports are used. Secrets are never settings:
connectors name them by reference.
"""

from __future__ import annotations

import json
import os
from ipaddress import ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from firedoor.core.alerts.quota import Quota
from firedoor.core.alerts.senders import SenderRule
from firedoor.core.language.validation import faults
from firedoor.core.problems import InvalidInput, Problem
from firedoor.runtime.config.host_check import host_names, listed


def _data_home() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "firedoor"


def _noted(file: Path) -> str:
    """The address that a running server of this data folder wrote down; empty when there is none to be read."""
    try:
        return str(json.loads(file.read_text())["url"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


class Settings(BaseSettings):
    """Everything that can be set. Paths may be relative to the current folder."""

    model_config = SettingsConfigDict(env_prefix="FIREDOOR_", extra="ignore")

    data_dir: Path = Field(default_factory=_data_home)
    database_url: str = ""  # empty: SQLite in the data folder
    keyring: str = ""  # a file, or a reference to a secret; empty: keys/keyring in the data folder
    host: str = "127.0.0.1"
    port: int = Field(default=8600, ge=0, le=65535)
    playbooks: Path | None = None  # a folder beside or instead of the shipped ones
    targets: Path | None = None  # the inventory file
    mappings: Path | None = None  # a folder of mappings: any JSON as alerts, one file each
    organisation: Path | None = None  # the organisation's standing facts
    api_url: str = ""  # a server elsewhere
    token: str = ""  # for that server
    prefect: bool = True  # whether runs are shown and performed in Prefect
    prefect_api_url: str = ""  # a Prefect server of your own; empty: a private one is started
    prefect_database_url: str = ""
    prefect_port: int = Field(default=0, ge=0, le=65535)  # of the private server; 0: any free one, kept for next time
    prefect_work_pool: str = Field(default="firedoor", pattern=r"^[A-Za-z0-9][\w .-]{0,60}$")  # where others use it too
    automatic_suspensions_per_hour: int = Field(default=20, ge=0)  # of all processes; beyond it a person is asked
    automatic_evidence: Literal["strong", "any"] = "strong"  # what an alert must prove to act without a person
    certificates: Path | None = None  # further authorities for TLS, as PEM
    alert_quotas: dict[str, Quota] = Field(default_factory=dict)  # by source, as JSON; `*` is every source
    alert_senders: dict[str, SenderRule] = Field(default_factory=dict)  # by source, as JSON; `*` is every source
    request_patience: float = Field(default=20.0, gt=0, le=600)  # seconds that a request may take to come in
    report_url: str = ""  # where people without an account reach the report page, if that is another address
    report_proof: Literal["load", "always", "never"] = "load"  # when a new request has to bring a small piece of work
    report_host: str = ""  # where the report page listens by itself; `host` if empty
    report_port: int = Field(default=0, ge=0, le=65535)  # and on which port; 0: on that of the console
    reports: bool = True  # whether people without an account may ask for removal at all
    public_url: str = ""  # where people reach this server, for links in messages and single sign-on
    allowed_hosts: str = ""  # further names under which the servers are reached, with commas; see `names`
    trusted_proxies: str = ""  # addresses or networks of reverse proxies, with commas; only their X-Forwarded-* count
    codes_for_deciding: bool = False  # accounts whose roles decide sign in with a one-time code, or not at all
    oidc_issuer: str = ""  # single sign-on by OpenID Connect; empty: local accounts
    oidc_client_id: str = ""
    oidc_client_secret: str = ""  # a reference: secret://env/NAME or secret://file/PATH
    oidc_roles_claim: str = "groups"  # the claim that names somebody's groups
    oidc_roles: str = ""  # group=role,group=role: which groups have which roles; other groups have none
    slack_bot_token: str = ""  # Slack; this one, the signing secret and the app token are references to secrets
    slack_signing_secret: str = ""  # of the signed requests to /slack/commands and /slack/actions
    slack_app_token: str = ""  # for Socket Mode, in which Slack needs no way in
    slack_api_url: str = "https://slack.com/api/"
    smtp_host: str = ""  # e-mail; empty: none is sent
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str = ""
    smtp_password: str = ""  # a reference; with the login xoauth2 to an access token
    smtp_login: Literal["password", "xoauth2"] = "password"
    smtp_from: str = ""
    smtp_reply_to: str = ""
    webhook_url: str = ""  # messages as signed JSON to one address of one's own
    webhook_secret: str = ""  # a reference

    @field_validator("public_url", "report_url")
    @classmethod
    def _address(cls, given: str) -> str:
        """An address as it stands in front of a path: http or https, a host, and nothing behind the path."""
        parts = urlsplit(given)
        whole = parts.scheme in ("http", "https") and parts.hostname and not parts.username
        if given and (not whole or parts.query or parts.fragment):
            raise ValueError("write http:// or https:// and the host under which people reach this server")
        return given.rstrip("/")

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies(cls, given: str) -> str:
        """Addresses and networks, each by itself: `*` would let every caller say where they come from."""
        parts = [part.strip() for part in given.split(",") if part.strip()]
        try:
            return ",".join(str(ip_network(part)) for part in parts)
        except ValueError:
            raise ValueError(
                "write addresses or networks with commas between them, such as 10.0.0.5,fd00::/64"
            ) from None

    def address(self, listening: str | None = None) -> str:
        """The address for people, without a slash at its end; `listening` is where the server really listens.

        With port 0 only the server knows which one it got, and writes that down; empty as long as nobody knows.
        """
        configured = f"http://{self.host}:{self.port}" if self.port else _noted(self.server_file)
        return self.public_url or listening or configured

    @property
    def names(self) -> frozenset[str]:
        """The names that our own server goes by; a request that names another in its `Host` is refused."""
        public = (urlsplit(url).hostname or "" for url in (self.public_url, self.report_url))
        return host_names(self.host, self.report_host, *public, *listed(self.allowed_hosts))

    @property
    def targets_file(self) -> Path:
        """The inventory: the file that is named, else the one in the data folder."""
        return self.targets or self.data_dir / "targets.yaml"

    @property
    def organisation_file(self) -> Path:
        """The organisation's profile: the file that is named, else the one in the data folder."""
        return self.organisation or self.data_dir / "organisation.yaml"

    @property
    def mappings_folder(self) -> Path:
        """Where mappings of alerts lie: the folder that is named, else the one in the data folder."""
        return self.mappings or self.data_dir / "mappings"

    @property
    def database(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{self.data_dir / 'firedoor.db'}"

    @property
    def server_file(self) -> Path:
        """Where a running server writes its address and the token of this machine's user (mode 600)."""
        return self.data_dir / "server.json"


def read_settings() -> Settings:
    """The settings of this process. Raises InvalidInput when a FIREDOOR_ variable cannot be used."""
    try:
        return Settings()
    except ValidationError as error:
        raise InvalidInput(
            Problem(
                code="U111", message=f"FIREDOOR_{str(found.path[0]).upper()}: {found.message}",
                do="; ".join(filter(None, (found.do, "correct or unset the variable"))),
            )
            for found in faults(error)
        ) from None  # fmt: skip
