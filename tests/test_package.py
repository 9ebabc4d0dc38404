"""What people install: the wheel is whole, the lock files are sound, and make says what is missing.

Builds the wheel, installs it beside the libraries that are here already, and runs it far from the checkout.
Leaves what the commands do to their own tests.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tests.support.plug_ins import written

import firedoor

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("lock", "dev", "build")
PINNED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(\[[^\]]*\])?==(?P<version>[^\s;\\]+)", re.MULTILINE)


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and return what it said, without an opinion about its exit code."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    seen = {**inherited, **environment}
    return subprocess.run(command, cwd=cwd, env=seen, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="module", name="wheel")
def _wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("dist")
    done = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", target, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return next(target.glob("*.whl"))


@pytest.fixture(scope="module", name="elsewhere")
def _elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an environment that borrows today's libraries, but not the checkout."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    # A path named in a .pth file is not searched for further .pth files, so the editable checkout stays out.
    site = next((folder / "venv" / "lib").glob("python*/site-packages"))
    (site / "borrowed.pth").write_text("\n".join(path for path in sys.path if path.endswith("-packages")))
    install = ("-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel)
    done = run(sys.executable, *install, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def program(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed `firedoor` from a folder that knows nothing of the checkout."""
    if find_spec("firedoor.interfaces.cli") is None or find_spec("firedoor.interfaces.cli.main") is None:
        pytest.skip("the command line (firedoor.interfaces.cli.main) does not exist yet")
    return run(folder / "venv" / "bin" / "firedoor", *arguments, cwd=folder, FIREDOOR_DATA_DIR=str(folder / "data"))


def committed(*folders: str) -> Iterator[str]:
    """Yield the committed files of some folders."""
    done = run("git", "ls-files", "-z", "--", *folders, cwd=ROOT)
    yield from (name for name in done.stdout.split("\0") if name and (ROOT / name).is_file())


@pytest.mark.slow
def test_the_wheel_carries_every_file_of_the_package_and_every_playbook(wheel: Path, require: Any) -> None:
    """Templates, duties, migrations, flows, demo data and playbooks travel; nothing is left behind in the checkout."""
    require("a checkout with git")
    inside = set(zipfile.ZipFile(wheel).namelist())
    expected = {name.removeprefix("src/") for name in committed("src/firedoor")}
    expected |= {f"firedoor/{name}" for name in committed("playbooks", "flows")}
    assert expected - inside == set()


@pytest.mark.slow
def test_the_wheel_carries_nothing_else(wheel: Path) -> None:
    """No tests, caches or lock files are installed into other people's environments."""
    inside = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in inside if not name.startswith(("firedoor/", "firedoor-")) or "__pycache__" in name]


@pytest.mark.slow
def test_the_installed_package_is_not_the_checkout(elsewhere: Path) -> None:
    """The tests below would prove nothing if they ran the source beside them."""
    python = elsewhere / "venv" / "bin" / "python"
    done = run(python, "-c", "import firedoor; print(firedoor.__file__)", cwd=elsewhere)
    assert done.stdout.startswith(str(elsewhere)), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("--version",), ("check",), ("duties", "list"), ("drill",)],
    ids=" ".join,
)
def test_the_installed_program_works_outside_a_checkout(elsewhere: Path, arguments: tuple[str, ...]) -> None:
    """Help, the shipped playbooks, their drills and the duties are there after `pip install`."""
    done = program(elsewhere, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip()
    assert "Traceback" not in done.stderr


PLAYBOOK = """playbook: heard
version: 1.0.0
title: Somebody is heard
incident: data_leakage_in_ai_models
start: []
facts: {endpoint: {type: target, ask: "Which endpoint?"}}
roles: [commander, dpo]
duties: auto
phases:
  identification:
    - confirm: "Is it real?"
      sets: {aware_at: now}
  containment:
    - suspend: "{{ facts.endpoint }}"
    - interview: "the owner of {{ facts.endpoint }}"
      else_tell: [dpo]
      by: commander
    - notify_authorities: due
  remediation: []
  post_incident: []
"""
INVENTORY = """targets:
  large:
    doors:
      - {name: kiosk, connector: kiosk, config: {folder: /srv/kiosk, model: large}}
"""


@pytest.fixture(scope="module", name="plug_ins")
def _plug_ins(elsewhere: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the packages of the pages into wheels, and install them beside the wheel of the project."""
    folder = tmp_path_factory.mktemp("plug-ins")
    python = elsewhere / "venv" / "bin" / "python"
    for page in ("add-your-own.md", "add-a-connector.md"):
        source = written(page, folder / page)
        build = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=source)
        assert build.returncode == 0, build.stderr
    install = ("-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index")
    done = run(sys.executable, *install, "--target", folder / "installed", *folder.glob("*.whl"), cwd=folder)
    assert done.returncode == 0, done.stderr
    (folder / "heard.yaml").write_text(PLAYBOOK)
    (folder / "targets.yaml").write_text(INVENTORY)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("check", "heard.yaml", "targets.yaml"), ""),
        (("show", "heard.yaml"), "Have you heard the owner of"),
        (("alert", "sources"), "gatewatch"),
        (("alert", "parse", "--source", "gatewatch", "installed/gatewatch/findings.json"), "chat-large"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_wheel_that_knows_only_the_sdk_plugs_in(
    elsewhere: Path, plug_ins: Path, arguments: tuple[str, ...], said: str
) -> None:
    """A connector, a source and a step of other packages are found beside the installed project."""
    known = {"PYTHONPATH": str(plug_ins / "installed"), "FIREDOOR_TARGETS": str(plug_ins / "targets.yaml")}
    data = {"FIREDOOR_DATA_DIR": str(elsewhere / "data"), "COLUMNS": "200"}
    done = run(elsewhere / "venv" / "bin" / "firedoor", *arguments, cwd=plug_ins, **known, **data)
    assert done.returncode == 0, done.stdout + done.stderr
    assert said in done.stdout


@pytest.mark.slow
def test_the_flows_have_one_address_in_a_checkout_and_in_the_wheel(elsewhere: Path) -> None:
    """A worker that was installed with pip can import what a checkout has deployed (decision 0009)."""
    names = [Path(name).stem for name in committed("flows") if name.endswith(".py")]
    modules = [f"firedoor.flows.{name}" if name != "__init__" else "firedoor.flows" for name in names]
    if not modules:
        pytest.skip("the flows (firedoor.flows) do not exist yet")
    python = elsewhere / "venv" / "bin" / "python"
    done = run(python, "-c", f"import {', '.join(modules)}", cwd=elsewhere)
    assert done.returncode == 0, done.stderr


def pins(lock: str) -> dict[str, str]:
    """Return the version of each distribution in a lock file."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    return {canonicalize_name(match["name"]): match["version"] for match in PINNED.finditer(text)}


def wanted(lock: str) -> list[Requirement]:
    """Return what pyproject.toml asks of a lock file."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups, package = project["dependency-groups"], project["project"]
    extras = package["optional-dependencies"]
    every = [entry for extra in extras.values() for entry in extra]
    chosen = re.search(r"^RUN_EXTRAS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert chosen is not None
    run_extras = [entry for name in chosen[1].replace("--extra", " ").split() for entry in extras[name]]
    entries = {
        "lock": [*package["dependencies"], *run_extras],
        "build": groups["build"],
        "dev": [*package["dependencies"], *every, *groups["build"], *groups["dev"]],
    }[lock]
    return [Requirement(entry) for entry in entries if isinstance(entry, str)]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_holds_what_pyproject_asks_for(lock: str) -> None:
    """Every dependency is pinned to a version within its bounds; otherwise somebody forgot `make lock`."""
    locked = pins(lock)
    missing = [
        str(requirement)
        for requirement in wanted(lock)
        if not requirement.specifier.contains(locked.get(canonicalize_name(requirement.name), "0"), prereleases=True)
    ]
    assert not missing, f"run make lock: {missing}"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_carries_hashes_and_no_place(lock: str) -> None:
    """What is installed is what was locked, from whichever mirror it comes."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert not [block.splitlines()[0] for block in blocks if not re.search(r"--hash=sha256:[0-9a-f]{64}", block)]
    assert not re.search(r"^\s*--(?!hash=)|://| @ |^-", text, re.MULTILINE)


@pytest.mark.parametrize("lock", ["lock", "build"])
def test_what_runs_is_what_was_tested(lock: str) -> None:
    """The lock files agree: a version that people run is the version that the tests ran."""
    tested = pins("dev")
    assert pins(lock).items() <= tested.items()


def test_the_engine_is_pinned_and_its_framework_bounded() -> None:
    """Prefect 3.8.8 does not start on a FastAPI of 0.151 or later (decision 0003)."""
    declared = {requirement.name: str(requirement.specifier) for requirement in wanted("lock")}
    assert declared["prefect"] == "==3.8.8"
    assert set(declared["fastapi"].split(",")) == {">=0.139", "<0.151"}


def test_the_version_is_the_same_everywhere() -> None:
    """The package says the version under which it is built."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert firedoor.__version__ == project["version"]


def make_environment(folder: Path, python: str) -> subprocess.CompletedProcess[str]:
    """Ask make for a virtual environment from a made-up interpreter."""
    interpreter = folder / "python3"
    interpreter.write_text(f"#!/bin/sh\n{python}\n")
    interpreter.chmod(0o755)
    target = folder / "venv"
    return run(
        "make", "--no-print-directory", f"PYTHON={interpreter}", f"VENV={target}", f"{target}/bin/python", cwd=ROOT
    )


def test_make_names_the_package_when_venv_is_missing(tmp_path: Path, require: Any) -> None:
    """On a bare Debian the message is a command to type, not a stack of Python."""
    require("make")
    lacking = f'case "$2" in *ensurepip*) exit 1;; *) exec {sys.executable} "$@";; esac'
    done = make_environment(tmp_path, lacking)
    assert done.returncode != 0
    assert f"apt-get install python3.{sys.version_info.minor}-venv" in done.stderr


def test_make_says_when_python_is_too_old(tmp_path: Path, require: Any) -> None:
    """The message names the interpreter that was found, and how to name another one."""
    require("make")
    done = make_environment(tmp_path, 'case "$1" in --version) echo "Python 3.9.2";; *) exit 1;; esac')
    assert done.returncode != 0
    assert "is Python 3.9.2" in done.stderr
    assert "make PYTHON=" in done.stderr


def test_continuous_integration_can_start(require: Any) -> None:
    """.ci/run is executable and valid bash; what it does is what this suite is run by."""
    require("bash")
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert run("bash", "-n", script, cwd=ROOT).returncode == 0
