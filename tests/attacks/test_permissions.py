"""Attack: another account of this machine reads the database, its log, Prefect's files, the vault or the keys."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.attacks.neighbour import may_change_uid
from tests.support.command import Firedoor, _firedoor
from tests.support.prefect_home import prefect_home

from firedoor.runtime.config.private_files import exposed
from firedoor.runtime.config.settings import Settings

__all__ = ["_firedoor"]
READ = """
import json, os, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
found = []
for folder, names, files in os.walk(sys.argv[1]):
    for name in files:
        try:
            found.append([os.path.join(folder, name), len(open(os.path.join(folder, name), "rb").read(64))])
        except OSError:
            pass
for name in sys.argv[2:]:
    try:
        found.append([name, len(open(name, "rb").read(64))])
    except OSError:
        pass
print(json.dumps(found))
"""


UMASKED = [sys.executable, "-c", "import os; os.umask(0); from firedoor.interfaces.cli.main import main; main()"]


def until(look: Callable[[], bool], process: subprocess.Popen[bytes], words: Callable[[], str]) -> None:
    """Look until there is something to see, as long as the process lives."""
    while not look():
        assert process.poll() is None, words()
        time.sleep(0.05)


def open_to_all(folder: Path) -> Path:
    """A folder in which a neighbour can get as far as the data folder: pytest's own are private."""
    place = Path("/tmp") / f"firedoor-{os.getpid()}-{folder.name}"
    place.mkdir(mode=0o755)
    place.chmod(0o755)
    return place


def loose(folder: Path) -> list[str]:
    """Everything below that others can reach, by its own mode."""
    return [f"{path} {path.stat().st_mode & 0o777:o}" for path in (folder, *folder.rglob("*"))
            if path.stat().st_mode & 0o077 and not path.is_symlink()]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("made_before", [True, False], ids=["into a folder", "into none"])
def test_whatever_the_umask_nobody_else_reads_anything(tmp_path: Path, made_before: bool) -> None:
    """A server with Prefect and a backup under umask 000; then another account of this machine looks for files."""
    place = open_to_all(tmp_path)
    data, log, backup, note = place / "data", place / "up.log", place / "backup.tar", place / "note.txt"
    note.write_text("what everybody may read")
    note.chmod(0o644)
    if made_before:
        prefect_home(data)  # migrated before; the other start is the very first
        data.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("FIREDOOR_", "PREFECT_"))}
    environment["FIREDOOR_DATA_DIR"] = str(data)
    with log.open("wb") as words:
        server = subprocess.Popen([*UMASKED, "up", "--port", "0"], env=environment, stdout=words, stderr=words)
    try:
        until(lambda: "its own pages at" in log.read_text(), server, log.read_text)
        subprocess.run([*UMASKED, "backup", str(backup)], env=environment, check=True, capture_output=True)
        assert loose(data) == []
        assert {"firedoor.db", "firedoor.db-wal", "server.json", "prefect", "keys"} <= {
            path.name for path in data.iterdir()
        }
        assert (data / "prefect" / "prefect.db").exists()
        assert backup.stat().st_mode & 0o777 == 0o600
        if may_change_uid():
            everything = [sys.executable, "-c", READ, str(data), str(backup), str(note)]
            read = subprocess.run(everything, capture_output=True, check=True)
            assert [name for name, _ in json.loads(read.stdout)] == [str(note)], "it reads what it may, and no more"
    finally:
        server.terminate()
        server.wait()
    assert loose(data) == []
    shutil.rmtree(place)


def wrong_about_data(firedoor: Firedoor) -> list[str]:
    """What the doctor has to say about the data folder."""
    looks = firedoor("doctor", "--format", "json").json["looks"]
    return [look["found"] + look["do"] for look in looks if look["what"] == "data" and look["state"] == "wrong"]


def loosened(folder: Path) -> None:
    """As an earlier version left it under umask 022; a key ring there was none."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o600 if path.name == "keyring" else 0o644)


def test_it_does_not_start_where_others_can_reach_what_it_keeps(
    tmp_path: Path, firedoor: Firedoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shared folder is not ours to shut: it is refused, with the remedy; doctor and check see the same."""
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    data = tmp_path / "shared"
    monkeypatch.setenv("FIREDOOR_DATA_DIR", str(data))
    data.mkdir()
    (data / "thesis.odt").write_text("somebody else's")
    data.chmod(0o755)
    for command in (["up", "--no-prefect", "--port", "0"], ["incidents"], ["worker"]):
        done = firedoor(*command)
        assert (done.code, "U160" in done.err) == (3, True), (command, done.err)
        assert f"chmod 700 {data}" in done.err
    assert not list(data.glob("firedoor.db*"))
    assert "chmod 700" in wrong_about_data(firedoor)[0]
    checked = firedoor("check", "--format", "json")
    assert (checked.code, [one["code"] for one in checked.json["problems"]]) == (1, ["U160"])
    data.chmod(0o700)
    assert firedoor("incidents").code == 0
    assert firedoor("check").code == 0


def test_what_an_earlier_version_left_open_is_shut_at_the_next_start(
    tmp_path: Path, firedoor: Firedoor, caplog: pytest.LogCaptureFixture
) -> None:
    """A data folder that is plainly ours, made under umask 022: tightened, and said in the log."""
    assert firedoor("keys", "list").code == 0
    prefect = tmp_path / "data" / "prefect"
    prefect.mkdir()
    (prefect / "prefect.db").write_bytes(b"")
    loosened(tmp_path / "data")
    assert len(list(exposed(Settings(data_dir=tmp_path / "data")))) > 3
    assert firedoor("keys", "list").code == 0
    assert "could be reached by others until now" in caplog.text
    assert loose(tmp_path / "data") == []
    assert not list(exposed(Settings(data_dir=tmp_path / "data")))


@pytest.mark.parametrize("elsewhere", ["FIREDOOR_DATABASE_URL", "FIREDOOR_KEYRING"])
def test_a_database_elsewhere_and_keys_elsewhere_are_looked_at_too(
    tmp_path: Path, firedoor: Firedoor, monkeypatch: pytest.MonkeyPatch, elsewhere: str
) -> None:
    """Files outside the data folder are nobody's to change but their owner's: refused, with the remedy."""
    path = tmp_path / "other" / "file"
    path.parent.mkdir()
    code, place = ("U161", f"sqlite:///{path}") if elsewhere == "FIREDOOR_DATABASE_URL" else ("U162", str(path))
    monkeypatch.setenv(elsewhere, place)
    assert firedoor("keys", "list").code == 0
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    done = firedoor("keys", "list")
    assert (done.code, code in done.err, f"chmod 600 {path}" in done.err) == (3, True, True), done.err
    assert firedoor("check").code == 1
