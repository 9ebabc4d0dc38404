"""Backup and restore: taken while everything runs, restored elsewhere, and gone on with to the end."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.support.command import Firedoor, _firedoor
from tests.support.outside import PAGE, alter, house, in_flight

from firedoor.core.journal import Draft, Kind
from firedoor.core.lifecycle import State
from firedoor.core.problems import InvalidInput, Refused, Unanswered
from firedoor.runtime.config.settings import Settings
from firedoor.runtime.process.backup import Contents, back_up, restore
from firedoor.testing.house import STARTS, House, plan_of

__all__ = ["_firedoor"]
NOTE = Draft(Kind.NOTE, "person:Ada", {"text": "seen"})


@pytest.fixture(name="here")
def _here(tmp_path: Path) -> Iterator[House]:
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "targets.yaml").write_text("targets: {}\n")
    built = house(folder)
    yield built
    built.close()


def settings(folder: Path) -> Settings:
    """Settings for a data folder."""
    return Settings(data_dir=folder)


def digests(here: House, incident: str) -> list[str]:
    """What is under custody; of some pieces only the digest may be kept."""
    return [piece["sha256"] for piece in here.view(incident).evidence]


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def taken(here: House, file: Path) -> Contents:
    """A backup of a house."""
    return back_up(settings(here.folder), file, here.clock())


async def test_an_incident_in_flight_goes_on_elsewhere_to_its_closure(here: House, tmp_path: Path) -> None:
    """The drill: back up in the middle, lose the machine, restore on another, answer, close; nothing is done twice."""
    incident = await in_flight(here)
    before, effects = here.entries(incident), dict(here.far_end.effects)
    made = taken(here, tmp_path / "b.tar")
    shutil.rmtree(here.folder)
    assert restore(settings(tmp_path / "there"), tmp_path / "b.tar").digest == made.digest
    there = house(tmp_path / "there")
    there.far_end = here.far_end
    there._open_parts("process 2")
    assert there.entries(incident) == before
    assert (tmp_path / "there" / "targets.yaml").read_text() == "targets: {}\n"
    view = await there.answer(incident, "T1", "yes")
    assert (view.state, dict(here.far_end.effects)) == (State.CLOSED, effects)
    assert [fault for _, _, fault in there.store.verify()] == [None]
    there.close()


async def test_every_piece_of_evidence_comes_back_as_it_was(here: House, tmp_path: Path) -> None:
    """Under the same digest, readable by its owner only, and not to be written."""
    incident = await in_flight(here)
    kept = {digest for digest in digests(here, incident) if here.world.vault.path(digest).exists()}
    assert kept
    assert taken(here, tmp_path / "b.tar").pieces == len(kept)
    restore(settings(tmp_path / "there"), tmp_path / "b.tar")
    there = house(tmp_path / "there")
    assert {len(there.world.vault.get(digest)) > 0 for digest in kept} == {True}
    assert {there.world.vault.path(digest).stat().st_mode & 0o777 for digest in kept} == {0o400}
    there.close()
    assert (tmp_path / "b.tar").stat().st_mode & 0o777 == 0o600


async def test_a_backup_while_others_write_is_of_one_moment(here: House, tmp_path: Path) -> None:
    """Writers are not held up, and the journals in the archive end between two appends."""
    incident = await in_flight(here)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            here.store.append(incident, [NOTE, NOTE], here.clock()).result()

    writer = threading.Thread(target=write)
    writer.start()
    first = len(here.entries(incident))
    made = [taken(here, tmp_path / f"{number}.tar") for number in range(3)]
    stop.set()
    writer.join()
    heads = [contents.heads[incident][0] for contents in made]
    assert heads == sorted(heads)
    assert heads[-1] > first
    assert {(head - heads[0]) % 2 for head in heads} == {0}
    restore(settings(tmp_path / "there"), tmp_path / "2.tar")


async def test_a_restore_needs_an_empty_folder(here: House, tmp_path: Path) -> None:
    """What is there is never overwritten, and a backup never replaces another."""
    await in_flight(here)
    taken(here, tmp_path / "b.tar")
    with pytest.raises(Refused, match="B120"):
        restore(settings(here.folder), tmp_path / "b.tar")
    with pytest.raises(Refused, match="B101"):
        taken(here, tmp_path / "b.tar")
    (tmp_path / "empty").mkdir()
    assert restore(settings(tmp_path / "empty"), tmp_path / "b.tar").heads


def rewritten(source: Path, to: Path, change) -> None:
    """An archive of which `change(name, content)` alters a file; None leaves it out."""
    with tarfile.open(source) as old, tarfile.open(to, "w") as new:
        for member in old:
            content = change(member.name, old.extractfile(member).read())
            if content is not None:
                member.size = len(content)
                new.addfile(member, io.BytesIO(content))


@pytest.mark.parametrize("damaged", ["firedoor.db", "vault/", "targets.yaml", "manifest.json", "manifest.sha256"])
@pytest.mark.parametrize("how", ["altered", "missing"])
async def test_a_damaged_archive_restores_nothing(here: House, tmp_path: Path, damaged: str, how: str) -> None:
    """Every byte counts; what is left behind is nothing at all."""
    await in_flight(here)
    taken(here, tmp_path / "b.tar")

    def change(name: str, content: bytes) -> bytes | None:
        if not name.startswith(damaged):
            return content
        return content[:-9] + bytes([content[-9] ^ 1]) + content[-8:] if how == "altered" else None

    rewritten(tmp_path / "b.tar", tmp_path / "damaged.tar", change)
    with pytest.raises(InvalidInput, match=r"B124|B110"):
        restore(settings(tmp_path / "there"), tmp_path / "damaged.tar")
    assert names(tmp_path) == ["b.tar", "damaged.tar", "here"]


async def test_an_archive_that_was_cut_off_or_is_none_is_told_in_words(here: House, tmp_path: Path) -> None:
    """Cut anywhere, empty, or something else altogether."""
    await in_flight(here)
    taken(here, tmp_path / "b.tar")
    whole = (tmp_path / "b.tar").read_bytes()
    for part in (whole[: len(whole) // 2], whole[:-20_000], whole[:700], b"", b"hello" * 1000):
        (tmp_path / "cut.tar").write_bytes(part)
        with pytest.raises(InvalidInput, match="B124"):
            restore(settings(tmp_path / "there"), tmp_path / "cut.tar")
    with pytest.raises(InvalidInput, match="B123"):
        restore(settings(tmp_path / "there"), tmp_path / "none.tar")


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "vault/../../evil", "other.txt", "vault/a/b/c/d"])
def test_no_name_in_an_archive_leads_outside(tmp_path: Path, name: str) -> None:
    """An archive is made by others: only the names that a backup writes are taken."""
    with tarfile.open(tmp_path / "evil.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    with pytest.raises(InvalidInput, match="B124"):
        restore(settings(tmp_path / "there"), tmp_path / "evil.tar")


def test_a_link_in_an_archive_is_not_followed(tmp_path: Path) -> None:
    """Nor any other member that is no file."""
    with tarfile.open(tmp_path / "evil.tar", "w") as archive:
        member = tarfile.TarInfo("targets.yaml")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(member)
    with pytest.raises(InvalidInput, match="B124"):
        restore(settings(tmp_path / "there"), tmp_path / "evil.tar")


async def test_a_broken_journal_is_told_when_it_is_backed_up(here: House, tmp_path: Path) -> None:
    """The archive is made all the same, for examination; restoring it is refused."""
    await in_flight(here)
    alter(here, "UPDATE entry SET actor = 'person:Eve' WHERE seq = 2")
    assert [problem.code for problem in taken(here, tmp_path / "b.tar").problems] == ["B110"]
    with pytest.raises(InvalidInput, match="B110"):
        restore(settings(tmp_path / "there"), tmp_path / "b.tar")


async def test_an_altered_piece_is_told_on_both_ways_and_comes_back_as_it_was(here: House, tmp_path: Path) -> None:
    """One altered piece is no reason to keep or to give back nothing."""
    incident = await in_flight(here)
    path = next(path for path in map(here.world.vault.path, digests(here, incident)) if path.exists())
    path.chmod(0o600)
    path.write_bytes(b"altered")
    assert [problem.code for problem in taken(here, tmp_path / "b.tar").problems] == ["B111"]
    again = restore(settings(tmp_path / "there"), tmp_path / "b.tar")
    assert [problem.code for problem in again.problems] == ["B111"]


async def test_a_backup_that_cannot_be_written_leaves_nothing(here: House, tmp_path: Path) -> None:
    """No half archive that looks like a whole one."""
    await in_flight(here)
    with pytest.raises(Unanswered, match="B102"):
        taken(here, tmp_path / "no-such-folder" / "b.tar")
    with pytest.raises(InvalidInput, match="B103"):
        back_up(settings(tmp_path / "nowhere"), tmp_path / "b.tar", STARTS)
    assert names(tmp_path) == ["here"]


async def test_with_postgresql_only_the_vault_is_taken(
    cluster, tmp_path: Path, firedoor: Firedoor, monkeypatch
) -> None:
    """The database has tools of its own, and the command says so."""
    url, folder = cluster.new_database(), tmp_path / "data"
    folder.mkdir(exist_ok=True)
    here = House(folder, plan_of(PAGE), url=url)
    await in_flight(here)
    monkeypatch.setenv("FIREDOOR_DATABASE_URL", url)
    said = firedoor("backup", tmp_path / "b.tar")
    assert (said.code, "pg_dump" in said.out) == (0, True)
    with tarfile.open(tmp_path / "b.tar") as archive:
        assert {name.split("/")[0] for name in archive.getnames()} == {"vault", "manifest.json", "manifest.sha256"}
    here.close()
    shutil.rmtree(folder)
    assert firedoor("restore", tmp_path / "b.tar").code == 0
    assert list(folder.glob("vault/??/*"))


async def test_the_command_says_what_is_in_the_archive(
    here: House, tmp_path: Path, firedoor: Firedoor, monkeypatch
) -> None:
    """Both ways with the same digest, so that it can be compared with one that was written down."""
    await in_flight(here)
    monkeypatch.setenv("FIREDOOR_DATA_DIR", str(here.folder))
    out = firedoor("backup", tmp_path / "b.tar").out
    monkeypatch.setenv("FIREDOOR_DATA_DIR", str(tmp_path / "there"))
    said = firedoor("restore", tmp_path / "b.tar")
    assert said.code == 0
    assert out.splitlines()[1] == said.out.splitlines()[1]
    assert "1 journals, 1 pieces" in " ".join(out.split())
    monkeypatch.setenv("FIREDOOR_DATABASE_URL", "postgresql+psycopg://nowhere/x")
    monkeypatch.setenv("FIREDOOR_DATA_DIR", str(tmp_path / "third"))
    assert firedoor("restore", tmp_path / "b.tar").code == 3


async def test_the_manifest_names_every_file_and_every_head(here: House, tmp_path: Path) -> None:
    """So that the heads can be kept elsewhere, and compared."""
    incident = await in_flight(here)
    made = taken(here, tmp_path / "b.tar")
    with tarfile.open(tmp_path / "b.tar") as archive:
        manifest = json.loads(archive.extractfile("manifest.json").read())
        assert {*archive.getnames()} - {"manifest.json", "manifest.sha256"} == {*manifest["files"]} == {*made.files}
    last = here.entries(incident)[-1]
    assert manifest["heads"] == {incident: [last.seq, last.hash]}
    with here.store.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM incident")).scalar() == 1
