"""Real systems that tests start: each Python one in an environment of its own, filled from a hashed lock file.

Decides where those environments are (`.parts/` in the checkout), that they are made once for each lock file, and that
one which cannot be made skips its tests by name, which continuous integration refuses. Leaves starting it to its rig.
`requirements/parts/<name>.in` says what is wanted; `make lock-parts` writes `<name>.txt` beside it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements" / "parts"
PARTS = ROOT / ".parts"
PATIENCE = 600  # seconds for an installation


def python_part(name: str) -> Path:
    """Return the folder of programs (`bin`) of the environment of a part, made on first use; or skip the test."""
    lock = LOCKS / f"{name}.txt"
    folder = _made(name, lock, lambda folder: _python_commands(folder, lock))
    return folder / "bin"


def node_part(name: str) -> Path:
    """Return a folder with `node_modules` of a part, from `requirements/parts/<name>/package-lock.json`."""
    if shutil.which("npm") is None:
        pytest.skip(f"needs {name}, and npm to install it, which is not here")
    source = LOCKS / name
    return _made(name, source / "package-lock.json", lambda folder: _node_commands(folder, source))


def free_port() -> int:
    """Return a port of the loopback on which nothing listens now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _made(name: str, lock: Path, commands: Callable[[Path], list[list[str]]]) -> Path:
    digest = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = PARTS / f"{name}-{digest}"
    PARTS.mkdir(exist_ok=True)
    with (PARTS / f"{name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # several test processes may want it at once
        if not (folder / ".made").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for command in commands(folder):
                _run(name, folder, command)
            (folder / ".made").touch()
    return folder


def _python_commands(folder: Path, lock: Path) -> list[list[str]]:
    python = str(folder / "bin" / "python")
    install = ["pip", "install", "--quiet", "--require-hashes", "--python", python, "-r", str(lock)]
    return [[sys.executable, "-m", "venv", "--without-pip", str(folder)], [sys.executable, "-m", "uv", *install]]


def _node_commands(folder: Path, source: Path) -> list[list[str]]:
    for file in ("package.json", "package-lock.json"):
        shutil.copy(source / file, folder / file)
    return [["npm", "ci", "--ignore-scripts", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder)]]


def _run(name: str, folder: Path, command: list[str]) -> None:
    environment = {**os.environ, "UV_NO_PROGRESS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=environment, check=False)
    if done.returncode != 0:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"needs {name}, which could not be installed: {done.stderr.strip()[-300:]}")
