"""What every test may count on: a clean environment, and skips that continuous integration refuses.

Decides that tests see no settings of the person who runs them, and that under CI a test which
could not run is a failure by name. Leaves fakes to the package, where plug-in authors find them too.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
CI = os.environ.get("CI") == "true"

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


def _remove(folder: str, owner: int) -> None:
    # A forked child leaves through the same handlers, and must not clear its parent's folder.
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


def _isolate() -> None:
    """Hide the person's own settings, and keep Prefect and Firedoor out of their home folder."""
    for name in list(os.environ):
        if name.startswith(("FIREDOOR_", "PREFECT_")) and not name.startswith("FIREDOOR_TEST_"):
            del os.environ[name]
    home = tempfile.mkdtemp(prefix="firedoor-tests-")
    atexit.register(_remove, home, os.getpid())
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
