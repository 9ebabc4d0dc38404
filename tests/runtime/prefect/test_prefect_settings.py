"""Where Prefect lives: private and quiet by default, the user's own server where one is named."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from firedoor.runtime.prefect.settings import choose, private_address, taken


def test_the_private_server_is_on_loopback_quiet_and_in_our_folder(tmp_path: Path) -> None:
    """Nothing leaves the machine, nothing listens elsewhere, nothing touches the person's own Prefect."""
    server = choose(tmp_path, {}).server_environment()
    assert server["PREFECT_SERVER_API_HOST"] == "127.0.0.1"
    assert server["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert server["DO_NOT_TRACK"] == "1"
    assert server["PREFECT_HOME"].startswith(str(tmp_path))
    assert str(tmp_path) in server["PREFECT_SERVER_DATABASE_CONNECTION_URL"]
    assert "*" not in server["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"]


def test_the_port_is_the_one_of_last_time(tmp_path: Path) -> None:
    """Bookmarks and workers survive a restart."""
    assert choose(tmp_path, {}).port == choose(tmp_path, {}).port


def test_a_port_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    """Whatever took the port of last time keeps it; we start on another one."""
    port = choose(tmp_path, {}).port
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        assert choose(tmp_path, {}).port != port


def test_a_fixed_port_is_kept_whoever_has_it(tmp_path: Path) -> None:
    """A firewall and bookmarks count on it: another one in its place would be found by nobody."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        settings = choose(tmp_path, {"FIREDOOR_PREFECT_PORT": str(port)})
        assert (settings.port, settings.api_url, taken(port)) == (port, f"http://127.0.0.1:{port}/api", True)
    assert private_address(tmp_path / "prefect") == settings.api_url
    assert not taken(port)


def test_a_server_that_is_named_is_used_and_never_started(tmp_path: Path) -> None:
    """The user's server keeps its own home and database."""
    settings = choose(tmp_path, {"PREFECT_API_URL": "http://prefect.internal/api/"})
    assert (settings.private, settings.api_url) == (False, "http://prefect.internal/api")
    assert "PREFECT_HOME" not in settings.client_environment()


def test_our_own_name_for_the_server_wins(tmp_path: Path) -> None:
    """A setting of Firedoor's beats what another tool has set for itself."""
    given = {"PREFECT_API_URL": "http://other/api", "FIREDOOR_PREFECT_API_URL": "http://ours/api"}
    assert choose(tmp_path, given).api_url == "http://ours/api"


def test_the_database_can_be_moved(tmp_path: Path) -> None:
    """At scale the private server stores its runs in PostgreSQL."""
    url = "postgresql+asyncpg://firedoor@127.0.0.1/prefect"
    settings = choose(tmp_path, {"FIREDOOR_PREFECT_DATABASE_URL": url})
    assert settings.server_environment()["PREFECT_SERVER_DATABASE_CONNECTION_URL"] == url


def test_what_was_put_into_the_environment_is_taken_out_again(tmp_path: Path) -> None:
    """A bridge that was stopped must not make its dead server the next one's."""
    before = dict(os.environ)
    environment = {"DO_NOT_TRACK": "0", "PATH": "/bin"}
    undo = choose(tmp_path, {}).apply(environment)
    assert environment["PREFECT_API_URL"].startswith("http://127.0.0.1:")
    undo()
    assert environment == {"DO_NOT_TRACK": "0", "PATH": "/bin"}
    assert dict(os.environ) == before


def test_every_start_has_a_secret_of_its_own_that_others_cannot_read(tmp_path: Path) -> None:
    """In the environment of the child and in a file of mode 600, and in no line that shows the settings."""
    first, second = choose(tmp_path, {}), choose(tmp_path, {})
    assert first.password != second.password
    assert len(str(second.password)) > 40
    assert second.server_environment()["PREFECT_SERVER_API_AUTH_STRING"] == second.password
    assert (second.password_file.read_text(), second.password_file.stat().st_mode & 0o777) == (second.password, 0o600)
    assert str(second.password) not in repr(second)


def test_a_worker_of_the_same_folder_finds_the_secret(tmp_path: Path) -> None:
    """Named by its address, the private server is known with its secret; no other server is ever given it."""
    private = choose(tmp_path, {})
    worker = choose(tmp_path, {"PREFECT_API_URL": private.api_url})
    assert (worker.private, worker.password) == (False, private.password)
    assert choose(tmp_path, {"PREFECT_API_URL": "http://prefect.internal/api"}).password is None


def test_a_password_closes_the_private_server_and_is_not_shown(tmp_path: Path) -> None:
    """The server asks for it, our own client gives it, and no log line that prints the settings holds it."""
    settings = choose(tmp_path, {"PREFECT_SERVER_API_AUTH_STRING": "fire:door"})
    assert settings.server_environment()["PREFECT_SERVER_API_AUTH_STRING"] == "fire:door"
    assert settings.client_environment()["PREFECT_API_AUTH_STRING"] == "fire:door"
    assert "fire:door" not in repr(settings)
