"""The lanes of abuse: every route as every caller, playbooks with faults, links, and uploads in layers of disguise.

Decides what is sent and what must hold whatever is sent, beside what `lanes` asks of every answer: who may not, does
not; nobody stands in a journal under another's name; no piece of the corpus of disguises is kept; and no answer tells
of the database or of the program.
"""

from __future__ import annotations

import base64
import getpass
import gzip
import json
import quopri
import re
import shutil
import urllib.parse
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml
from hypothesis import strategies as st
from tests.attacks.disguises import HEADERS, PLANT
from tests.attacks.route_matrix import CALLERS, FILLED, ROLES, expected, proof, tokens
from tests.fuzz import lanes, values
from tests.support.api_house import LEAK
from tests.support.letters import Writing

from firedoor.interfaces.web.security.route_table import ROUTES
from firedoor.runtime.config import playbooks as library

TELLTALE = re.compile(r"Traceback|sqlite3?\.|psycopg|\bSELECT \w|\bINSERT INTO|site-packages|File \"/")
NAMES = ("INC-2026-0001", LEAK, "T1", "chat-large", "eu.gdpr.art33.sa", "generic", "1")
SECRET = re.compile(r"/answer/([\w-]+)")
READS = re.compile(r'name="([a-z_.]+)"')
Call = tuple[str, str, str, str, dict[str, str], Any]


class Callers(lanes.Installation):
    """The house, with a client for every kind of caller and two incidents: an open one, and one that is closed."""

    def prepare(self) -> None:
        """Open the incidents, and close one of them to everybody but this machine's own user."""
        self.own, self.foreign = self._opened(), self._opened()
        body = {"people": ["nobody.of.these@example.org"], "why": "the person concerned is a colleague"}
        assert self.ask("POST", f"/api/v1/incidents/{self.foreign}/readers", json=body).is_success
        given = tokens(self.house)
        self.clients = {caller: self.house.client(None, proof(caller, given[caller])) for caller in CALLERS}
        self.answered = 0  # by links
        if isinstance(self.house, Writing):
            for role in ROLES:
                change = {"email": f"{role.replace('_', '.')}@house.test"}
                self.ask("PATCH", f"/api/v1/accounts/holder of {role}", json=change)

    def links(self) -> list[str]:
        """The secrets in the letters that came since this was asked: nowhere else can one be read."""
        assert isinstance(self.house, Writing)
        letters, self.house.mail.letters[:] = list(self.house.mail.letters), []
        bodies = [letter.get_body(("plain",)) for letter in letters]
        found = [SECRET.search(str(body.get_content())) for body in bodies if body is not None]
        return [one[1] for one in found if one]

    def _opened(self) -> str:
        body = {"playbook": LEAK, "facts": {}, "why": "fuzz"}
        return str(self.ask("POST", "/api/v1/incidents", json=body).json()["incident"])

    def entries(self, incident: str) -> int:
        """How long a journal is."""
        return len(self.house.runtime.world.store.entries(incident))


def fields() -> list[str]:
    """The names of every field of the console's forms."""
    folder = Path(lanes.__file__).parents[2] / "src" / "firedoor" / "templates" / "console"
    return sorted({name for page in folder.glob("*.j2") for name in READS.findall(page.read_text())} - {"page"})


@st.composite
def as_somebody(draw: st.DrawFn, here: Callers) -> Call:
    """A route, a caller, and ugly values in the address, the query and the body."""
    routes = sorted(route for route in ROUTES if not any(part in route[1] for part in lanes.SKIPPED))
    method, path = draw(st.sampled_from(routes))
    caller, incident = draw(st.sampled_from(CALLERS)), draw(st.sampled_from([here.own, here.foreign]))
    holes = re.findall(r"\{(\w+)(?::path)?\}", path)
    address = path.replace(":path}", "}")
    for hole in holes:
        words = st.sampled_from([*NAMES, *FILLED.values()]) | values.texts
        word = incident if hole == "incident" else lanes._sendable(draw(words)) or "x"
        address = address.replace(f"{{{hole}}}", quote(word, safe=""))
    names = st.sampled_from(["limit", "after", "q", "dry_run", "mode", "name", "format", "page", "state", *fields()])
    query = draw(st.dictionaries(names, st.builds(lambda one: lanes._sendable(str(one)), values.scalars), max_size=4))
    form = st.dictionaries(st.sampled_from(fields()), st.builds(lambda one: lanes._sendable(str(one)), values.scalars))
    body = draw(form if not path.startswith("/api/") else described(here, method, path))
    return method, path, address, caller, query, body


def described(here: Callers, method: str, path: str) -> st.SearchStrategy[Any]:
    """Bodies in the shape that OpenAPI says for a route."""
    openapi = here.house.app.openapi()
    route = openapi["paths"].get(path.replace(":path}", "}"), {}).get(method.lower(), {})
    content = route.get("requestBody", {}).get("content", {}).get("application/json")
    return lanes.of_schema(content["schema"], openapi["components"]["schemas"]) if content else values.anything


def callers(here: Callers, given: Call) -> None:
    """Whoever may not is refused and changes nothing, in an incident that is closed to them above all."""
    method, path, address, caller, query, body = given
    foreign = f"/{here.foreign}" in address
    if foreign and caller == "local":
        return  # its own readers; they would let others in
    before = here.entries(here.foreign)
    here.client = here.clients[caller]
    sent = {"data": body} if not path.startswith("/api/") else {"content": lanes.as_body(body)}
    kind = {} if "data" in sent else {"content-type": "application/json"}
    answer = here.ask(method, address, params=query, headers=kind, **sent)
    assert not TELLTALE.search(answer.text), f"{method} {address}: {answer.text[:500]}"
    wanted = expected(method, path, caller, foreign=foreign)
    if wanted != "through":
        turned_away = answer.status_code >= 400 or "/sign-in" in answer.headers.get("location", "")
        assert turned_away, f"{caller}: {method} {address} is answered {answer.status_code}, not refused ({wanted})"
        assert here.entries(here.foreign) == before, f"{caller}: {method} {address} wrote an entry"


SHIPPED = [path.read_text() for path in library.paths()]


@st.composite
def playbook(draw: st.DrawFn) -> str:
    """A shipped playbook with a few faults, in its lines or in its tree."""
    text = draw(st.sampled_from(SHIPPED))
    if draw(st.booleans()):
        return str(yaml.safe_dump(_plain(draw(values.spoilt(yaml.safe_load(text)))), sort_keys=False))
    lines = text.splitlines()
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        lines[at : at + 1] = draw(st.sampled_from(_faults(lines, at, json.dumps(draw(values.scalars), default=str))))
    return "\n".join(lines)


def _plain(value: Any) -> Any:
    """What YAML can hold: no half of a pair."""
    return json.loads(json.dumps(value, default=str).replace("\\ud8", "\\u00"))


def _faults(lines: list[str], at: int, ugly: str) -> list[list[str]]:
    line, other = lines[at], lines[at * 7 % len(lines)]
    head, colon, _ = line.partition(": ")
    template = f"{{{{ facts.{ugly.strip(chr(34))[:20]} }}}}"
    return [[], [line, line], [other], [f" {line}"], [line[1:]], [f"{head}{colon or ': '}{ugly}"],
            [line, f"  {ugly}: 1"], [f"{head}: &a [*a]"], [f'{head}: "{template}"']]  # fmt: skip


def playbooks(here: lanes.Installation, text: str) -> None:
    """It is checked in words; one that passes is shown, starts, and is driven."""
    folder = Path(here.house.runtime.settings.data_dir).parent / "mutants"
    if not folder.exists():
        shutil.copytree(library.folder() / "parts", folder / "parts")
    file = folder / "mutant.yaml"
    file.write_text(text, errors="surrogatepass")
    for line in (["check", str(file)], ["show", str(file)], ["check", str(file), "--format", "sarif"]):
        code, said = lanes._run(line)
        assert code in (0, 1, 2, 3), f"{line[0]}: exit {code}\n{said[-1500:]}"
        assert "Traceback" not in said, said[-1500:]
    body = {"playbook": str(file), "facts": {}, "why": "fuzz"}
    for path in ("/api/v1/incidents?dry_run=true", "/api/v1/incidents"):
        answer = here.ask("POST", path, json=body)
        assert not TELLTALE.search(answer.text), answer.text[:1500]


ITS_MAKER = "its maker"
Link = tuple[str, dict[str, Any], int, dict[str, str], str]
PLAIN: Link = (
    "responder",
    {"to": "", "role": "", "hours": 1},
    0,
    {"why": "seen", "choice": "", "field.reference": ""},
    "x",
)


@st.composite
def link(draw: st.DrawFn) -> Link:
    """Who asks for a link, to whom, the number of a choice, and what else the answer by it says.

    "" is the first role of the task's own, and somebody who has it.
    """
    maker = draw(st.sampled_from(["commander", "commander", "responder", "dpo", "admin", "viewer"]))
    usual = st.integers(0, 3).map(bool)  # three of four are no text of the ugly ones
    roles = st.sampled_from(["", "", "", "dpo", "commander", "legal", "responder"])
    named = st.sampled_from(["", "", ITS_MAKER, "Invented Person", "holder of dpo", "holder of commander"])
    to = draw(named if draw(usual) else values.texts)
    hours = draw(st.sampled_from([1, 2, 72]) if draw(usual) else values.numbers)
    body = {"to": to, "role": draw(roles if draw(usual) else values.texts), "hours": hours}
    words = st.sampled_from(["it is so", "seen by me"]) | values.texts
    form = {name: lanes._sendable(draw(words)) for name in ("why", "choice", "field.reference")}
    return maker, body, draw(st.integers(0, 5)), form, draw(values.texts)


def links(here: Callers, given: Link) -> None:
    """Whatever is made of links: nobody who does not exist stands in the journal, and nobody answers their own."""
    maker, body, number, form, guess = given
    here.client = here.clients["local"]
    before = here.answered
    for task in here.ask("GET", f"/api/v1/incidents/{here.own}/tasks").json()["tasks"][:3]:
        choices = [one["id"] for one in task["choices"]]
        sent = {**form, "choice": choices[number] if number < len(choices) else form["choice"]}
        role = body["role"] or task["roles"][0]
        to = {"": f"holder of {role}", ITS_MAKER: f"holder of {maker}"}.get(body["to"], body["to"])
        wanted = {**body, "role": role, "to": to}
        here.client = here.clients[maker]
        path = f"/api/v1/incidents/{here.own}/tasks/{task['id']}/link"
        answer = here.ask("POST", path, content=lanes.as_body(wanted), headers={"content-type": "application/json"})
        here.client = here.clients["no token"]
        secrets = here.links()
        assert len(secrets) == answer.is_success, f"{answer.status_code}: {len(secrets)} links came by letter"
        assert not any(secret in answer.text for secret in secrets), f"{maker} reads the link that was made for another"
        for secret in [lanes._sendable(guess) or "x", *secrets]:
            here.ask("GET", f"/answer/{quote(secret, safe='')}")
            here.answered += here.ask("POST", f"/answer/{quote(secret, safe='')}", data=sent).is_success
    known = {f"person:holder of {role}" for role in CALLERS} | {f"person:{getpass.getuser()}"}
    entries = here.house.runtime.world.store.entries(here.own)
    by_link = [one.body for one in entries if one.actor.startswith("link:") and one.kind == "task.answered"]
    named = {entry.actor for entry in entries} | {f"person:{one['by']}" for one in by_link}
    strangers = {one for one in named if one.startswith("person:")} - known
    assert not strangers, f"{body}: in the journal stands {strangers}"
    assert not [one for one in by_link if one["by"] == one["link_made_by"]], f"{body}: answered by its maker"
    if here.answered > before:  # what is asked next is not for links
        here.client = here.clients["local"]
        here.own = here._opened()


# What programs, mail and people really wrap bytes in, also twice; base85 comes first only: of text it is like a text.
LAYERS: tuple[Callable[[bytes], bytes], ...] = (
    base64.b64encode, base64.encodebytes, base64.urlsafe_b64encode, base64.b32encode, gzip.compress, zlib.compress,
    quopri.encodestring, lambda piece: piece.hex().encode(), lambda piece: json.dumps(list(piece)).encode(),
    lambda piece: urllib.parse.quote_from_bytes(piece).encode(),
    lambda piece: json.dumps({"output": piece.decode("latin-1")}).encode(),
    lambda piece: piece.decode("latin-1").encode("utf-16"),
    lambda piece: b"data:application/x;base64," + base64.b64encode(piece),
    lambda piece: b"".join(b"\\x%02x" % byte for byte in piece),
    lambda piece: b'<p>report</p><img src="data:image/png;base64,' + base64.b64encode(piece) + b'">',
)  # fmt: skip
FIRST = (*LAYERS, base64.b85encode, base64.a85encode)
PIECES = sorted(set(HEADERS) - {"mpeg-ts"})  # ours has four packets, which are less than a key in some disguises
FRAMES = (b"%s", b"2026-11-22T03:00:00Z request body=%s status=200\n", b'{"id": 7, "body": "%s"}', b"a,b\n1,%s\n")


@st.composite
def upload(draw: st.DrawFn) -> tuple[bytes, str, str]:
    """The head of a picture or its like, in up to two layers, in a frame, under any name and kind."""
    piece = HEADERS[draw(st.sampled_from(PIECES))]
    for layers in (FIRST, LAYERS)[: draw(st.integers(0, 2))]:
        piece = draw(st.sampled_from(layers))(piece)
    piece = draw(st.sampled_from(FRAMES)).replace(b"%s", piece)
    kind = draw(
        st.sampled_from(["text/plain", "application/json", "application/octet-stream", "text/csv", "image/png"])
    )
    return piece, lanes._sendable(draw(values.texts)) or "x", kind


def uploads(here: Callers, given: tuple[bytes, str, str]) -> None:
    """Known by its digest, whatever it wears; no byte of it lies in the data folder."""
    piece, name, kind = given
    here.client = here.clients["local"]
    path, query = f"/api/v1/incidents/{here.own}/evidence", {"name": name, "why": "fuzz"}
    answer = here.ask("POST", path, params=query, content=piece, headers={"content-type": kind})
    if answer.is_success:
        mode = answer.json()["evidence"]["mode"]
        assert mode == "digest", f"kept in the vault: {len(piece)} bytes {piece[:80]!r} ... {piece[-80:]!r}"
    folder = Path(here.house.runtime.settings.data_dir) / "vault"
    held = [file for file in folder.rglob("*") if file.is_file() and PLANT in file.read_bytes()]
    assert not held, held
