"""Where Prefect lives and how it is set up, for the server that we start and for the client in this process.

Decides every `PREFECT_*` variable: private home, database and port, loopback only, telemetry, analytics and
promotions off. Must be applied before `prefect` is imported, which is why nothing imports it at the top of a module.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path

LOOPBACK = "127.0.0.1"
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
    password: str | None = field(default=None, repr=False)  # "user:password" of the private server, where one is wanted
    work_pool: str = WORK_POOL

    @property
    def ui_url(self) -> str:
        """The address of Prefect's own pages."""
        return self.api_url.removesuffix("/api")

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
    `PREFECT_SERVER_API_AUTH_STRING` closes it to other people of this machine, who can otherwise see and start runs.
    """
    home, pool = data_dir / "prefect", environment.get("FIREDOOR_PREFECT_WORK_POOL") or WORK_POOL
    given = environment.get("FIREDOOR_PREFECT_API_URL") or environment.get("PREFECT_API_URL")
    if given:
        return PrefectSettings(home=home, api_url=given.rstrip("/"), private=False, work_pool=pool)
    port = _port(home)
    return PrefectSettings(
        home=home,
        api_url=f"http://{LOOPBACK}:{port}/api",
        private=True,
        port=port,
        database_url=environment.get("FIREDOOR_PREFECT_DATABASE_URL"),
        password=environment.get("PREFECT_SERVER_API_AUTH_STRING"),
        work_pool=pool,
    )


def _port(home: Path) -> int:
    """Return the port of last time where it is free, so that bookmarks stay valid, else any free one."""
    remembered = home / "port"
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        port = _free(int(remembered.read_text()))
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
