"""What a build hands out: only what is listed, the same bytes for everybody, and a true list of what comes with it.

`make release` runs in copies of the checkout, as somebody who checks a release would. Leaves to `test_package.py`
whether what is installed works.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tests.release import bill
from tests.release.locked import ROOT, constraints, project, read_lock, this_build

COMMITTED_AT = "1764000000"
# Every kind of file that may be in the wheel. A new kind is looked at before it is added here.
CARRIED = (
    r"firedoor/(?!tests?/)(?!.*/tests?/)(?!.*__pycache__)[a-z0-9_/]+\.py", r"firedoor/py\.typed",
    r"firedoor/alerts/examples/[a-z0-9_-]+\.json", r"firedoor/alerts/vendors/[a-z0-9-]+\.yaml",
    r"firedoor/helplines/[a-z_]+\.yaml", r"firedoor/demo/[a-z0-9_-]+\.(json|yaml)",
    r"firedoor/duties/[a-z0-9_/-]+\.yaml", r"firedoor/interfaces/cli/playbooks/[a-z_-]+\.yaml",
    r"firedoor/playbooks/(parts/)?[a-z0-9_-]+\.yaml", r"firedoor/store/migrations/script\.py\.mako",
    r"firedoor/store/identity/common_passwords\.(txt\.gz|LICENSE)",
    r"firedoor/templates/[a-z0-9_/.-]+\.(j2|yaml|css|js|svg|txt)", r"firedoor/templates/forms/[a-z-]+\.xsd",
    r"firedoor-[0-9.]+\.dist-info/(METADATA|WHEEL|RECORD|entry_points\.txt|licenses/LICENSE|sboms/firedoor\.cdx\.json)",
)  # fmt: skip
SECRETS = {
    "a private key": rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}",
    "a cloud key": rb"\bAKIA[0-9A-Z]{16}\b",
    "a token": rb"\b(xox[abp]-[0-9]{8,}|ghp_[A-Za-z0-9]{36}|glpat-[A-Za-z0-9_-]{20}|fd_[A-Za-z0-9_-]{30,})",
    "a path of the builder's": re.escape(str(ROOT).encode()) if len(str(ROOT)) > 5 else rb"(?!)",
}


def build(checkout: Path, dist: Path, **environment: str) -> Path:
    """Build the wheel of a checkout."""
    command = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", dist)
    seen = {**os.environ, "SOURCE_DATE_EPOCH": COMMITTED_AT, **environment}
    subprocess.run(command, cwd=checkout, env=seen, capture_output=True, check=True, timeout=300)
    return next(dist.glob("*.whl"))


def copied(folder: Path) -> Path:
    """What hatchling reads of the checkout, somewhere else, with other times and other rights."""
    for name in ("src", "playbooks", "flows", "requirements"):
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"), copy_function=shutil.copyfile
        )
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copyfile(ROOT / name, folder / name)
    for path in folder.rglob("*"):
        os.utime(path, (1e9, 1e9))
        path.chmod(0o700 if path.is_dir() else 0o600)
    return folder


@pytest.fixture(scope="module", name="wheel")
def _wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("dist"))


def strange(names: list[str]) -> list[str]:
    """Names of no kind that may be there."""
    return [name for name in names if not any(re.fullmatch(kind, name) for kind in CARRIED)]


@pytest.mark.slow
def test_the_wheel_carries_only_kinds_of_files_that_are_listed(wheel: Path) -> None:
    """No test, cache, database, picture, key or note of somebody's gets into other people's environments."""
    assert strange(zipfile.ZipFile(wheel).namelist()) == []


@pytest.mark.slow
def test_the_wheel_carries_every_data_file_that_the_code_reads(wheel: Path) -> None:
    """None of the vendors' mappings, forms and helplines stays behind; nor anything else that lies beside the code."""
    package = ROOT / "src" / "firedoor"
    beside = {path.relative_to(package.parent).as_posix() for path in package.rglob("*")
              if path.is_file() and path.suffix not in {".pyc", ".py"}}  # fmt: skip
    for folder in ("alerts/vendors/", "templates/forms/", "helplines/"):
        assert [name for name in beside if name.startswith(f"firedoor/{folder}")], folder
    assert beside - set(zipfile.ZipFile(wheel).namelist()) == set()


def test_the_list_refuses_what_does_not_belong() -> None:
    """What the test above rests on."""
    stray = ["firedoor/core/__pycache__/x.py", "firedoor/tests/test_x.py", "firedoor/.env", "firedoor/firedoor.db",
             "firedoor/templates/console/photo.png", "tests/conftest.py", "firedoor/duties/key.pem"]  # fmt: skip
    assert strange(stray) == stray


@pytest.mark.slow
def test_nothing_in_the_wheel_looks_like_a_secret(wheel: Path) -> None:
    """Neither a key or token, nor a path that says who built it."""
    with zipfile.ZipFile(wheel) as archive:
        found = [
            (name, what)
            for name in archive.namelist()
            for what, how in SECRETS.items()
            if re.search(how, archive.read(name))
        ]
    assert found == []


@pytest.mark.slow
def test_a_wheel_from_the_source_archive_is_the_wheel_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """Flows and playbooks among it; and whoever works in the unpacked archive finds the flows at their address."""
    command = (sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path)
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=300)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
    unpacked = next(path for path in tmp_path.iterdir() if path.is_dir())
    assert (unpacked / "src" / "firedoor" / "flows" / "respond.py").exists()
    again = zipfile.ZipFile(build(unpacked, tmp_path / "dist"))
    assert sorted(again.namelist()) == sorted(zipfile.ZipFile(wheel).namelist())


@pytest.mark.slow
def test_whoever_builds_the_same_commit_gets_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    """In another folder, with other times and rights of the files, in another zone and language."""
    (tmp_path / "elsewhere").mkdir()
    other = build(
        copied(tmp_path / "elsewhere"), tmp_path / "dist", TZ="Asia/Kathmandu", LC_ALL="C", PYTHONHASHSEED="7"
    )
    assert other.read_bytes() == wheel.read_bytes()


@pytest.mark.slow
def test_the_wheel_carries_its_bill_of_materials(wheel: Path) -> None:
    """Where PEP 770 says that scanners look for it."""
    with zipfile.ZipFile(wheel) as archive:
        inside = archive.read(f"firedoor-{this_build().version}.dist-info/sboms/firedoor.cdx.json")
    assert inside == bill.FILE.read_bytes()


def test_the_bill_is_what_the_lock_file_says() -> None:
    """Otherwise somebody forgot `make bill`; licences are compared where the distribution is installed here."""
    written, now = json.loads(bill.FILE.read_text()), json.loads(bill.bill(this_build()))
    absent = {part["bom-ref"] for part in now["components"] if not here(part["name"], part["version"])}
    for part in (*written["components"], *now["components"]):
        if part["bom-ref"] in absent:
            part.pop("licenses", None)
    assert written == now


def here(name: str, wanted: str) -> bool:
    """Whether that version is installed."""
    try:
        return version(name) == wanted
    except PackageNotFoundError:
        return False


def test_the_bill_is_valid_cyclonedx() -> None:
    """By the schema that CycloneDX publishes; one that it refuses is refused here too."""
    assert bill.faults(bill.FILE.read_text()) == ""
    assert bill.faults(json.dumps({**json.loads(bill.FILE.read_text()), "parts": []}))


def test_the_bill_names_everything_that_is_really_installed() -> None:
    """Walk the metadata of what is installed, which uv's lock file did not write, from Firedoor with all its extras."""
    named = {part["name"]: part["version"] for part in json.loads(bill.FILE.read_text())["components"]}
    extras = project()["optional-dependencies"].values()
    left = [Requirement(entry) for entry in (*project()["dependencies"], *(one for extra in extras for one in extra))]
    seen, unnamed = set[tuple[str, str]](), set[str]()
    while left:
        requirement = left.pop()
        for extra in ("", *requirement.extras):
            name = canonicalize_name(requirement.name)
            if (name, extra) in seen or not needed(requirement, extra):
                continue
            seen.add((name, extra))
            unnamed |= set() if named.get(name) == version(name) else {name}
            left.extend(asked(name, extra))
    assert len(seen) > 100
    assert unnamed == set()


def needed(requirement: Requirement, extra: str) -> bool:
    """Whether this platform needs it at all."""
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def asked(name: str, extra: str) -> list[Requirement]:
    """What an installed distribution asks for on this platform."""
    from importlib.metadata import requires

    every = [Requirement(line) for line in requires(name) or ()]
    chosen = [one for one in every if one.marker is None or one.marker.evaluate({"extra": extra})]
    for one in chosen:
        one.marker = None
    return chosen


def test_constraints_pin_everything_that_people_install() -> None:
    """One version for each, as in the lock file, and nothing that only the tests need."""
    lines = [line for line in constraints(this_build()).splitlines() if not line.startswith("#")]
    pinned = {Requirement(line).name: str(Requirement(line).specifier) for line in lines}
    locked = {pin.name: f"=={pin.version}" for pin in read_lock((ROOT / "requirements" / "lock.txt").read_text())}
    assert locked.items() <= pinned.items()
    assert not {"pytest", "ruff", "mypy", "hypothesis", "playwright", "cyclonedx-python-lib"} & pinned.keys()


@pytest.mark.slow
def test_pip_accepts_the_constraints(tmp_path: Path) -> None:
    """They agree with what Firedoor asks for; pip resolves them against what is installed here."""
    (tmp_path / "constraints.txt").write_text(constraints(this_build()))
    command = (sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "--no-build-isolation", "--quiet")
    extras = ",".join(project()["optional-dependencies"])
    wanted = (f"{ROOT}[{extras}]", "-c", str(tmp_path / "constraints.txt"))
    done = subprocess.run([*command, *wanted], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_release_is_whole(tmp_path: Path, require: Callable[..., Any]) -> None:
    """The wheel, the source archive, the constraints, the bill, and the sums of all four."""
    from tests.release.__main__ import release

    require("a checkout with git")
    made = [file.name.replace(this_build().version, "V") for file in release(tmp_path / "dist")]
    assert made == ["firedoor-V-constraints.txt", "firedoor-V-py3-none-any.whl", "firedoor-V.cdx.json",
                    "firedoor-V.tar.gz", "SHA256SUMS"]  # fmt: skip
    checked = subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=tmp_path / "dist", check=False)
    assert checked.returncode == 0
