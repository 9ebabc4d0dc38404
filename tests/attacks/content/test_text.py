"""Characters that nobody sees, sent through every door: nothing of them is stored, answered or printed."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import pytest
from tests.attacks.ugly import NEVER, UGLY, Call, calls, every_text, unseen
from tests.support.api_house import House, house
from tests.support.command import Firedoor, _firedoor  # noqa: F401 - a fixture

from firedoor.core.journal import Draft, Kind

FORGED = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\r\nINC-2026-9999  critical  open\x00"
ALERT = Path(__file__).parents[3] / "src" / "firedoor" / "alerts" / "examples" / "generic.json"


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as built:
        yield built


def ugly(text: str) -> str:
    """The text with everything ugly in its middle."""
    return f"{text[:1]}{UGLY}{text[1:]}"


def stored(folder: Path) -> list[str]:
    """Every text in the database that holds something unseen."""
    with closing(sqlite3.connect(folder / "firedoor.db")) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        cells = [cell for name in tables for row in connection.execute(f'SELECT * FROM "{name}"') for cell in row]  # noqa: S608
    texts = [cell.decode("utf-8", "replace") if isinstance(cell, bytes) else cell for cell in cells]
    return [found for text in texts if isinstance(text, str) for found in unseen(text)]


async def _send(built: House, call: Call, incident: str) -> str:
    path = call.path.replace("{incident}", incident).replace("{task}", "T1").replace("{alert}", "1")
    path = path.replace("{source}", "generic").replace("{playbook}", "model-data-leakage")
    query = urlencode({name: ugly(str(value)).replace("\x00", "") for name, value in call.query.items()
                       if name not in call.numbers})  # fmt: skip
    body = None if call.body is None else json.dumps(every_text(call.body, ugly))
    headers = {"content-type": "application/json"} if body is not None else {}
    answer = await built.local.request(call.method, f"{path}?{query}", content=body, headers=headers)
    assert answer.status_code < 500, f"{call.method} {path}: {answer.status_code} {answer.text}"
    assert not unseen(answer.text), f"{call.method} {path}"
    return f"{answer.status_code}"


async def test_no_route_of_the_api_lets_an_unseen_character_through(built: House, tmp_path: Path) -> None:
    """Every route of the description, every text of its query and its body; some of them must have gone through."""
    incident = await built.open(endpoint="chat-large", severity="high")
    described = [call for call in calls(built.app.openapi()) if call.path != "/api/v1/events"]
    answers = [await _send(built, call, incident) for call in described]
    assert answers.count("200") > 30
    assert answers.count("201") >= 4
    assert not stored(tmp_path)


async def test_a_form_of_the_console_is_cleaned(built: House, tmp_path: Path) -> None:
    """The same characters, typed into a page."""
    words = {"csrf": "x", "why": ugly("why"), "title": ugly("title"), "fact.endpoint": ugly("chat-large")}
    token = built.token("Ann", "commander", "responder")
    page = built.client(token, {"accept": "text/html"})
    answer = await page.post("/playbooks/model-data-leakage/start", data={**words, "start": "yes"})
    assert answer.status_code < 500
    assert not unseen(answer.text)
    assert not stored(tmp_path)


async def test_an_alert_is_cleaned(built: House, tmp_path: Path) -> None:
    """Direction and width are taken out of every text of an alert; it is not lost for them."""
    alert = every_text(json.loads(ALERT.read_text()), lambda text: f"{text}\u202e\u200b" if " " in text else text)
    answer = await built.local.post("/api/v1/alerts/generic", json=alert)
    assert answer.status_code == 202, answer.text
    assert not unseen((await built.local.get("/api/v1/alerts")).text)
    assert not stored(tmp_path)


@pytest.mark.parametrize("path", ["/api/v1/incidents/INC%1b", "/api/v1/alerts/x%E2%80%AE", "/api/v1/duties/%C2%9B"])
async def test_an_address_holds_nothing_unseen(built: House, path: str) -> None:
    """A name in an address is repeated in its refusal; one with such characters is refused before."""
    answer = await built.local.get(path)
    assert answer.status_code == 400
    assert not unseen(answer.text)


async def test_what_has_lines_keeps_them(built: House) -> None:
    """A reason may have several lines, whichever line ends its writer's machine makes; a title has one."""
    given = {"playbook": "model-data-leakage", "facts": {}, "title": "a\r\nb", "why": "first\r\nsecond"}
    incident = (await built.local.post("/api/v1/incidents", json=given)).json()["incident"]
    first = (await built.local.get(f"/api/v1/incidents/{incident}/journal")).text.splitlines()[0]
    assert json.loads(first)["body"]["title"] == "a b"
    assert json.loads(first)["body"]["why"] == "first\nsecond"


async def _planted(built: House, folder: Path) -> str:
    """An incident as an older release kept it: its title, its reason and its task as they came."""
    given = {"playbook": "model-data-leakage", "facts": {}, "title": "PLANTED", "why": "PLANTED"}
    incident = (await built.local.post("/api/v1/incidents", json=given)).json()["incident"]
    await built.runtime.driver.settled(incident)
    view = built.runtime.world.view(incident)
    draft = Draft(Kind.NOTE, f"person:Ann{FORGED}", {"text": FORGED})
    built.runtime.world.store.append(incident, [draft], built.runtime.world.now(), expect=view.head.seq).result()
    with closing(sqlite3.connect(folder / "firedoor.db")) as connection, connection:
        connection.execute("UPDATE incident SET title = ?", (f"a title{FORGED}",))
        connection.execute("UPDATE task SET question = ?", (f"a question{FORGED}",))
    return str(incident)


async def test_nothing_of_an_old_record_is_obeyed_by_a_terminal(
    built: House, tmp_path: Path, firedoor: Firedoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lists, timeline, journal and the report as Markdown print no escape, and no line that looks like one of ours."""
    incident = await _planted(built, tmp_path)
    built.runtime.settings.server_file.unlink()  # nobody listens there: the commands look for themselves
    monkeypatch.setenv("FIREDOOR_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("FIREDOOR_PREFECT", "no")
    for words in (["incidents"], ["status", incident], ["timeline", incident], ["journal", incident], ["tasks"],
                  ["report", incident, "--format", "md"], ["incidents", "--format", "json"]):  # fmt: skip
        said = await asyncio.to_thread(firedoor, *words)
        assert said.code == 0, said.err
        assert not NEVER.search(said.out), (words, said.out)
        assert not any(line.startswith("INC-2026-9999") for line in said.out.splitlines()), words


async def test_words_of_a_playbook_are_cleaned_too(built: House, tmp_path: Path) -> None:
    """A title and a question in YAML escapes: neither the journal, the page nor the API has a character of them."""
    from firedoor.runtime.config import playbooks

    original = playbooks.find("model-data-leakage")
    hidden = "\\u202E\\e]0;x\\a\\u200B\\0\\r"
    text = (
        original.read_text()
        .replace("title: ", f'title: "{hidden}A leak" #', 1)
        .replace('confirm: "', f'confirm: "{hidden}', 1)
    )
    assert text.count(hidden) == 2
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "parts").symlink_to(original.parent / "parts")
    (tmp_path / "own" / "own.yaml").write_text(text)
    incident = await built.open(str(tmp_path / "own" / "own.yaml"))
    for page in ("", "/tasks", "/timeline", "/report"):
        assert unseen((await built.local.get(f"/api/v1/incidents/{incident}{page}")).text) == []
    assert stored(tmp_path) == []
