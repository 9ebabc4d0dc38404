"""What every test may count on: a clean environment, and skips that continuous integration refuses.

Decides that tests see no settings of the person who runs them, and that under CI a test which
could not run is a failure by name. Leaves fakes to the package, where plug-in authors find them too.
"""

from __future__ import annotations

import atexit
import functools
import gc
import os
import shutil
import ssl
import tempfile
from collections.abc import Callable, Generator, Mapping
from pathlib import Path

import certifi
import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
CI = os.environ.get("CI") == "true"
SHARED = "TESTS_SHARE"  # names the folder of the process that began the run, which all its workers see

# Folders whose tests share something that is dear to start and to keep: one worker runs them, one after the other.
# Anything else is spread file by file.
TOGETHER = ("tests/browser/", "tests/runtime/prefect/")
YOUNG = 20_000  # objects before the next look for garbage: the suite itself is a million that stay

# Parts of the system that some tests need, and how to see that they are there. A part that is not
# listed is a program of that name. Parts that continuous integration must install are named in .ci/run.
PARTS: Mapping[str, Callable[[], bool]] = {
    "PostgreSQL": lambda: bool(postgres_programs()),
    "a checkout with git": lambda: shutil.which("git") is not None and (ROOT / ".git").exists(),
}


def postgres_programs() -> Path | None:
    """Return the folder of PostgreSQL's initdb and postgres; Debian keeps it off the PATH."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


def require(part: str, present: bool | None = None) -> None:
    """Skip the running test by name when `part` is missing; the hook below makes that a failure under CI."""
    there = PARTS.get(part, lambda: shutil.which(part) is not None)() if present is None else present
    if not there:
        pytest.skip(f"needs {part}, which is not here")


@pytest.fixture(name="require", scope="session")
def _require() -> Callable[..., None]:
    return require


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object | None:
    """Keep a folder that shares something dear on one worker; a file each otherwise, as `--dist loadfile` does."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

    class Together(LoadFileScheduling):  # type: ignore[misc]  # of a package without types
        def _split_scope(self, nodeid: str) -> str:
            whole = (folder for folder in TOGETHER if nodeid.startswith(folder))
            return next(whole, str(super()._split_scope(nodeid)))

    return Together(config, log)


def pytest_collection_finish() -> None:
    """Take what was imported and collected out of every later look for garbage: it stays until the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Take back the umask that Firedoor set for its own process; files of the next test are read by other users."""
    umask = os.umask(0o022)
    os.umask(umask)
    try:
        return (yield)
    finally:
        os.umask(umask)


def _remove(folder: str, owner: int) -> None:
    # A forked child leaves through the same handlers, and must not clear its parent's folder.
    if os.getpid() != owner:
        return
    if os.environ.get(SHARED) == folder and (Path(folder) / "postgres").exists():
        from tests.support.databases import stop_shared

        stop_shared(Path(folder))
    shutil.rmtree(folder, ignore_errors=True)


def _isolate() -> None:
    """Hide the person's own settings, and keep Prefect and Firedoor out of their home folder."""
    for name in list(os.environ):
        if name.startswith(("FIREDOOR_", "PREFECT_")) and not name.startswith("FIREDOOR_TEST_"):
            del os.environ[name]
    home = tempfile.mkdtemp(prefix="firedoor-tests-")
    atexit.register(_remove, home, os.getpid())
    os.environ.setdefault(SHARED, home)  # a worker has that of the process which started it
    os.environ |= {
        "XDG_DATA_HOME": f"{home}/data",
        "XDG_CONFIG_HOME": f"{home}/config",
        "XDG_STATE_HOME": f"{home}/state",
        "PREFECT_HOME": f"{home}/prefect",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "COLUMNS": "120",
        "NO_COLOR": "1",
    }


_isolate()


def _read_certificates_once() -> None:
    """Keep the list of the world's authorities: it costs 60 ms of CPU, and httpx and Prefect read it for each client.

    A look whether a server answers yet is a client of its own, several times a second. Only this list is kept; whoever
    trusts somebody else besides makes a context as ever.
    """
    plain, world = ssl.create_default_context, certifi.where()
    known = functools.cache(lambda: plain(cafile=world))

    def create(*purpose: ssl.Purpose, **given: str | None) -> ssl.SSLContext:
        return known() if not purpose and given == {"cafile": world} else plain(*purpose, **given)

    ssl.create_default_context = create  # type: ignore[assignment]


_read_certificates_once()

# A shared machine is no ruler: an example that takes long is no failure. Under CI the examples are always the same.
settings.register_profile("firedoor", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=CI)
settings.load_profile("firedoor")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure under CI; an expected failure stays what it is."""
    report = yield
    if CI and report.skipped and not hasattr(report, "wasxfail"):
        _refuse(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Do the same where a whole module is skipped."""
    report = yield
    if CI and report.skipped:
        _refuse(report)
    return report


def _refuse(report: pytest.TestReport | pytest.CollectReport) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"not run, which continuous integration does not accept: {reason}"
