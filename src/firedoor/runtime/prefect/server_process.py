"""The process of the private Prefect server: `python -m firedoor.runtime.prefect.server_process`.

Decides two things. This process never outlives the one that started it, however that one ends; two ropes, because
each alone can break: the kernel's parent-death signal (Linux), and the end of standard input (everywhere). And nobody
gets past it without the secret of this start, nor under a name that is not this machine's: without a secret it refuses
to begin. Leaves Prefect's API to Prefect, whose application is served here as `prefect server start` would.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

NICE = 10  # what Prefect does can wait for what contains
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def tie_to_parent() -> None:
    """End this process when the parent ends, at once: its database is crash-safe, a stale server is not."""
    threading.Thread(target=_watch_input, name="parent-watch", daemon=True).start()
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _watch_input() -> None:
    while os.read(0, 1024):
        pass
    os._exit(0)


def main() -> None:
    """Run the Prefect server in this process, on the host and port of the environment."""
    tie_to_parent()
    os.umask(0o077)  # its database and whatever else it writes are for this user alone
    os.nice(NICE)
    serve()


def serve() -> None:
    """Serve Prefect's API and pages behind the host check. Raises SystemExit where no secret was given."""
    if not os.environ.get("PREFECT_SERVER_API_AUTH_STRING"):
        sys.exit("the private Prefect server is not started without a secret")
    import uvicorn
    from prefect.server.api.server import create_app
    from prefect.settings import get_current_settings

    from firedoor.runtime.config.host_check import HostCheck, host_names, listed

    api, level = get_current_settings().server.api, os.environ.get("PREFECT_SERVER_LOGGING_LEVEL", "warning")
    names = host_names(*listed(os.environ.get("FIREDOOR_ALLOWED_HOSTS", "")))
    uvicorn.run(
        HostCheck(create_app(final=True), names, same_port=True), host=api.host, port=api.port,
        timeout_keep_alive=api.keepalive_timeout, ws_ping_interval=api.websocket_ping_interval,
        ws_ping_timeout=api.websocket_ping_timeout, log_level=level.lower(), server_header=False,
    )  # fmt: skip


if __name__ == "__main__":
    main()
