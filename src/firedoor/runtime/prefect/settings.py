"""Where Prefect lives and how it is set up, for the server that we start and for the client in this process.

Decides every `PREFECT_*` variable: private home, database and port, loopback only, a secret that is new at every
start, telemetry, analytics and promotions off. Must be applied before `prefect` is imported, which is why nothing
imports it at the top of a module.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import sys
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path

LOOPBACK = "127.0.0.1"
PASSWORD_FILE = "password"  # noqa: S105 - a file's name, in Prefect's home
USER = "firedoor"  # Prefect's credential has the form user:password, and knows no users
WORK_POOL = "firedoor"  # unless FIREDOOR_PREFECT_WORK_POOL says otherwise

QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_CLI_PROMPT": "false",
}
CLIENT = {
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",  # a server that we did not ask for must never start by itself
    "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",  # one request less before the first operation
    "PREFECT_WORKER_QUERY_SECONDS": "1",
    "PREFECT_RUNNER_POLL_FREQUENCY": "1",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "PREFECT_LOGGING_LEVEL": "INFO",
}


@dataclass(frozen=True)
class PrefectSettings:
    """`home` holds everything of Prefect's; addresses have no trailing slash; `private` means that we start it."""

    home: Path
    api_url: str
    private: bool
    port: int | None = None
    database_url: str | None = None
    password: str | None = field(default=None, repr=False)  # "user:password" of the private server
    work_pool: str = WORK_POOL

    @property
    def ui_url(self) -> str:
        """The address of Prefect's own pages."""
        return self.api_url.removesuffix("/api")

    @property
    def password_file(self) -> Path:
        """Where the private server's secret is kept for this user's other programs (mode 600)."""
        return self.home / PASSWORD_FILE

    @property
    def log_file(self) -> Path:
        """Where the private server's own words go."""
        return self.home / "server.log"

    def client_environment(self) -> dict[str, str]:
        """Variables for a process that talks to the server: this one, a worker, a flow run's process."""
        own = {"PREFECT_API_URL": self.api_url}
        if self.private:
            own |= {
                "PREFECT_HOME": str(self.home),
                "PREFECT_UI_URL": self.ui_url,
                "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",  # our server has it off; asking costs a request
            }
        if self.password:
            own["PREFECT_API_AUTH_STRING"] = self.password
        return QUIET | CLIENT | own

    def server_environment(self) -> dict[str, str]:
        """Variables for the private server's process."""
        database = self.database_url or f"sqlite+aiosqlite:///{self.home / 'prefect.db'}"
        secret = {"PREFECT_SERVER_API_AUTH_STRING": self.password} if self.password else {}
        return (
            self.client_environment()
            | secret
            | {
                "PREFECT_SERVER_API_HOST": LOOPBACK,
                "PREFECT_SERVER_API_PORT": str(self.port),
                "PREFECT_SERVER_DATABASE_CONNECTION_URL": database,
                "PREFECT_SERVER_UI_API_URL": self.api_url,
                "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": f"http://{LOOPBACK}:{self.port},http://localhost:{self.port}",
                "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
            }
        )

    def apply(self, environment: MutableMapping[str, str] = os.environ) -> Callable[[], None]:
        """Put the client's variables into this process, and return what takes them out again."""
        ours = self.client_environment()
        before = {name: environment.get(name) for name in ours}
        environment.update(ours)
        _read_again()

        def undo() -> None:
            for name, value in before.items():
                if value is None:
                    environment.pop(name, None)
                else:
                    environment[name] = value
            _read_again()

        return undo


def _read_again() -> None:
    """Have a `prefect` that was imported earlier, by a team's own script or a test, read its settings again."""
    if "prefect" in sys.modules:
        from prefect.context import refresh_global_settings_context

        refresh_global_settings_context()


def choose(data_dir: Path, environment: Mapping[str, str] = os.environ) -> PrefectSettings:
    """Return the user's own server where `FIREDOOR_PREFECT_API_URL` or `PREFECT_API_URL` names one, else a private one.

    `FIREDOOR_PREFECT_DATABASE_URL` moves the private server's database, for example to PostgreSQL, and
    `FIREDOOR_PREFECT_PORT` says at which port it listens. Its secret is new each time, unless
    `PREFECT_SERVER_API_AUTH_STRING` sets one.
    """
    home, pool = data_dir / "prefect", environment.get("FIREDOOR_PREFECT_WORK_POOL") or WORK_POOL
    url = named_server(environment)
    if url is not None:
        return PrefectSettings(
            home=home, api_url=url, private=False, work_pool=pool, password=password_for(home, url, environment)
        )
    port = _port(home, fixed_port(environment))
    return PrefectSettings(
        home=home,
        api_url=_address(port),
        private=True,
        port=port,
        database_url=environment.get("FIREDOOR_PREFECT_DATABASE_URL"),
        password=_new_password(home, environment),
        work_pool=pool,
    )


def named_server(environment: Mapping[str, str] = os.environ) -> str | None:
    """The address of the API of a server of one's own; None where a private one is used."""
    given = environment.get("FIREDOOR_PREFECT_API_URL") or environment.get("PREFECT_API_URL")
    return given.rstrip("/") if given else None


def fixed_port(environment: Mapping[str, str] = os.environ) -> int:
    """The port that the private server has to have; 0 where any will do. What is no number is refused by `Settings`."""
    given = environment.get("FIREDOOR_PREFECT_PORT", "")
    return int(given) if given.isdecimal() else 0


def taken(port: int) -> bool:
    """Whether somebody listens at this port of the loopback."""
    try:
        return _free(port) != port
    except OSError:
        return True


def private_address(home: Path) -> str | None:
    """The address of the API of the private server of this folder; None before its first start."""
    with contextlib.suppress(OSError, ValueError):
        return _address(int((home / "port").read_text()))
    return None


def password_for(home: Path, api_url: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """The secret of the server at an address: the environment's; of the private server here, the one in its file.

    None where neither knows one, or the file is not for this user to read.
    """
    given = environment.get("PREFECT_API_AUTH_STRING")
    with contextlib.suppress(OSError):
        if not given and api_url == private_address(home):
            return (home / PASSWORD_FILE).read_text().strip() or None
    return given or None


def _new_password(home: Path, environment: Mapping[str, str]) -> str:
    """Make a secret for this start, and leave it in its file, mode 600 from its first moment."""
    password = environment.get("PREFECT_SERVER_API_AUTH_STRING") or f"{USER}:{secrets.token_urlsafe(32)}"
    beside = home / f".{PASSWORD_FILE}.{os.getpid()}"
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(password)
    beside.replace(home / PASSWORD_FILE)
    return password


def _address(port: int) -> str:
    return f"http://{LOOPBACK}:{port}/api"


def _port(home: Path, fixed: int) -> int:
    """Return the port that was asked for, taken or not; else that of last time where it is free, else any free one.

    Another one in place of a fixed port would be found by nobody: then the server does not start, and `doctor` says so.
    """
    remembered = home / "port"
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        port = fixed or _free(int(remembered.read_text()))
    except (OSError, ValueError):
        port = _free(0)
    remembered.write_text(str(port))
    return port


def _free(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free
        probe.bind((LOOPBACK, port))
        number: int = probe.getsockname()[1]
        return number
