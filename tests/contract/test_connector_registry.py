"""Connectors are found by folder and by entry point, imported late, and named when something is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from firedoor.connectors.parts.context import ConnectorContext, open_client
from firedoor.connectors.parts.opened import OpenConnectors
from firedoor.connectors.registry import UnknownConnector, available
from firedoor.core.problems import NotFound
from firedoor.core.targets import Door, Inventory, Target
from firedoor.demo.targets import demo_inventory
from firedoor.runtime.config.secrets import ReferencedSecrets


@pytest.fixture(name="connectors")
def _connectors() -> OpenConnectors:
    return OpenConnectors(
        ConnectorContext(open_client(), ReferencedSecrets({}), lambda: datetime.now(UTC), Inventory())
    )


def asked(program: str, *folders: Path) -> str:
    """Return what a fresh interpreter prints, with more folders on its path."""
    path = os.pathsep.join(map(str, folders))
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
    )
    return done.stdout.strip() + done.stderr[-300:]


def package(folder: Path, entry: str, source: str) -> Path:
    """Write an installed package with one entry point for connectors."""
    (folder / "outsider.py").write_text(source)
    information = folder / "outsider-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: outsider\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[firedoor.connectors]\n{entry}\n")
    return folder


OUTSIDER = "class Switch:\n    kind = 'switch'\n    def __init__(self, context):\n        self.context = context\n"
LIST = "from firedoor.connectors.registry import available; print(sorted(available()))"


def test_the_folder_is_found_without_importing_it() -> None:
    """Listing the connectors imports neither the http connector nor its client library."""
    program = f"{LIST}; import sys; print({{'firedoor.connectors.http', 'httpx'}} & set(sys.modules))"
    listed, imported = asked(program).splitlines()
    assert "'http'" in listed
    assert imported == "set()"


def test_a_package_adds_a_connector(tmp_path: Path) -> None:
    """An installed package with an entry point is found, loaded on use and given the context."""
    use = (
        "from firedoor.connectors.parts.opened import OpenConnectors; c = OpenConnectors('the context')['switch'];"
        "print(type(c).__name__, c.context)"
    )
    assert asked(use, package(tmp_path, "switch = outsider:Switch", OUTSIDER)) == "Switch the context"


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    """A package cannot quietly take the place of ours."""
    assert 'two connectors are called "http"' in asked(LIST, package(tmp_path, "http = outsider:Switch", OUTSIDER))


@pytest.mark.parametrize("source", ["import not_installed", "class Other: pass"])
def test_a_broken_package_is_named_and_harms_no_other(tmp_path: Path, source: str) -> None:
    """The message names the connector; the list still works."""
    folder = package(tmp_path, "switch = outsider:Switch", source)
    use = "from firedoor.connectors.registry import load; load('switch')"
    assert "repair or uninstall outsider" in asked(use, folder)
    assert "'http'" in asked(LIST, folder)


def test_an_unknown_connector_is_named_with_the_nearest(connectors: OpenConnectors) -> None:
    """It is a NotFound for people and a KeyError for a Mapping."""
    with pytest.raises(NotFound, match='did you mean "http"'):
        connectors["htttp"]
    assert connectors.get("nothing") is None
    assert issubclass(UnknownConnector, KeyError)
    assert set(connectors) == set(available())


def test_one_connector_per_kind(connectors: OpenConnectors) -> None:
    """What a connector remembers between capture and suspend is kept."""
    assert connectors["http"] is connectors["http"]


def test_the_doors_of_an_inventory_are_checked_together(connectors: OpenConnectors) -> None:
    """The demonstration's doors are right; a wrong connector and a wrong door are both reported."""
    demo = demo_inventory("http://127.0.0.1:9")
    assert connectors.check_inventory(demo) == ()
    bad = Target(id="bad", doors=(Door(name="a", connector="nginks"), Door(name="b", connector="http")))
    found = connectors.check_inventory(Inventory(targets={**demo.targets, "bad": bad}))
    fields = {problem.field for problem in found if problem.severity == "error"}
    assert "targets.bad.doors.a" in fields
    assert any(field.startswith("targets.bad.doors.b.config") for field in fields)
