"""Folders, manifests and buckets are hashed and looked up; what was hashed once is not read again; nothing is left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from moto import mock_aws
from tests.support import drawn

from firedoor.core.alerts.matching import TrustedBank
from firedoor.core.hashing.pdq import pdq
from firedoor.core.problems import InvalidInput
from firedoor.runtime.hashing import sources
from firedoor.runtime.hashing.examine import Wanted, examine

pytestmark = pytest.mark.slow  # each answer starts processes
NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> Path:
    """Five pictures in folders, each with the mark, and a text."""
    folder = tmp_path / "store"
    for seed in range(5):
        (folder / str(seed % 2)).mkdir(parents=True, exist_ok=True)
        (folder / str(seed % 2) / f"{seed}.jpg").write_bytes(drawn.jpeg(drawn.drawn(seed), marked=True))
    (folder / "words.txt").write_bytes(drawn.MARK)
    return folder


@pytest.fixture(name="bank")
def _bank(tmp_path: Path) -> Path:
    """Pictures 1 and 2, the second as its mirror image, and one that was withdrawn."""
    one, two, gone = (
        pdq(np.asarray(picture)).hash for picture in (drawn.drawn(1), drawn.drawn(2).transpose(0), drawn.drawn(3))
    )
    file = tmp_path / "Own.csv"
    rows = [f"pdq,{one},c-1,manual,active", f"pdq,{two},c-2,manual,active", f"pdq,{gone},c-3,manual,withdrawn"]
    file.write_text("\n".join(["algorithm,value,case,review,status", *rows]) + "\n")
    return file


def found(*paths: object, **more: Any) -> Any:
    """The answer, with one process."""
    banks = [str(one) for one in more.pop("banks", ())]
    return examine(Wanted([str(path) for path in paths], banks, workers=1, **more), NOW)


def test_a_folder_is_hashed_and_looked_up(store: Path, bank: Path) -> None:
    """A match and a mirrored one are found, a withdrawn entry matches nothing."""
    answer = found(store, banks=[bank], trusted=[TrustedBank("Own")])
    report = answer.report
    assert (report["files"], report["pictures"], report["matched"], report["proved"]) == (6, 5, 2, 2)
    told = {Path(hit["locator"]).name: (hit["case"], hit["turn"]) for hit in report["hits"]}
    assert told == {"1.jpg": ("c-1", "original"), "2.jpg": ("c-2", "mirrored_y")}
    assert answer.questions == 0
    assert "cropped" in report["not_found_by_hashes"][0]
    assert set(report["isolation"].values()) <= {"namespace", "hook"}


def test_a_match_without_proof_and_a_wrong_row_are_questions(store: Path, bank: Path) -> None:
    """Somebody has to look at each of them."""
    bank.write_text(bank.read_text() + "pdq,zz,c,manual,active\n")
    answer = found(store, banks=[bank])
    assert answer.questions == 3
    assert answer.report["proved"] == 0
    assert [one["message"].partition(":")[0] for one in answer.report["problems"]] == ["row 4"]


def test_files_of_one_name_are_one_bank_in_their_order(store: Path, bank: Path, tmp_path: Path) -> None:
    """A later file withdraws what an earlier one listed; under another name it is another bank."""
    later = tmp_path / "later.csv"
    later.write_text(bank.read_text().replace("c-1,manual,active", "c-1,manual,withdrawn"))
    report = found(store, banks=[bank, f"Own={later}"]).report
    assert [hit["case"] for hit in report["hits"]] == ["c-2"]
    assert [(one["bank"], one["entries"], one["withdrawn"]) for one in report["banks"]] == [("Own", 1, 2)]
    assert {hit["bank"] for hit in found(store, banks=[bank, later]).report["hits"]} == {"Own", "later"}


def test_a_picture_in_a_form_that_is_not_read_is_a_question(tmp_path: Path) -> None:
    """It is not passed over as if it were no picture."""
    (tmp_path / "phone.heic").write_bytes(b"\x00\x00\x00\x18ftypheic" + bytes(60))
    (tmp_path / "scan.tif").write_bytes(b"II*\x00" + bytes(60))
    answer = found(tmp_path)
    assert [one["why"] for one in answer.report["without_hash"]] == ["form", "form"]
    assert answer.questions == 2


def test_a_smaller_distance_finds_less(store: Path, bank: Path) -> None:
    """At 0 only what is equal bit for bit."""
    assert found(store, banks=[bank], distance=0).report["matched"] == 1
    assert found(store, banks=[bank], distance=31).report["matched"] == 2


def test_only_what_is_new_or_changed_is_read_again(store: Path, bank: Path, tmp_path: Path) -> None:
    """With the same answer; what is gone leaves the file of known hashes."""
    seen = tmp_path / "known.jsonl"
    first = found(store, banks=[bank], seen=seen).report
    again = found(store, banks=[bank], seen=seen).report
    assert (first["read"], again["read"]) == (6, 0)
    assert again["hits"] == first["hits"]
    (store / "0" / "0.jpg").write_bytes(drawn.jpeg(drawn.drawn(1), 60))
    (store / "1" / "1.jpg").unlink()
    changed = found(store, banks=[bank], seen=seen).report
    assert (changed["read"], changed["files"]) == (1, 5)
    assert [Path(hit["locator"]).name for hit in changed["hits"]] == ["0.jpg", "2.jpg"]
    assert len(seen.read_text().splitlines()) == 5
    assert seen.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("line", ["{", "[]", '{"locator": "x"}', '{"mark": "1", "locator": "x", "bytes": "many"}'])
def test_a_spoiled_file_of_known_hashes_is_refused(store: Path, tmp_path: Path, line: str) -> None:
    """By its line, with what to do."""
    seen = tmp_path / "known.jsonl"
    seen.write_text(line + "\n")
    with pytest.raises(InvalidInput, match="line 1"):
        found(store, seen=seen)


def test_a_manifest_names_files_by_its_folder(store: Path, bank: Path) -> None:
    """What is not there is told beside the others."""
    manifest = store / "list.jsonl"
    manifest.write_text('{"locator": "1/1.jpg"}\n\n{"locator": "0/gone.jpg"}\n{"locator": "0/2.jpg", "more": 1}\n')
    answer = found(manifest, banks=[bank], trusted=[TrustedBank("Own")])
    assert [hit["locator"] for hit in answer.report["hits"]] == ["1/1.jpg", "0/2.jpg"]
    assert answer.report["without_hash"] == [
        {"locator": "0/gone.jpg", "why": "not_read", "words": "it could not be read"}
    ]
    assert answer.questions == 1


@pytest.mark.parametrize(
    "line", ["no json", "[]", '{"path": "x"}', '{"locator": "data:image/png;base64,AAAA"}', '{"locator": ""}']
)
def test_a_manifest_that_is_wrong_is_refused_by_its_line(store: Path, line: str) -> None:
    """Content is no locator."""
    manifest = store / "list.jsonl"
    manifest.write_text('{"locator": "1/1.jpg"}\n' + line + "\n")
    with pytest.raises(InvalidInput, match=r"list\.jsonl, line 2"):
        found(manifest)


def test_links_and_pipes_are_not_followed(store: Path, tmp_path: Path) -> None:
    """Neither out of the folder nor into waiting for ever."""
    outside = tmp_path / "outside.jpg"
    outside.write_bytes(drawn.jpeg(drawn.drawn(7)))
    (store / "link.jpg").symlink_to(outside)
    (store / "folder").symlink_to(tmp_path)
    os.mkfifo(store / "pipe.jpg")
    assert found(store).report["files"] == 6


def test_a_path_that_is_not_there_is_refused_before_anything_is_hashed(store: Path, tmp_path: Path) -> None:
    """By its name."""
    with pytest.raises(InvalidInput, match="nowhere"):
        found(store, tmp_path / "nowhere")


@pytest.fixture(name="bucket")
def _bucket(monkeypatch: pytest.MonkeyPatch, store: Path) -> Iterator[Any]:
    """The same pictures in a bucket."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        sources._client.cache_clear()
        client = boto3.client("s3")
        client.create_bucket(Bucket="pictures")
        for file in sorted(store.rglob("*.jpg")):
            client.put_object(Bucket="pictures", Key=f"p/{file.name}", Body=file.read_bytes())
        client.put_object(Bucket="pictures", Key="other/x.jpg", Body=b"not below the prefix")
        yield client
    sources._client.cache_clear()


def test_a_bucket_is_hashed_where_it_lies(bucket: Any, bank: Path, tmp_path: Path) -> None:
    """By its addresses, and again only what has changed."""
    seen = tmp_path / "known.jsonl"
    report = found("s3://pictures/p/", banks=[bank], seen=seen).report
    assert [hit["locator"] for hit in report["hits"]] == ["s3://pictures/p/1.jpg", "s3://pictures/p/2.jpg"]
    bucket.put_object(Bucket="pictures", Key="p/0.jpg", Body=drawn.jpeg(drawn.drawn(9)))
    again = found("s3://pictures/p/", banks=[bank], seen=seen).report
    assert (report["read"], again["read"], again["files"]) == (5, 1, 5)


def test_a_manifest_names_objects_of_a_bucket(bucket: Any, bank: Path, tmp_path: Path) -> None:
    """One that is not there is told as not read."""
    manifest = tmp_path / "list.jsonl"
    rows = [{"locator": f"s3://pictures/p/{name}.jpg"} for name in ("1", "gone")]
    manifest.write_text("\n".join(map(json.dumps, rows)))
    report = found(manifest, banks=[bank]).report
    assert [hit["locator"] for hit in report["hits"]] == ["s3://pictures/p/1.jpg"]
    assert [one["why"] for one in report["without_hash"]] == ["not_read"]


def firedoor(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    """The command, with all that it may write below one folder."""
    own = {"FIREDOOR_DATA_DIR": str(folder / "data"), "TMPDIR": str(folder / "tmp"), "HOME": str(folder / "home")}
    for name in ("data", "tmp", "home"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "firedoor.interfaces.cli.main", "examine", "hashes", *words]
    return subprocess.run(command, env={**os.environ, **own}, capture_output=True, timeout=300, check=False)


def test_nothing_of_a_picture_is_found_anywhere_afterwards(store: Path, bank: Path, tmp_path: Path) -> None:
    """Neither the planted pattern nor a piece of a file is in an answer, a log, a database or a folder."""
    own, seen = tmp_path / "own", tmp_path / "own" / "known.jsonl"
    (store / "cut.jpg").write_bytes(drawn.jpeg(drawn.drawn(1), marked=True)[:900])  # a decoder complains about it
    done = firedoor(own, str(store), "--bank", str(bank), "--known", str(seen), "--format", "json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["pictures"] == 5
    written = [file for file in own.rglob("*") if file.is_file()]
    assert seen in written
    everywhere = b"\n".join([done.stdout, done.stderr, *(file.read_bytes() for file in written)])
    assert drawn.MARK not in everywhere
    assert drawn.MARK.hex().encode() not in everywhere
    pictures = [file.read_bytes() for file in store.rglob("*.jpg")]
    assert not [at for one in pictures for at in range(0, len(one) - 32, 509) if one[at : at + 32] in everywhere]
    assert not list((own / "tmp").iterdir())


def test_the_command_says_what_it_found_and_what_it_cannot(store: Path, bank: Path, tmp_path: Path) -> None:
    """In a terminal; 0 where nobody has to look, and a bank is trusted by the organisation's profile."""
    profile = tmp_path / "own" / "data" / "organisation.yaml"
    profile.parent.mkdir(parents=True)
    profile.write_text("trusted_banks:\n  Own: {review: manual}\n")
    done = firedoor(tmp_path / "own", str(store), "--bank", str(bank))
    said = done.stdout.decode()
    assert done.returncode == 0, done.stderr
    assert "6 files, 6 of them read now; 5 pictures" in said
    assert "2 match a hash bank; 2 of 2 matches are as good as proof" in said
    assert "case c-2, distance " in said
    assert ", mirrored left to right" in said
    assert "cropped pictures" in said


def test_a_bank_that_is_no_bank_ends_with_a_problem(store: Path, tmp_path: Path) -> None:
    """Exit code 1, in words."""
    (tmp_path / "b.xml").write_text("<!DOCTYPE a><a/>")
    done = firedoor(tmp_path / "own", str(store), "--bank", str(tmp_path / "b.xml"))
    assert done.returncode == 1
    assert b"X201" in done.stderr
    assert b"Traceback" not in done.stderr
