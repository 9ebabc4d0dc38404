"""Commands are bounded: no shell, little in their environment, an end to their time and to what they may say."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from firedoor.connectors.parts.commands import MAXIMUM_OUTPUT, Command, run
from firedoor.core.problems import InDoubt, InvalidInput, Unanswered


def command(script: str, *arguments: str, seconds: float = 5.0) -> Command:
    """A command that interprets a script of the test."""
    return Command("sh", ("-c", script, "test", *arguments), {}, timeout_seconds=seconds)


async def test_an_answer_is_exit_code_output_and_complaint() -> None:
    """All three come back as they were; a complaint is one line."""
    output = await run(command("printf said; printf 'a\\nb' >&2; exit 3"), changes=True)
    assert (output.code, output.content, output.complaint) == (3, b"said", "a b")


async def test_no_shell_reads_an_argument() -> None:
    """What would be a second command is a piece of text."""
    output = await run(Command("printf", ("%s", "$(id); true | `id`"), {}), changes=False)
    assert output.content == b"$(id); true | `id`"


async def test_nothing_of_ours_is_in_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets of this process are not handed on, and standard input is empty."""
    monkeypatch.setenv("FIREDOOR_TEST_SECRET", "a secret")
    output = await run(command("cat; env"), changes=False)
    assert b"a secret" not in output.content
    assert {line.split(b"=")[0] for line in output.content.splitlines()} <= {
        b"PATH",
        b"LC_ALL",
        b"TZ",
        b"PWD",
        b"_",
        b"SHLVL",
        b"OLDPWD",
    }


@pytest.mark.parametrize(("changes", "error"), [(True, InDoubt), (False, Unanswered)])
async def test_out_of_time_is_doubt_only_where_it_changes(
    tmp_path: Path, changes: bool, error: type[Exception]
) -> None:
    """It is ended with all that it started, and a look that was not answered had no effect."""
    script = 'sleep 60 & echo $! > "$1"; wait'
    with pytest.raises(error) as caught:
        await run(command(script, str(tmp_path / "child"), seconds=0.5), changes=changes)
    assert type(caught.value) is error
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        if not _lives(child):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the child outlived its command")


async def test_a_program_that_does_not_stop_talking_is_stopped() -> None:
    """More than is read is no answer."""
    with pytest.raises(Unanswered, match=f"wrote more than {MAXIMUM_OUTPUT} bytes"):
        await run(command("yes"), changes=False)


async def test_a_cancelled_run_leaves_nothing_behind(tmp_path: Path) -> None:
    """Whoever stops waiting stops the program too."""
    task = asyncio.create_task(run(command('echo $$ > "$1"; exec sleep 60', str(tmp_path / "pid")), changes=True))
    for _ in range(200):
        await asyncio.sleep(0.02)
        if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
            break
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not _lives(int((tmp_path / "pid").read_text()))


async def test_a_missing_program_changed_nothing() -> None:
    """The message names it, and where it was looked for."""
    with pytest.raises(Unanswered, match="no-such-program is not in the usual folders"):
        await run(Command("no-such-program", (), {}), changes=True)


async def test_arguments_without_end_are_refused() -> None:
    """Too many things at once are named before anything is started."""
    with pytest.raises(InvalidInput, match="more or longer arguments"):
        await run(Command("true", ("x",) * 1000, {}), changes=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{process}/stat")
    return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"
