"""Attack: whoever can write to the database rewrites a journal as a whole, cuts its end off, or removes an incident."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from tests.support.api_house import House, house
from tests.support.command import Firedoor, _firedoor

from firedoor.core.access.roles import BUILT_IN
from firedoor.core.history.heads import MARK, heads_in, read_head, statement
from firedoor.core.journal import Head, genesis, hash_of
from firedoor.core.problems import InvalidInput
from firedoor.runtime.documents.report import _plain
from firedoor.runtime.loops.audit import Audit
from firedoor.store.database.engine import open_read_only
from firedoor.store.incidents.heads import check_signature, note_heads, public_keys, signed_head

__all__ = ["_firedoor"]
V1 = "/api/v1"


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path / "data") as built:
        yield built


def by_hand(built: House, change: Callable[[sqlite3.Connection], None]) -> None:
    """What somebody does who can write to the file, and first takes away what stands in the way."""
    file = built.runtime.settings.data_dir / "firedoor.db"
    with contextlib.closing(sqlite3.connect(file, timeout=30)) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        change(connection)
        connection.commit()


def rehashed(connection: sqlite3.Connection, incident: str, first: int, kept: int | None = None) -> None:
    """Forge an entry and write every hash from there on anew, the head too: every hash follows from the one before."""
    if kept is not None:
        connection.execute("DELETE FROM entry WHERE incident = ? AND seq > ?", [incident, kept])
    rows = connection.execute(
        "SELECT seq, at, kind, actor, body FROM entry WHERE incident = ? ORDER BY seq", [incident]
    ).fetchall()
    prev = genesis(incident).hash
    for seq, at, kind, actor, body in rows:
        by = "person:somebody else" if seq == first else actor
        own = hash_of(incident, seq, at, kind, by, json.loads(body), prev)
        connection.execute(
            "UPDATE entry SET actor = ?, prev = ?, hash = ? WHERE incident = ? AND seq = ?",
            [by, prev, own, incident, seq],
        )
        prev = own
    connection.execute("UPDATE incident SET head_seq = ?, head_hash = ? WHERE id = ?", [len(rows), prev, incident])


def newest_entry(connection: sqlite3.Connection, incident: str) -> None:
    last = connection.execute("SELECT max(seq) FROM entry WHERE incident = ?", [incident]).fetchone()[0]
    rehashed(connection, incident, last)


def whole_chain(connection: sqlite3.Connection, incident: str) -> None:
    rehashed(connection, incident, 1)


def cut_off(connection: sqlite3.Connection, incident: str) -> None:
    last = connection.execute("SELECT max(seq) FROM entry WHERE incident = ?", [incident]).fetchone()[0]
    rehashed(connection, incident, 0, kept=last - 2)


ATTACKS = [newest_entry, whole_chain, cut_off]


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("form", ["html", "md", "json"])
async def test_a_report_that_was_kept_tells_that_the_journal_was_rewritten(
    built: House, tmp_path: Path, firedoor: Firedoor, attack: Callable[[sqlite3.Connection, str], None], form: str
) -> None:
    """`journal verify` finds every hash in order; the report of before does not fit any more."""
    incident = await built.open()
    kept = tmp_path / f"report.{form}"
    kept.write_bytes((await built.local.get(f"{V1}/incidents/{incident}/report?format={form}")).content)
    assert firedoor("head", "compare", kept).code == 0
    by_hand(built, lambda connection: attack(connection, incident))
    assert (await built.local.get(f"{V1}/incidents/{incident}/verify")).json()["holds"], "the attack leaves no fault"
    told = firedoor("head", "compare", kept)
    assert (told.code, incident in told.out) == (1, True), told


def test_a_report_in_markdown_keeps_every_sign_of_a_head() -> None:
    """Underscores stand anywhere in a signature, one report in twelve; those of earlier reports, escaped, are read."""
    said = f"{MARK};at=2026-11-30T00:00:00+00:00;in=i;INC-1=1.{'a' * 64};key=k;sig="
    word = f"{said}_-{'_-_' * 28}"
    assert _plain(Markup(word)) == word  # noqa: S704 - as the template marks it
    assert [one.said for one in heads_in(word.replace("_", "\\_"))] == [one.said for one in heads_in(word)]
    assert len(heads_in(word)) == 1


@pytest.mark.parametrize("attack", ATTACKS)
async def test_one_head_vouches_for_every_journal(
    built: House, tmp_path: Path, firedoor: Firedoor, attack: Callable[[sqlite3.Connection, str], None]
) -> None:
    """A head that names no incident: the security journal, which it names, took down where all of them stood."""
    incident = await built.open()
    shown = firedoor("head", "show").out
    (kept := tmp_path / "head.txt").write_text(shown)
    assert incident not in shown
    by_hand(built, lambda connection: attack(connection, incident))
    assert incident in firedoor("head", "compare", kept).out
    forged = "UPDATE security_entry SET body = replace(body, '\"heads\"', '\"gone\"') WHERE kind = 'heads.noted'"
    by_hand(built, lambda connection: connection.executescript(forged).close())
    assert firedoor("head", "compare", kept).code != 0


@contextlib.contextmanager
def listening() -> Iterator[tuple[str, list[bytes]]]:
    """Somebody outside who keeps what is sent to them."""
    came: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(self.rfile.read(int(self.headers["content-length"] or 0)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/", came
    finally:
        server.shutdown()
        server.server_close()


async def test_messages_carry_a_head_and_verify_says_since_when_nothing_does(
    tmp_path: Path, firedoor: Firedoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A webhook to somebody outside: what they kept tells a rewritten journal."""
    monkeypatch.setenv("HOOK", "of-the-pager")
    data = tmp_path / "data"
    data.mkdir(mode=0o700, exist_ok=True)
    (data / "organisation.yaml").write_text("messages: {commander: [webhook], dpo: [webhook], responder: [webhook]}\n")
    with listening() as (url, came):
        async with house(data, webhook_url=url, webhook_secret="secret://env/HOOK") as built:
            incident = await built.open()
            assert "not anchored" in firedoor("journal", "verify").out
            assert anchor(firedoor)["at"] is None
            while not came:
                await built.runtime.outbox.look()
            assert "a signed head left by message at" in firedoor("journal", "verify").out.replace("\n", " ")
            assert anchor(firedoor)["at"] is not None
            assert await told(built) == {"local", "admin", "dpo"}
            readers = {"roles": ["dpo"], "why": "a colleague"}
            assert (await built.local.post(f"/api/v1/incidents/{await built.open()}/readers", json=readers)).is_success
            assert await told(built) == {"local", "dpo"}
            (kept := tmp_path / "message.json").write_bytes(b"\n".join(came))
            assert any(incident in head.heads for head in heads_in(kept.read_text()))
            assert firedoor("head", "compare", kept).code == 0
            by_hand(built, lambda connection: whole_chain(connection, incident))
            assert firedoor("head", "compare", kept).code == 1


def anchor(firedoor: Firedoor) -> dict[str, Any]:
    """What the command line tells a program."""
    found: dict[str, Any] = json.loads(firedoor("journal", "verify", "--format", "json").out)["anchor"]
    return found


async def told(built: House) -> set[str]:
    """Who is told it over HTTP; the others are told nothing at all, for it counts what all incidents hold."""
    clients = {role: built.holding(f"holder of {role}", role) for role in sorted(BUILT_IN - {"source"})}
    found = set()
    for path in ("/api/v1/journal/verify", "/api/v1/incidents/INC-2026-0001/verify"):
        for name, client in {**clients, "local": built.local}.items():
            anchor = (await client.get(path)).json()["anchor"]
            assert anchor is None or anchor["at"] is not None
            found |= {name} if anchor else set()
    return found


async def test_the_heartbeat_carries_a_head(built: House, firedoor: Firedoor, tmp_path: Path) -> None:
    """The audit has no key: it sends on what the server has signed last."""
    incident = await built.open()
    note_heads(built.runtime.world.store, built.runtime.world.now())
    auditor = Audit(open_read_only(built.runtime.settings.database), built.runtime.world.now)
    auditor.look()
    (kept := tmp_path / "beat.txt").write_text(auditor.signed)
    assert firedoor("head", "compare", kept).code == 0
    by_hand(built, lambda connection: connection.executescript("DELETE FROM security_entry WHERE seq > 1").close())
    assert incident not in auditor.signed
    assert firedoor("head", "compare", kept).code == 1


async def test_an_outsider_needs_the_public_key_alone(
    built: House, tmp_path: Path, firedoor: Firedoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an empty place: the head, the key, an export. Another key, another word or another journal does not pass."""
    incident = await built.open()
    (head := tmp_path / "head.txt").write_text(firedoor("head", "show", incident).out)
    (export := tmp_path / "export.jsonl").write_bytes(
        (await built.local.get(f"{V1}/incidents/{incident}/export")).content
    )
    key = firedoor("head", "key").out.strip()
    monkeypatch.setenv("FIREDOOR_DATA_DIR", str(tmp_path / "nothing"))
    assert firedoor("head", "check", head, "--key", key, "--journal", export).code == 0
    assert not (tmp_path / "nothing").exists()
    lines = export.read_bytes().splitlines(keepends=True)
    export.write_bytes(b"".join(lines[:-1]))
    assert firedoor("head", "check", head, "--key", key, "--journal", export).code == 1
    other = key[:10] + ("A" if key[10] != "A" else "B") + key[11:]
    assert firedoor("head", "check", head, "--key", other).code == 1
    for altered in (
        head.read_text().replace(f"{incident}=", f"{incident}1="),
        head.read_text().replace("security=", "security=1"),
    ):
        (tmp_path / "altered.txt").write_text(altered)
        assert firedoor("head", "check", tmp_path / "altered.txt", "--key", key).code == 1


async def test_a_head_of_somebody_else_s_key_is_named(built: House, tmp_path: Path, firedoor: Firedoor) -> None:
    """Whoever can write the database cannot sign. After a rotation, heads from before still count."""
    (kept := tmp_path / "head.txt").write_text(firedoor("head", "show").out)
    assert firedoor("keys", "rotate", "--purpose", "sign").code == 0
    assert firedoor("head", "compare", kept).code == 0
    (built.runtime.settings.data_dir / "keys" / "keyring").rename(tmp_path / "moved")
    assert firedoor("keys", "lost", "--yes").code == 0
    assert "was not signed with a key of this ring" in firedoor("head", "compare", kept).out.replace("\n", " ")


@given(st.text(max_size=300))
def test_no_text_is_taken_for_a_head(text: str) -> None:
    """Whatever is given: it is read, or refused in words."""
    for word in (
        text,
        f"firedoor-head.v1;{text};sig={'A' * 86}",
        f"firedoor-head.v1;at=2026-01-01T00:00:00+00:00;in=0;key=k;sig={text}",
    ):
        with contextlib.suppress(InvalidInput):
            heads_in(word)
        with contextlib.suppress(InvalidInput):
            read_head(word)


async def test_a_letter_that_was_wrapped_and_quoted_is_read(built: House) -> None:
    """As mail programs store it: quoted-printable, lines broken, quoted twice."""
    from email.message import EmailMessage

    store, now = built.runtime.world.store, datetime.now(UTC)
    word = signed_head(store, now)
    letter = EmailMessage()
    letter.set_content(f"x\n\n{word}\n", cte="quoted-printable")
    for written in (letter.as_string(), "\n".join(word[at : at + 60] for at in range(0, len(word), 60))):
        (found,) = heads_in(written)
        assert check_signature(found, list(public_keys(store.keys()).values()))
    assert read_head(word).heads.keys() == {"security"}
    with pytest.raises(InvalidInput):
        read_head(statement("0", now, {"security": Head(1, "0" * 64)}, "k"))
