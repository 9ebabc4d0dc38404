"""What a hashing process can no longer do: each is tried by a process that has given it up."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

START = """
import os, socket, subprocess, sys
from pathlib import Path
from firedoor.runtime.hashing.isolation import leave_the_network, leave_the_rest
alone = leave_the_network() if {namespaces} else False
if {rest}:
    held = leave_the_rest(alone=alone, root={root!r}, memory=1 << 30)
    print(held.network, held.files)
else:
    print("namespace" if alone else "none")
try:
    {attempt}
except (OSError, MemoryError) as error:
    print("refused", type(error).__name__)
else:
    print("done")
"""


@pytest.fixture(name="port")
def _port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def tried(root: Path, attempt: str, *, namespaces: bool = True, rest: bool = True) -> list[str]:
    """What a process says that gave things up and then tried something."""
    (root / "empty").mkdir(exist_ok=True)
    program = START.format(namespaces=namespaces, rest=rest, root=str(root / "empty"), attempt=attempt)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    return done.stdout.split("\n")[:-1] or [done.stderr]


def allowed() -> bool:
    """Whether this system allows namespaces at all, by another program than ours."""
    return subprocess.run(["unshare", "--user", "--net", "--mount", "true"], check=False).returncode == 0


def test_nothing_on_the_network_is_reached(tmp_path: Path, require, port: int) -> None:
    """A server of this machine answers before, and not from the namespace: the kernel refuses, without any hook."""
    attempt = f"socket.create_connection(('127.0.0.1', {port}), 5)"
    assert tried(tmp_path, attempt, namespaces=False, rest=False)[-1] == "done"
    require("namespaces", allowed())
    assert tried(tmp_path, attempt, rest=False) == ["namespace", "refused OSError"]


@pytest.mark.parametrize(
    "attempt",
    ["open('/etc/hostname')", "Path('/etc/passwd').read_bytes()", "open('/tmp/left-behind', 'w')", "os.listdir('/')",
     "subprocess.run(['/bin/true'])", "os.fork()", "os.kill(1, 9)", "os.system('true')", "socket.socket()"],
)  # fmt: skip
@pytest.mark.parametrize("namespaces", [True, False], ids=["namespaces", "the hook alone"])
def test_files_and_programs_are_out_of_reach(tmp_path: Path, attempt: str, namespaces: bool) -> None:
    """With namespaces and, where a system allows none, by the hook; which of them held is said."""
    expected = "namespace namespace" if namespaces and allowed() else "hook hook"
    assert tried(tmp_path, attempt, namespaces=namespaces) == [expected, "refused PermissionError"]


def test_no_file_can_be_written_even_through_an_open_one(tmp_path: Path) -> None:
    """The limit of the process holds for a descriptor that was opened before."""
    kept = tmp_path / "kept"
    attempt = "import signal; os.write({}, b'x' * 9)".format("fd")
    program = f"import os\nfd = os.open({str(kept)!r}, os.O_WRONLY | os.O_CREAT)\n"
    (tmp_path / "empty").mkdir()
    whole = program + START.format(namespaces=False, rest=True, root=str(tmp_path / "empty"), attempt=attempt)
    done = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, timeout=120, check=False)
    assert "done" not in done.stdout
    assert kept.stat().st_size == 0


def test_memory_is_bounded(tmp_path: Path) -> None:
    """Beyond the bound the process gets none."""
    assert tried(tmp_path, "bytearray(2 << 30)")[-1] == "refused MemoryError"
