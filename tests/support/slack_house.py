"""Slack for tests, on the loopback: as much of its Web API as Firedoor uses, written from Slack's documentation.

It keeps what Slack keeps (channels, members, messages with metadata, pins, forms), refuses what Slack refuses, and can
be told to be slow to answer, to limit, to fail, to carry out a call and lose the answer, or to be away.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
from tests.support import block_kit

TOKEN, APP_TOKEN, SIGNING = "xoxb-test", "xapp-test", "of-the-workspace"
BOT = "UBOT"
Json = dict[str, Any]


class SlackHouse:
    """One workspace with one app."""

    def __init__(self) -> None:
        self.channels: dict[str, Json] = {}
        self.forms: list[Json] = []
        self.said: dict[str, list[Json]] = {}  # by response address: what only one person saw
        self.whispers: list[Json] = []
        self.calls: list[str] = []
        self.posted_at: list[float] = []
        self.faults: list[tuple[str, int, Json, dict[str, str]]] = []  # method, status, body, headers
        self.lost: list[str] = []  # methods that are carried out, and whose answer gets lost
        self.silent: str = ""  # a method that is carried out, and whose answer never comes while this stands
        self.stuck = threading.Event()  # somebody waits for such an answer
        self.used: dict[str, int] = {}  # how often each response address was used
        self.invalid: list[str] = []  # layouts that Slack would refuse
        self.away = False
        self.users = {BOT}
        self.url = ""
        self.line = ""  # where Socket Mode's lines are opened
        self._number = 0

    # -- what tests look at and do -----------------------------------------------------------------

    def channel(self, name: str) -> Json:
        """A channel by its name."""
        return next(channel for channel in self.channels.values() if channel["name"] == name)

    def posts(self, name: str, what: str = "firedoor_notice") -> list[Json]:
        """The app's messages in a channel."""
        return [m for m in self.channel(name)["messages"] if m.get("metadata", {}).get("event_type") == what]

    def everything(self) -> str:
        """Every word that was ever sent here."""
        return json.dumps([self.channels, self.forms, self.said, self.whispers])

    def limit(self, method: str, seconds: int) -> None:
        """Limit the next call of a method."""
        body = {"ok": False, "error": "ratelimited"}
        self.faults.append((method, 429, body, {"Retry-After": str(seconds)}))

    def refuse(self, method: str, error: str, status: int = 200) -> None:
        """Refuse the next call of a method."""
        self.faults.append((method, status, {"ok": False, "error": error}, {}))

    async def command(self, client: httpx.AsyncClient, user: str, text: str, **more: Any) -> httpx.Response:
        """A person types a slash command; what only they see is kept under the address `more["hook"]`."""
        hook = more.pop("hook", f"{user}-{len(self.said)}")
        form = {"command": "/firedoor", "text": text, "user_id": user, "channel_id": more.pop("channel", "CELSEWHERE"),
                "response_url": f"{self.url}/hooks/{hook}?{secrets.token_hex(4)}", "trigger_id": secrets.token_hex(8)}  # fmt: skip  # noqa: E501
        return await self.send(client, "/slack/commands", urlencode(form).encode(), **more)

    async def press(self, client: httpx.AsyncClient, user: str, post: Json, number: int = 0, **more: Any) -> Any:
        """A person presses a button of a message."""
        actions = next(block for block in post["blocks"] if block["type"] == "actions")["elements"]
        value = more.pop("value", None) or actions[number]["value"]
        payload = {"type": "block_actions", "user": {"id": user}, "trigger_id": secrets.token_hex(8),
                   "channel": {"id": post["channel"]}, "message": {"ts": post["ts"]},
                   "response_url": f"{self.url}/hooks/{more.pop('hook', user)}?{secrets.token_hex(4)}",
                   "actions": [{"action_id": "firedoor_decide_0", "value": value}]}  # fmt: skip
        return await self.interact(client, payload, **more)

    async def submit(self, client: httpx.AsyncClient, user: str, why: str, form: Json | None = None) -> Any:
        """A person sends the form that was opened last."""
        view = {**(form or self.forms[-1]["view"]), "state": {"values": {"why": {"why": {"value": why}}}}}
        return await self.interact(client, {"type": "view_submission", "user": {"id": user}, "view": view})

    async def interact(self, client: httpx.AsyncClient, payload: Json, **more: Any) -> httpx.Response:
        """Slack hands an interaction over."""
        return await self.send(client, "/slack/actions", urlencode({"payload": json.dumps(payload)}).encode(), **more)

    async def send(
        self, client: httpx.AsyncClient, path: str, body: bytes, *, age: float = 0, secret: str = SIGNING
    ) -> httpx.Response:
        """Sign as Slack signs, and post."""
        stamp = str(int(time.time() - age))
        digest = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
        headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}",
                   "Content-Type": "application/x-www-form-urlencoded"}  # fmt: skip
        return await client.post(path, content=body, headers=headers)

    # -- the Web API -------------------------------------------------------------------------------

    def serve(self, method: str, given: Json) -> Json:
        """Carry a call out."""
        self.calls.append(method)
        name = "_" + re.sub(r"[.]|(?=[A-Z])", "_", method).lower()
        return getattr(self, name, lambda _: _no("unknown_method"))(given)

    def _auth_test(self, given: Json) -> Json:
        return {"ok": True, "user_id": BOT}

    def _apps_connections_open(self, given: Json) -> Json:
        return {"ok": True, "url": self.line}

    def _users_info(self, given: Json) -> Json:
        known = given["user"] in self.users
        return {"ok": True, "user": {"id": given["user"], "deleted": False}} if known else _no("user_not_found")

    def _conversations_create(self, given: Json) -> Json:
        name = given["name"]
        if not re.fullmatch(r"[a-z0-9_-]{1,80}", name):
            return _no("invalid_name_specials")
        if any(channel["name"] == name for channel in self.channels.values()):
            return _no("name_taken")
        return {"ok": True, "channel": self.make(name, private=str(given.get("is_private")).lower() in ("1", "true"))}

    def make(self, name: str, creator: str = BOT, *, private: bool = True, archived: bool = False) -> Json:
        """A channel, by the app or by somebody else."""
        channel = {"id": f"C{len(self.channels) + 1:05}", "name": name, "creator": creator, "is_private": private,
                   "is_archived": archived, "members": [creator], "messages": [], "pins": []}  # fmt: skip
        self.channels[str(channel["id"])] = channel
        return channel

    def _conversations_open(self, given: Json) -> Json:
        """The conversation of one person and the app; nobody else is ever in it."""
        if given["users"] not in self.users:
            return _no("user_not_found")
        name = f"alone-{given['users'].lower()}"
        known = next((c for c in self.channels.values() if c["name"] == name), None)
        channel = known or self.make(name)
        channel["members"] = [BOT, given["users"]]
        return {"ok": True, "channel": {"id": channel["id"]}}

    def _conversations_list(self, given: Json) -> Json:
        seen = [c for c in self.channels.values() if BOT in c["members"] and not c["is_archived"]]
        return {"ok": True, "channels": seen, "response_metadata": {"next_cursor": ""}}

    def _conversations_invite(self, given: Json) -> Json:
        channel = self._inside(given)
        people = given["users"].split(",")
        if isinstance(channel, str):
            return _no(channel)
        if not set(people) <= self.users:
            return _no("user_not_found")
        if set(people) & set(channel["members"]):
            return _no("already_in_channel")
        channel["members"] += people
        return {"ok": True, "channel": channel}

    def _conversations_kick(self, given: Json) -> Json:
        channel = self._inside(given)
        if isinstance(channel, str) or given["user"] not in channel["members"]:
            return _no("not_in_channel")
        channel["members"].remove(given["user"])
        return {"ok": True}

    def _conversations_members(self, given: Json) -> Json:
        channel = self._inside(given)
        if isinstance(channel, str):
            return _no(channel)
        return {"ok": True, "members": list(channel["members"]), "response_metadata": {"next_cursor": ""}}

    def _conversations_archive(self, given: Json) -> Json:
        channel = self._inside(given)
        if isinstance(channel, str):
            return _no("already_archived" if channel == "is_archived" else channel)
        channel["is_archived"] = True
        return {"ok": True}

    def _conversations_set_topic(self, given: Json) -> Json:
        channel = self._inside(given)
        if isinstance(channel, str):
            return _no(channel)
        if len(given["topic"]) > 250:
            return _no("too_long")
        channel["topic"] = given["topic"]
        return {"ok": True, "channel": channel}

    def _conversations_history(self, given: Json) -> Json:
        channel = self._inside(given)
        if isinstance(channel, str):
            return _no(channel)
        return {"ok": True, "messages": channel["messages"][::-1], "response_metadata": {"next_cursor": ""}}

    def _chat_post_message(self, given: Json) -> Json:
        channel = self._inside(given)
        if isinstance(channel, str):
            return _no(channel)
        self._check(given, block_kit.message(given))
        self._number += 1
        message = {**given, "channel": channel["id"], "ts": f"{int(time.time())}.{self._number:06}", "user": BOT}
        channel["messages"].append(message)
        self.posted_at.append(time.monotonic())
        return {"ok": True, "channel": channel["id"], "ts": message["ts"]}

    def _chat_update(self, given: Json) -> Json:
        channel = self._inside(given)
        found = [] if isinstance(channel, str) else [m for m in channel["messages"] if m["ts"] == given["ts"]]
        if not found:
            return _no("message_not_found")
        self._check(given, block_kit.message(given))
        found[0] |= {"text": given["text"], "blocks": given["blocks"], "edits": found[0].get("edits", 0) + 1}
        return {"ok": True, "ts": given["ts"]}

    def _chat_post_ephemeral(self, given: Json) -> Json:
        self.whispers.append(given)
        return {"ok": True}

    def _pins_add(self, given: Json) -> Json:
        channel = self._inside(given)
        if isinstance(channel, str) or given["timestamp"] in channel["pins"]:
            return _no("already_pinned")
        channel["pins"].append(given["timestamp"])
        return {"ok": True}

    def _pins_remove(self, given: Json) -> Json:
        channel = self._inside(given)
        if isinstance(channel, str) or given["timestamp"] not in channel["pins"]:
            return _no("no_pin")
        channel["pins"].remove(given["timestamp"])
        return {"ok": True}

    def _views_open(self, given: Json) -> Json:
        self._check(given, block_kit.view(given["view"]))
        if any(form["trigger_id"] == given["trigger_id"] for form in self.forms):
            return _no("exchanged_trigger_id")
        self.forms.append(given)
        return {"ok": True, "view": given["view"]}

    def _check(self, given: Json, faults: list[str]) -> None:
        """What Slack would call `invalid_blocks`. Kept, because a thread's error would be nobody's."""
        self.invalid += [f"{fault}: {json.dumps(given)[:500]}" for fault in faults]

    def _inside(self, given: Json) -> Json | str:
        channel = self.channels.get(given.get("channel", ""))
        if channel is None or BOT not in channel["members"]:
            return "channel_not_found"
        return "is_archived" if channel["is_archived"] else channel


def _no(error: str) -> Json:
    return {"ok": False, "error": error}


class _Handler(BaseHTTPRequestHandler):
    house: SlackHouse
    lock: threading.Lock

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.house.away:
            self.close_connection = True
            return
        with self.lock:
            self._serve(body.decode())

    do_GET = do_POST  # noqa: N815 - the same

    def _serve(self, body: str) -> None:
        where = self.path.partition("?")[0]
        if where.startswith("/hooks/"):
            said, given = self.house.said.setdefault(where.removeprefix("/hooks/"), []), json.loads(body)
            self.house._check(given, block_kit.message(given))
            used = self.house.used[self.path] = self.house.used.get(self.path, 0) + 1
            if used > 5:  # within half an hour
                self._answer(404, b"used_url", {})
                return
            said.append(given)
            self._answer(200, b"ok", {})
            return
        method = where.removeprefix("/api/")
        as_json = self.headers.get("content-type", "").startswith("application/json")
        given = json.loads(body or "{}") if as_json else dict(parse_qsl(body))
        fault = next((fault for fault in self.house.faults if fault[0] == method), None)
        if fault is not None:
            self.house.faults.remove(fault)
            self._answer(fault[1], json.dumps(fault[2]).encode(), fault[3])
        elif self.headers.get("authorization") != f"Bearer {APP_TOKEN if method.startswith('apps.') else TOKEN}":
            self._answer(200, json.dumps(_no("invalid_auth")).encode(), {})
        else:
            answer = self.house.serve(method, given)
            while self.house.silent == method:
                self.house.stuck.set()
                time.sleep(0.05)
            if method in self.house.lost:
                self.house.lost.remove(method)
                self.close_connection = True
                return
            self._answer(200, json.dumps(answer).encode(), {})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def slack_house() -> Iterator[SlackHouse]:
    """A workspace, while it is needed."""
    house = SlackHouse()
    handler = type("Handler", (_Handler,), {"house": house, "lock": threading.Lock()})

    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    house.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield house
        assert house.invalid == []
    finally:
        server.shutdown()
        server.server_close()
