"""The tutorial works: its files and commands, in its order, in one shell, as a newcomer types them."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.patience import ended

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
STAYS = {  # what a newcomer leaves running in another terminal, and how the shell sees that it serves
    "firedoor up": "grep -q '^ready ' stays.log",
    "python -m firedoor.demo.model_server": "curl -s -o /dev/null http://127.0.0.1:{port}/",
}
FILES = {"targets:": "targets.yaml", "name:": "organisation.yaml"}

pytestmark = pytest.mark.slow


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def commands(body: str) -> Iterator[str]:
    """The lines after `$`; a backslash joins the next one."""
    for line in body.replace("\\\n", " ").splitlines():
        if line.startswith("$ "):
            yield line[2:]


def script(text: str) -> str:
    """The page as one shell script. What stays running goes to the background, and is waited for."""
    lines = ["set -e"]
    for block in FENCE.finditer(text):
        if block["language"] == "yaml":
            name = FILES[block["body"].split()[0]]
            lines.append(f"cat > $FIREDOOR_DATA_DIR/{name} <<'END'\n{block['body']}END")
        for command in commands(block["body"]) if block["language"] == "console" else ():
            shown = command.replace('"', '\\"').replace("$", "\\$")
            lines.append(f'echo "==== {shown}"')
            lines.append(stays(command) if command.startswith(tuple(STAYS)) else command)
    return "\n".join(lines)


def stays(command: str) -> str:
    """A command that goes on beside the others, and the wait until it serves, as long as it lives."""
    look = next(look for words, look in STAYS.items() if command.startswith(words))
    serves = look.format(port=command.rpartition(" ")[2])
    dies = "kill -0 $! || { cat stays.log; exit 1; }"
    return f"{command} > stays.log 2>&1 & until {serves}; do {dies}; sleep 0.2; done"


def stop(group: int) -> None:
    """End the shell's process group: first asked, then made to."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, number)
        time.sleep(3 if number == signal.SIGTERM else 0.2)


def test_the_tutorial_works_as_it_is_written(tmp_path: Path, require: object) -> None:
    """Every command ends well, the door is proved shut and open, the clock runs, the report is there."""
    assert callable(require)
    require("curl")
    text = PAGE.read_text().replace("8700", str(free_port()))
    folder = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "FIREDOOR_PORT": str(free_port())}
    shell = subprocess.Popen(
        ["bash", "-c", script(text)], cwd=tmp_path, env=environment, text=True, start_new_session=True,
        stdout=(tmp_path / "said.txt").open("w"), stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        code = ended(shell)
    finally:
        stop(shell.pid)
    said = (tmp_path / "said.txt").read_text()
    assert code == 0, said[-4000:]
    assert "Mira Exempel" in said
    assert len(re.findall(r"^chat-large  (answers|refuses)$", said, re.MULTILINE)) == 2
    assert re.search(r"eu.gdpr.art33.sa +provisional .* in 71 h 5\d min", said)
    assert (tmp_path / "report.html").read_text().startswith("<!")
    assert "intact" in said
