"""Attack: pictures under another name. A PNG sent as `application/octet-stream` lay in the vault and in every backup.

Every piece of the corpus goes in by every way there is, and is afterwards searched for in every byte of the data folder
(database, write-ahead log, vault), in the log, the temporary folder, a backup and an exported bag.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import quopri
import random
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import httpx
import pytest
from tests.attacks.disguises import DISGUISES, DRESSED, HARMLESS, HEADERS, PLANT, PNG
from tests.support.api_house import House, house, problems
from tests.web.console.test_console_incident import PAGE, browser

from firedoor.core.content import judge
from firedoor.core.evidence.custody import added
from firedoor.core.execution.progress import Instance
from firedoor.core.execution.turn import Launch
from firedoor.core.journal import Draft, Kind
from firedoor.core.playbook.plan import Keep
from firedoor.core.targets import Inventory
from firedoor.core.tasks.answers import Person
from firedoor.interfaces.cli.incidents import bundle
from firedoor.interfaces.cli.system.doctor_content import refused_pieces
from firedoor.interfaces.cli.terminal.client import Api
from firedoor.interfaces.web.http.session import COOKIE
from firedoor.runtime.execution.preserve import keep
from firedoor.runtime.process.backup import back_up
from firedoor.store.database.tables import AlertRow
from firedoor.store.identity.sessions import csrf_of
from firedoor.store.incidents.vault import Vault

V1 = "/api/v1"
NAMES = ("x.bin", "x.txt", "x.log", "x.json", "x")
KINDS = ("application/octet-stream", "text/plain", "application/json", "text/csv", "")
TEXTS = {name: piece.decode("latin-1") for name, piece in DRESSED.items() if piece.isascii() and len(piece) < 12_000}


@pytest.fixture(name="built")
async def _built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    async with house(tmp_path / "data") as built:
        yield built


def traces(piece: bytes) -> set[bytes]:
    """By what a piece would be found: the pattern, and parts of it that stand nowhere else."""
    plain = {PLANT, base64.b64encode(PLANT)[4:-4], PLANT.hex().encode()}
    return plain | {piece[at : at + 24] for at in (len(piece) // 3, len(piece) // 2) if len(piece) > 400}


def found_in(folder: Path, pieces: Iterator[bytes] | list[bytes]) -> list[str]:
    """The files below a folder that hold a trace of any of the pieces."""
    wanted = {trace for piece in pieces for trace in traces(piece) if len(set(trace)) > 8}
    files = [file for file in folder.rglob("*") if file.is_file()]
    held = ((file, _content(file)) for file in files)
    return [str(file) for file, content in held if any(trace in content for trace in wanted)]


def _content(file: Path) -> bytes:
    """What a file holds; nothing where a database has taken its journal away meanwhile."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


async def upload(built: House, incident: str, piece: bytes, number: int, **query: str) -> httpx.Response:
    """Send a piece as a program does, under one of many names and kinds."""
    kind = KINDS[number % len(KINDS)]
    headers = {"content-type": kind} if kind else {}
    given = {"name": f"{NAMES[number % len(NAMES)]} {number}", "why": "as it was reported", **query}
    return await built.local.post(f"{V1}/incidents/{incident}/evidence", params=given, content=piece, headers=headers)


async def test_no_disguise_comes_in_by_an_upload(
    built: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each is known by its digest, with what it is and why; asked for by name it is refused; and no byte stays."""
    incident = await built.open()
    for number, piece in enumerate(DISGUISES.values()):
        kept = (await upload(built, incident, piece, number)).json()["evidence"]
        assert (kept["mode"], kept["size"], bool(kept["what"]), bool(kept["refused"])) == (
            "digest",
            len(piece),
            True,
            True,
        )
        asked = await upload(built, incident, piece, number, mode="vault")
        assert (asked.status_code, problems(asked)) == (409, ["E106"])
    back_up(built.runtime.settings, tmp_path / "backup.tar", datetime.now(UTC))
    await bundle.export(Api(built.local), incident, tmp_path / "bag", "for the authority")
    assert found_in(tmp_path, list(DISGUISES.values())) == []
    assert PLANT.decode() not in caplog.text


async def test_what_responders_need_comes_in(built: House) -> None:
    """And is handed out as it came."""
    incident = await built.open()
    for number, (name, piece) in enumerate(HARMLESS.items()):
        kept = (await upload(built, incident, piece, number, mode="vault")).json()["evidence"]
        assert kept["mode"] == "vault", name
        got = await built.local.get(f"{V1}/incidents/{incident}/evidence/{kept['sha256']}")
        assert got.content == piece


async def test_no_disguise_comes_in_by_the_console(built: House, tmp_path: Path) -> None:
    """The form for evidence, and the two for what was sent and for a receipt, which hold a file of up to a megabyte."""
    incident, ann = await built.open(), await browser(built, "ann", "commander", "dpo")
    words = {"csrf": csrf_of(ann.client.cookies[COOKIE]), "name": "a log", "why": "reported", "language": "en"}
    for number, piece in enumerate(DISGUISES.values()):
        files = {"file": (NAMES[number % 5], piece, KINDS[number % 4])}
        sent = await ann.client.post(f"/incidents/{incident}/evidence", data=words, files=files, headers=PAGE)
        assert sent.status_code == 303
    for what in ("sent", "receipt"):
        files = {"file": ("form.pdf", PNG * 300, "application/pdf")}
        at = f"/incidents/{incident}/notices/press"
        sent = await ann.client.post(at, data={**words, "what": what}, files=files, headers=PAGE)
        assert sent.status_code == 303, sent.text
    notice = (await built.local.get(f"{V1}{at}")).json()
    assert notice["state"] == "sent"
    assert found_in(tmp_path, list(DISGUISES.values())) == []


async def test_no_disguise_comes_in_by_an_alert(built: House, tmp_path: Path) -> None:
    """In a locator, a label, a name or a title; the alert is taken in, and says in a note what was left out."""
    hidden = [text for text in TEXTS.values() if "\n" not in text]
    assert len(hidden) > 10
    for number, text in enumerate(hidden):
        part = text[:250]
        alert = {
            "id": f"a{number}", "incident": "data_leakage_in_ai_models", "method": "canary", "severity": "low",
            "locators": [text[:2000], f"data:image/png;base64,{part}", "https://example.org/post/1"],
            "labels": {f"l{n}": text[250 * n : 250 * n + 250] or "-" for n in range(16)}, "model": part,
            "title": part[:190],
        }  # fmt: skip
        answer = await built.local.post(f"{V1}/alerts/generic", json=alert)
        assert answer.status_code == 202, answer.text
    alerts = [str(row["body"]) for row in built.runtime.world.store.rows(AlertRow)]
    assert len(alerts) == len(hidden)
    assert all("left out" in one and "https://example.org/post/1" in one for one in alerts)
    assert found_in(tmp_path, [text.encode() for text in hidden]) == []


async def test_no_disguise_comes_in_by_words(built: House, tmp_path: Path) -> None:
    """As a fact, a list of places, a reason, a title, a name of evidence, an answer, or a text of a notice."""
    incident = await built.open()
    at, text = f"{V1}/incidents/{incident}", TEXTS["base64-jpeg"][:3000]
    opening = {"playbook": "model-data-leakage", "why": "x", "facts": {}}
    tries: list[tuple[str, str, Any]] = [
        ("PATCH", f"{at}/facts", {"facts": {"root_cause": text}, "why": "x"}),
        ("PATCH", f"{at}/facts", {"facts": {"root_cause": "not known"}, "why": text}),
        ("POST", f"{V1}/incidents", {**opening, "title": text[:190]}),
        ("POST", f"{V1}/incidents", {**opening, "why": text}),
        ("POST", f"{at}/tasks/T1/answer", {"choice": "yes", "why": text}),
        ("POST", f"{at}/evidence/locators", {"name": "x", "why": "x", "locators": [f"data:image/jpeg;base64,{text}"]}),
        ("POST", f"{at}/evidence/locators", {"name": text[:190], "why": "x", "hashes": ["ab" * 32]}),
        ("POST", f"{at}/notices/press/edit", {"text": f"# Notice\n\n{text}\n", "why": "worded"}),
    ]
    for method, path, body in tries:
        answer = await built.local.request(method, path, json=body)
        assert answer.status_code in (409, 422), (path, answer.status_code, answer.text)
        assert PLANT.decode() not in answer.text
    assert found_in(tmp_path, [text.encode()]) == []


async def test_no_disguise_comes_in_by_a_connector(built: House, tmp_path: Path) -> None:
    """An artefact that the inventory says to keep: its digest, its size and its place are kept, and no byte."""
    shared = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    shared.mkdir()
    for number, piece in enumerate(DISGUISES.values()):
        (shared / f"a{number}").write_bytes(piece)
    evidence = {f"a{number}": {"file": str(shared / f"a{number}")} for number in range(len(DISGUISES))}
    door = {"name": "door", "connector": "http"}
    target = {"kind": "endpoint", "title": "x", "doors": [door], "evidence": evidence}
    world = built.runtime.world
    world.inventory.targets["store"] = Inventory.model_validate({"targets": {"store": target}}).targets["store"]
    incident = await built.open()
    view = await asyncio.to_thread(world.view, incident)
    for name in evidence:
        operation = Keep(id="x", title="x", phase="containment", step="x", source="artefact", name=name, target="store")
        drafts, _ = await keep(world, view, Launch(Instance("x", operation), "key", 1), operation)
        assert (drafts[0].body["mode"], bool(drafts[0].body["refused"])) == ("digest", True)
    assert found_in(tmp_path, list(DISGUISES.values())) == []


async def test_an_incident_about_images_of_people_keeps_no_bytes(built: House) -> None:
    """Not even a text, from outside; hashes and places are kept, and the reason is said."""
    incident = await built.open("nonconsensual-generation")
    kept = (await upload(built, incident, HARMLESS["log"], 0)).json()["evidence"]
    assert (kept["mode"], "keeps no bytes" in kept["refused"]) == ("digest", True)
    asked = await upload(built, incident, HARMLESS["log"], 0, mode="vault")
    assert problems(asked) == ["E106"]
    pointer = {"name": "the post", "why": "named", "hashes": ["ab" * 32], "locators": ["post/8812"]}
    kept = (await built.local.post(f"{V1}/incidents/{incident}/evidence/locators", json=pointer)).json()["evidence"]
    held = await built.local.get(f"{V1}/incidents/{incident}/evidence/{kept['sha256']}")
    assert held.json()["locators"] == ["post/8812"]


async def test_what_an_earlier_version_kept_goes_nowhere(built: House, tmp_path: Path) -> None:
    """Not into a download, a backup or a bag; the doctor and the manifest name it; the bag still verifies."""
    incident = await built.open()
    vault, digest = built.runtime.world.vault, hashlib.sha256(PNG).hexdigest()
    vault._write(vault.path(digest), PNG)
    person, at = Person("Old", frozenset()), "2026-11-01T00:00:00Z"
    body = {**added("x.bin", digest, len(PNG), "text/plain", "vault", "x", person, at).body, "kind": ""}
    old, world = [Draft(Kind.EVIDENCE, person.actor, body)], built.runtime.world
    await asyncio.wrap_future(world.store.append(incident, old, world.now()))
    assert problems(await built.local.get(f"{V1}/incidents/{incident}/evidence/{digest}")) == ["E112"]
    contents = back_up(built.runtime.settings, tmp_path / "b.tar", datetime.now(UTC))
    assert list(contents.withheld) == [f"vault/{digest[:2]}/{digest}"]
    assert PLANT not in (tmp_path / "b.tar").read_bytes()
    made = await bundle.export(Api(built.local), incident, tmp_path / "bag", "x")
    assert [one["sha256"] for one in made["withheld"]] == [digest]
    assert bundle.faults(tmp_path / "bag")[2] == []
    assert [name for name, _ in refused_pieces(vault.folder)] == [digest]


@pytest.mark.parametrize("wrap", ["percent", "quoted-printable", "python", "json", "numbers", "html", "octal"])
def test_bytes_of_any_kind_are_known_in_escapes(wrap: str) -> None:
    """A signature of three bytes, or none, in the escapes of a form, a letter, a log: also once more inside another.

    All of these were kept until a run over every pair of a head and a disguise found them.
    """
    wraps: dict[str, Callable[[bytes], bytes]] = {
        "percent": lambda piece: quote_from_bytes(piece).encode(), "quoted-printable": quopri.encodestring,
        "python": lambda piece: repr(piece).encode(),
        "json": lambda piece: json.dumps(piece.decode("latin-1")).encode(),
        "numbers": lambda piece: json.dumps(list(piece)).encode(),
        "html": lambda piece: b"".join(b"&#%d;" % byte for byte in piece),
        "octal": lambda piece: b"".join(b"\\%03o" % byte for byte in piece),
    }  # fmt: skip
    for piece in (HEADERS[name] for name in ("bmp", "tiff", "ico", "mp3", "flv", "unknown-binary")):
        assert not judge(wraps[wrap](piece)).keep
        assert not judge(quote_from_bytes(wraps[wrap](piece)).encode()).keep


@pytest.mark.parametrize("name", DISGUISES)
def test_the_vault_itself_takes_in_no_disguise(name: str, tmp_path: Path) -> None:
    """Whoever brings it, and whatever was forgotten before."""
    vault = Vault(tmp_path / "vault")
    with pytest.raises(Exception, match="V104"):
        vault.put(DISGUISES[name])
    assert not vault.folder.exists()


@pytest.mark.parametrize("name", ["png", "jpeg", "gif"])
def test_the_known_limits_are_those_that_the_threat_model_names(name: str) -> None:
    """What an encoding hides from the gate, and what it does not; whoever widens or closes one changes the page."""
    piece, unknown = HEADERS[name], random.Random(7).randbytes(1100)  # noqa: S311 - no secret
    kept = (base64.b64encode(unknown[:1024]), base64.b85encode(piece.hex().encode()),
            base64.b85encode(json.dumps(list(piece)).encode()))  # fmt: skip
    found = (base64.b64encode(unknown), base64.b64encode(piece[:1024]), base64.b85encode(piece),
             base64.b85encode(base64.b64encode(piece)))  # fmt: skip
    assert [judge(one).keep for one in (*kept, *found)] == [True] * 3 + [False] * 4
