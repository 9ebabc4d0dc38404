"""The http connector alone: what it never sends, never follows, never believes and never keeps."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any

import httpx
import pytest
from tests.contract.connector_suite import rig_class
from tests.contract.odd_server import Asked, odd_server, reply
from tests.patience import GENEROUS

from firedoor.connectors.http import HttpConnector
from firedoor.connectors.parts import templates
from firedoor.connectors.parts.context import ConnectorContext, open_client
from firedoor.connectors.parts.http_door import MISSING, at, compile_door, freeze, thaw
from firedoor.core.problems import InDoubt, InvalidInput, Refused, Unanswered
from firedoor.core.targets import Artefact, Door, HttpProbe, Inventory, Target
from firedoor.core.ternary import NO, UNKNOWN, YES
from firedoor.runtime.config.secrets import ReferencedSecrets

SECRET = "a-secret-of-the-test"
OPEN = {"state": "active", "by": None}


def door_of(url: str, **change: Any) -> Door:
    """Return a small door with one admin resource at `url`."""
    headers = {"authorization": "Bearer secret://env/KEY"}
    request = {"url": f"{url}/admin/{{{{ target.id }}}}", "headers": headers, "timeout_seconds": 1.0}
    config: dict[str, Any] = {
        "capture": request,
        "state": {"state": "/state"},
        "closed": {"at": "/state", "values": ["suspended"], "open": ["active"]},
        "mark": {"at": "/by"},
        "suspend": {**request, "method": "PUT", "json": {"state": "suspended", "by": "{{ operation_key }}"}},
        "resume": {**request, "method": "PUT", "json": {"state": "{{ snapshot.state.state }}", "by": None}},
    }
    for name, value in change.items():
        config[name] = (
            {**config[name], **value} if isinstance(value, dict) and name in ("capture", "suspend", "resume") else value
        )
    return Door(name="admin", connector="http", config=config)


def target_of(door: Door, **change: Any) -> Target:
    """Return a target with one door."""
    return Target(id="m1", model="model-1", doors=(door,), **change)


def context_with(client: httpx.AsyncClient, *targets: Target) -> ConnectorContext:
    """Return a context whose one secret is SECRET."""
    inventory = Inventory(targets={target.id: target for target in targets})
    return ConnectorContext(client, ReferencedSecrets({"KEY": SECRET}), lambda: datetime.now(UTC), inventory)


@pytest.fixture(name="client")
async def _client() -> AsyncIterator[httpx.AsyncClient]:
    async with open_client() as client:
        yield client


@pytest.fixture(name="connector")
def _connector(client: httpx.AsyncClient) -> HttpConnector:
    return HttpConnector(context_with(client))


def platform(put: Callable[[Asked], Any], get: Callable[[Asked], Any] | None = None) -> Callable[[Asked], Any]:
    """Return answers for an open resource, with `put` for every change."""
    return lambda asked: put(asked) if asked.method != "GET" else get(asked) if get else reply(200, OPEN)


# What is never sent.


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{{ incident.id }}", "incident"),
        ("{{ target.password }}", "password"),
        ("{{ target }}", "no single value"),
        ("{{ snapshot.state.unheard_of }}", "unheard_of"),
        ("{{ target.id.__class__ }}{{ x }}", "x"),
        ("{{ target.id() }}", "call"),
        ("{{ 9 ** 9 }}", "pow"),
        ("{% for c in target.id %}{{ c }}{% endfor %}", "for"),
        ("{{ target.id | attr('x') }}", "attr"),
        ("{{ target.id ", "cannot be read"),
        ("secret://vault/KEY", "reference"),
    ],
)
def test_a_template_may_use_known_names_only(connector: HttpConnector, text: str, word: str) -> None:
    """The check refuses a door whose template uses anything else, and says what."""
    door = door_of("http://127.0.0.1:9", suspend={"json": {"note": f"by {text}"}})
    with pytest.raises(InvalidInput) as caught:
        connector.check(target_of(door), door)
    assert word in str(caught.value)
    assert caught.value.problems[0].field == "targets.m1.doors.admin.config.suspend.json"


def test_every_problem_of_a_door_is_reported_at_once(connector: HttpConnector) -> None:
    """Three mistakes in three requests are three problems."""
    bad = {"url": "ftp://x"}
    door = door_of(
        "http://127.0.0.1:9", capture={"url": "{{ nobody }}"}, suspend=bad, resume={"headers": {"a": "{{ b }}"}}
    )
    with pytest.raises(InvalidInput) as caught:
        connector.check(target_of(door), door)
    fields = {problem.field.rsplit("config.")[1] for problem in caught.value.problems}
    assert fields == {"capture.url", "suspend.url", "resume.headers.a"}


def test_a_secret_never_goes_into_a_url(connector: HttpConnector) -> None:
    """URLs end up in logs, so the check refuses it."""
    door = door_of("http://127.0.0.1:9", suspend={"url": "http://127.0.0.1:9/?key=secret://env/KEY"})
    with pytest.raises(InvalidInput, match="URL"):
        connector.check(target_of(door), door)


@pytest.mark.parametrize("wrong", [{"resume": None}, {"closed": {"at": "/state"}}, {"changes": ["x"]}, {"state": {}}])
def test_a_door_that_could_not_be_opened_again_is_refused(connector: HttpConnector, wrong: dict[str, Any]) -> None:
    """A resume, the way to tell closed from open and the state to restore must be there."""
    door = door_of("http://127.0.0.1:9")
    door = door.model_copy(update={"config": {**door.config, **wrong}})
    with pytest.raises(InvalidInput):
        connector.check(target_of(door), door)


@pytest.mark.parametrize(("value", "sent"), [("a/b?c#d", "/admin/a%2Fb%3Fc%23d"), ("ü", "/admin/%C3%BC")])
async def test_a_value_stays_one_piece_of_a_url(client: httpx.AsyncClient, value: str, sent: str) -> None:
    """Whatever a value holds, it cannot reach another path."""
    async with odd_server(lambda _: reply(200, OPEN)) as server:
        door = door_of(server.url, capture={"url": f"{server.url}/admin/{{{{ target.model }}}}"})
        target = target_of(door).model_copy(update={"model": value})
        await HttpConnector(context_with(client)).capture_state(target, door)
    assert server.asked[0].path == sent


@pytest.mark.parametrize("value", ["..", ".", None, ""])
def test_a_url_is_not_built_from_dots_or_nothing(connector: HttpConnector, value: str | None) -> None:
    """`..` would climb, and an empty value would name the whole collection."""
    door = door_of("http://127.0.0.1:9", capture={"url": "http://127.0.0.1:9/admin/{{ target.model }}"})
    with pytest.raises(InvalidInput, match="URL"):
        connector.check(target_of(door).model_copy(update={"model": value}), door)


async def test_a_header_cannot_be_split(client: httpx.AsyncClient) -> None:
    """A captured value with a line break never becomes a second header."""
    async with odd_server(lambda _: reply(200, {"state": "active\r\nx-admin: yes", "by": None})) as server:
        door = door_of(
            server.url,
            closed={"at": "/state", "values": ["x"]},
            suspend={"headers": {"x-was": "{{ snapshot.state.state }}"}},
        )
        connector = HttpConnector(context_with(client))
        snapshot = await connector.capture_state(target_of(door), door)
        with pytest.raises(InvalidInput, match="control character"):
            await connector.suspend(target_of(door), door, snapshot, "k")
    assert [asked.method for asked in server.asked] == ["GET"]


async def test_a_remote_system_cannot_ask_for_our_secrets(client: httpx.AsyncClient) -> None:
    """A reference inside a captured value is text; only the door's own text names secrets."""
    bait = "secret://env/KEY"
    async with odd_server(lambda _: reply(200, {"state": "active", "note": bait, "by": None})) as server:
        body = {"note": "was {{ snapshot.state.note }}", "copy": "{{ snapshot.state.note }}"}
        door = door_of(server.url, state={"state": "/state", "note": "/note"}, suspend={"json": body})
        connector = HttpConnector(context_with(client))
        await connector.suspend(target_of(door), door, await connector.capture_state(target_of(door), door), "k")
    assert json.loads(server.asked[-1].body) == {"note": f"was {bait}", "copy": bait}


async def test_values_keep_their_type_and_every_digit(client: httpx.AsyncClient) -> None:
    """What was captured as number, list or null is restored as exactly that."""
    spec = {"n": 3, "rate": 0.7, "big": 2**60, "none": None, "list": [1.5, True], "text": "3"}
    shown = {"state": "active", "spec": spec, "by": None}
    async with odd_server(lambda _: reply(200, shown)) as server:
        door = door_of(
            server.url, state={"state": "/state", "spec": "/spec"}, suspend={"json": {"s": "{{ snapshot.state.spec }}"}}
        )
        connector = HttpConnector(context_with(client))
        await connector.suspend(target_of(door), door, await connector.capture_state(target_of(door), door), "k")
    assert json.loads(server.asked[-1].body)["s"] == spec


@pytest.mark.parametrize("value", [0.1, -2.5e300, 2**53, -(2**70), {"a": [1.0, 2]}, True, None, "0.1"])
def test_freezing_and_thawing_is_no_change(value: Any) -> None:
    """A number without a canonical form survives the snapshot."""
    assert thaw(json.loads(json.dumps(freeze(value)))) == value


async def test_a_change_carries_its_idempotency_key(connector: HttpConnector) -> None:
    """The far end can recognise a repetition even if we cannot."""
    async with odd_server(platform(lambda _: reply(200))) as server:
        door = door_of(server.url)
        await connector.suspend(
            target_of(door), door, await connector.capture_state(target_of(door), door), "inc-1.op-2"
        )
    assert server.asked[-1].headers["idempotency-key"] == "inc-1.op-2"
    assert server.asked[-1].headers["authorization"] == f"Bearer {SECRET}"


async def test_a_snapshot_just_taken_spares_a_second_look(connector: HttpConnector) -> None:
    """Capture and suspend are two requests; the same snapshot a second time is looked at again first."""
    async with odd_server(platform(lambda _: reply(200))) as server:
        door = door_of(server.url)
        snapshot = await connector.capture_state(target_of(door), door)
        await connector.suspend(target_of(door), door, snapshot, "k")
        assert [asked.method for asked in server.asked] == ["GET", "PUT"]
        await connector.suspend(target_of(door), door, snapshot, "k")
    assert [asked.method for asked in server.asked][2] == "GET"


async def test_an_old_snapshot_is_looked_at_again(client: httpx.AsyncClient) -> None:
    """Six seconds later somebody may have closed it; the look comes before the change."""
    clock = [datetime.now(UTC)]
    context = ConnectorContext(client, ReferencedSecrets({"KEY": SECRET}), lambda: clock[0], Inventory())
    async with odd_server(platform(lambda _: reply(200))) as server:
        connector, door = HttpConnector(context), door_of(server.url)
        snapshot = await connector.capture_state(target_of(door), door)
        clock[0] += timedelta(seconds=6)
        await connector.suspend(target_of(door), door, snapshot, "k")
    assert [asked.method for asked in server.asked] == ["GET", "GET", "PUT"]


async def test_a_change_that_could_not_be_sent_is_no_doubt(connector: HttpConnector) -> None:
    """Nobody listens: certainly nothing happened, so nothing needs to be observed."""
    async with odd_server(lambda _: reply(200, OPEN, connection="close")) as server:
        door = door_of(server.url)
        snapshot = await connector.capture_state(target_of(door), door)
    with pytest.raises(Unanswered) as caught:
        await connector.suspend(target_of(door), door, snapshot, "k")
    assert not isinstance(caught.value, InDoubt)
    assert "nothing was changed" in caught.value.problems[0].do


async def test_no_proxy_from_the_environment(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that somebody exported does not get our keys."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with odd_server(platform(lambda _: reply(200))) as server, open_client() as fresh:
        door = door_of(server.url)
        assert (await HttpConnector(context_with(fresh)).capture_state(target_of(door), door)).state == {
            "state": "active"
        }


# What is never followed or believed.


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(connector: HttpConnector, status: int) -> None:
    """The key stays with the host that the door names, wherever that host points."""
    there: list[str] = []
    away = odd_server(lambda _: reply(status, b"", location=there[0]))
    async with odd_server(lambda _: reply(200, OPEN)) as other, away as server:
        there.append(other.url)
        door = door_of(server.url)
        with pytest.raises(Unanswered, match="redirects are not followed"):
            await connector.capture_state(target_of(door), door)
    assert not other.asked


BROKEN: dict[str, list[Any]] = {
    "cut in the body": [reply(200, OPEN)[:-4], None],
    "cut at once": [None],
    "too slow": [3.0],
    "drips for ever": [b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n", *[b" ", 0.2] * 20],
    "too large": [b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n" + b" " * 5_000_000],
    "compressed unasked": [reply(200, gzip.compress(b"0" * 1_000_000), content_encoding="gzip")],
    "no HTTP": [b"hello\r\n\r\n", None],
}


@pytest.mark.parametrize("how", sorted(BROKEN))
async def test_a_broken_answer_captures_nothing(connector: HttpConnector, how: str) -> None:
    """However the answer breaks, there is an error within the time of the door, and no snapshot."""
    async with odd_server(lambda _: BROKEN[how]) as server:
        door = door_of(server.url)
        with pytest.raises(Unanswered):
            await asyncio.wait_for(connector.capture_state(target_of(door), door), GENEROUS)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (reply(200, {**OPEN, "padding": "x" * 5_000_000}), "larger than"),
        (reply(200, gzip.compress(json.dumps(OPEN).encode()), content_encoding="gzip"), "compressed"),
    ],
)
async def test_a_whole_answer_out_of_bounds_is_refused(connector: HttpConnector, answer: bytes, words: str) -> None:
    """Memory is not spent on whatever comes: a good answer that is too large or unasked packed counts as none."""
    async with odd_server(lambda _: answer) as server:
        door = door_of(server.url)
        with pytest.raises(Unanswered, match=words):
            await connector.capture_state(target_of(door), door)


@pytest.mark.parametrize("how", sorted(BROKEN))
async def test_a_broken_answer_to_a_change_is_doubt(connector: HttpConnector, how: str) -> None:
    """The change was sent, so nobody may say that it did not happen, and it was sent once."""
    async with odd_server(platform(lambda _: BROKEN[how])) as server:
        door = door_of(server.url)
        snapshot = await connector.capture_state(target_of(door), door)
        with pytest.raises(InDoubt):
            await connector.suspend(target_of(door), door, snapshot, "k")
    assert [asked.method for asked in server.asked] == ["GET", "PUT"]


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"state": NaN}', b'{"stat": "active"}', b""])
async def test_an_answer_without_the_state_captures_nothing(connector: HttpConnector, body: bytes) -> None:
    """No JSON, or JSON without the pointers of the door: the suspension does not start."""
    async with odd_server(lambda _: reply(200, body)) as server:
        door = door_of(server.url)
        with pytest.raises(Unanswered) as caught:
            await connector.capture_state(target_of(door), door)
    assert "nothing was changed" in caught.value.problems[0].do


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Unanswered),
        (401, Unanswered),
        (404, Unanswered),
        (409, Refused),
        (412, Refused),
        (423, Refused),
        (500, InDoubt),
        (502, InDoubt),
        (202, InDoubt),
        (302, InDoubt),
    ],
)
async def test_a_status_that_was_not_expected(connector: HttpConnector, status: int, error: type[Exception]) -> None:
    """What certainly changed nothing, what met another change, and what may have changed something differ."""
    async with odd_server(platform(lambda _: reply(status, {"error": f"key {SECRET} seen"}))) as server:
        door = door_of(server.url)
        snapshot = await connector.capture_state(target_of(door), door)
        with pytest.raises(error) as caught:
            await connector.suspend(target_of(door), door, snapshot, "k")
    assert type(caught.value) is error
    assert SECRET not in str(caught.value)
    assert str(status) in str(caught.value)


async def test_a_conflict_with_somebody_who_closed_it_is_success(connector: HttpConnector) -> None:
    """The door is shut, and that is what was wanted; the receipt does not claim the work."""
    shut = {"state": "suspended", "by": "a colleague"}
    looks = iter([OPEN, shut])
    async with odd_server(platform(lambda _: reply(412), lambda _: reply(200, next(looks)))) as server:
        door = door_of(server.url)
        receipt = await connector.suspend(
            target_of(door), door, await connector.capture_state(target_of(door), door), "k"
        )
    assert (receipt.changed, receipt.detail["ours"]) == (False, False)


def in_two_seconds() -> str:
    """Return a date as in an HTTP header."""
    return format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)


@pytest.mark.parametrize("after", ["0", "1", in_two_seconds])
async def test_retry_after_is_honoured(connector: HttpConnector, after: Any) -> None:
    """As seconds or as a date, the same call is made again with the same key, and not before."""
    said: list[str] = []

    def put(_: Asked) -> bytes:
        said.append(after() if callable(after) else after)
        return reply(200) if len(said) > 1 else reply(429, b"", retry_after=said[0])

    async with odd_server(platform(put)) as server:
        door, began = door_of(server.url), monotonic()
        await connector.suspend(target_of(door), door, await connector.capture_state(target_of(door), door), "k")
    waited = monotonic() - began
    assert waited >= (float(after) if isinstance(after, str) else 0.9)
    assert {asked.headers["idempotency-key"] for asked in server.asked if asked.method == "PUT"} == {"k"}


@pytest.mark.parametrize(
    ("method", "idempotent", "after", "sent"),
    [
        ("POST", False, "0", 1),
        ("PATCH", False, "0", 1),
        ("POST", True, "0", 5),
        ("PUT", False, "0", 5),
        ("PUT", False, "99999", 1),
    ],
)
async def test_only_idempotent_calls_are_repeated_and_only_for_so_long(
    connector: HttpConnector, method: str, idempotent: bool, after: str, sent: int
) -> None:
    """A call that is not safe to repeat is not repeated; nobody waits longer than the door allows."""
    async with odd_server(platform(lambda _: reply(429, b"", retry_after=after))) as server:
        door = door_of(server.url, suspend={"method": method, "idempotent": idempotent})
        snapshot = await connector.capture_state(target_of(door), door)
        with pytest.raises(Unanswered, match="try again"):
            await connector.suspend(target_of(door), door, snapshot, "k")
    assert len([asked for asked in server.asked if asked.method == method]) == sent


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Make an authority of one and a server context that uses it."""
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")]),
    )
    now, alternative = datetime.now(UTC), x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now - timedelta(1), now + timedelta(1)
    )
    made = builder.add_extension(alternative, critical=False).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    pem = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    plain = serialization.NoEncryption()
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "cert.pem").write_bytes(pem)
    (folder / "both.pem").write_bytes(secret + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return folder / "cert.pem", context


async def test_a_certificate_that_nobody_vouches_for_ends_the_call(connector: HttpConnector, tmp_path: Path) -> None:
    """No request is sent to a stranger; naming the authority makes the same server good."""
    authority, tls = certificate(tmp_path)
    async with odd_server(lambda _: reply(200, OPEN), tls) as server, open_client(authority) as trusting:
        door = door_of(server.url)
        with pytest.raises(Unanswered, match=r"(?i)certificate"):
            await connector.capture_state(target_of(door), door)
        assert not server.asked
        await HttpConnector(context_with(trusting)).capture_state(target_of(door), door)


# What is never kept.


async def test_a_secret_that_comes_back_is_not_kept_and_not_restored(connector: HttpConnector) -> None:
    """The snapshot shows a hole; closing goes on, and a resume, which would write the hole, refuses."""
    held: dict[str, Any] = {**OPEN, "spec": {"token": f"x{SECRET}"}}

    def put(asked: Asked) -> bytes:
        held.update(json.loads(asked.body))
        return reply(200, held)

    async with odd_server(platform(put, lambda _: reply(200, held))) as server:
        door = door_of(server.url, state={"state": "/state", "spec": "/spec"})
        snapshot = await connector.capture_state(target_of(door), door)
        receipt = await connector.suspend(target_of(door), door, snapshot, "k")
        with pytest.raises(Refused, match="secret"):
            await connector.resume(target_of(door), door, snapshot, "k2", receipt)
    assert SECRET not in snapshot.model_dump_json() + receipt.model_dump_json()
    assert receipt.changed


async def test_an_unresolved_secret_stops_the_call_and_names_only_the_reference(client: httpx.AsyncClient) -> None:
    """Nothing is sent without its key."""
    async with odd_server(lambda _: reply(200, OPEN)) as server:
        door = door_of(server.url, capture={"headers": {"authorization": "Bearer secret://env/NOT_SET"}})
        with pytest.raises(InvalidInput, match="secret://env/NOT_SET has no value"):
            await HttpConnector(context_with(client)).capture_state(target_of(door), door)
    assert not server.asked


# Doors of other shapes.


async def test_a_state_that_is_neither_open_nor_closed_is_unknown(connector: HttpConnector) -> None:
    """`draining` is in neither list: the look says unknown, and a resume refuses."""
    async with odd_server(lambda _: reply(200, {"state": "draining", "by": "k"})) as server:
        door = door_of(server.url)
        snapshot = await connector.capture_state(target_of(door), door)
        assert (await connector.observe(target_of(door), door, "k")).closed is UNKNOWN
        with pytest.raises(Refused, match="neither open nor closed"):
            await connector.resume(
                target_of(door), door, snapshot.model_copy(update={"state": {"state": "active"}}), "k"
            )


@pytest.mark.parametrize(
    ("left", "words"),
    [
        ({}, None),
        ({"by": "a colleague"}, "mark of somebody else: a colleague"),
        ({"by": None}, "mark of somebody else"),
        ({"spec": 4}, "spec was changed since"),
        ({"state": "active", "spec": 4}, "open, but not as captured"),
    ],
)
async def test_each_kind_of_drift_is_seen_by_itself(connector: HttpConnector, left: dict[str, Any], words: str) -> None:
    """Without a version, our mark and the captured fields tell whether the door is as we left it."""
    held: dict[str, Any] = {**OPEN, "spec": 3}

    def put(asked: Asked) -> bytes:
        held.update(json.loads(asked.body))
        return reply(200, held)

    async with odd_server(platform(put, lambda _: reply(200, held))) as server:
        door = door_of(server.url, state={"state": "/state", "spec": "/spec"})
        snapshot = await connector.capture_state(target_of(door), door)
        receipt = await connector.suspend(target_of(door), door, snapshot, "k")
        held.update(left)
        if words is None:
            assert (await connector.resume(target_of(door), door, snapshot, "k2", receipt)).changed
            return
        with pytest.raises(Refused, match=words):
            await connector.resume(target_of(door), door, snapshot, "k2", receipt)
    assert [asked.method for asked in server.asked].count("PUT") == 1


async def test_without_the_receipt_nothing_shows_that_we_closed_it(connector: HttpConnector) -> None:
    """A resume that does not know which suspension it undoes refuses."""
    async with odd_server(
        platform(lambda _: reply(200), lambda _: reply(200, {"state": "suspended", "by": "k"}))
    ) as server:
        door = door_of(server.url)
        snapshot = await connector.capture_state(target_of(door), door)
        before = snapshot.model_copy(update={"state": {"state": "active"}})
        with pytest.raises(Refused, match="receipt"):
            await connector.resume(target_of(door), door, before, "k2")


async def test_a_thing_that_is_gone_can_be_the_closed_door(connector: HttpConnector) -> None:
    """A route that is deleted to close it and put back to open it: closed is a 404."""
    there: dict[str, Any] = {"route": {"path": "/v1", "weight": 0.5}}

    def answer(asked: Asked) -> bytes:
        match asked.method:
            case "DELETE":
                there.pop("route", None)
                return reply(204, b"")
            case "PUT":
                there["route"] = json.loads(asked.body)
                return reply(200)
            case _:
                return reply(200, there["route"]) if there else reply(404, b"")

    async with odd_server(answer) as server:
        url = f"{server.url}/routes/1"
        state = {"path": "/path", "weight": "/weight"}
        body = {name: f"{{{{ snapshot.state.{name} }}}}" for name in state}
        config = {
            "capture": {"url": url, "expect": [200, 404]},
            "state": state,
            "closed": {"status": [404]},
            "suspend": {"method": "DELETE", "url": url, "expect": [204, 404]},
            "resume": {"method": "PUT", "url": url, "json": body},
        }
        door = Door(name="route", connector="http", config=config)
        target, before = target_of(door), dict(there["route"])
        snapshot = await connector.capture_state(target, door)
        receipt = await connector.suspend(target, door, snapshot, "k")
        assert not there
        assert (await connector.observe(target, door, "k")).closed is YES
        await connector.resume(target, door, snapshot, "k2", receipt)
    assert there["route"] == before


# The data plane.


async def verdict_of(client: httpx.AsyncClient, answers: list[int], probe: dict[str, Any]) -> Any:
    """Ask a target whose callers get these statuses in turn, and return the verdict for `refused`."""
    turn = iter(answers)
    async with odd_server(
        lambda asked: (
            reply(200, {"state": "suspended", "by": "k"}) if "admin" in asked.path else reply(next(turn), b"x")
        )
    ) as server:
        door = door_of(server.url)
        target = target_of(door, probe=HttpProbe(url=f"{server.url}/v1", timeout_seconds=0.3, **probe))
        return await HttpConnector(context_with(client, target)).verify(target, door, "refused")


@pytest.mark.parametrize(
    ("status", "holds"),
    [
        (200, NO),
        (423, YES),
        (403, YES),
        (404, YES),
        (503, YES),
        (401, UNKNOWN),
        (500, UNKNOWN),
        (302, UNKNOWN),
        (429, UNKNOWN),
        (204, UNKNOWN),
    ],
)
async def test_how_the_answer_to_a_probe_is_read(client: httpx.AsyncClient, status: int, holds: Any) -> None:
    """A wrong key of ours, a crash, a redirect or a busy server is not a closed model."""
    assert (await verdict_of(client, [status], {})).holds is holds


@pytest.mark.parametrize(
    ("answers", "holds"), [([423, 423, 423], YES), ([423, 200, 423], NO), ([423, 500, 423], UNKNOWN)]
)
async def test_one_replica_that_lags_is_seen_by_several_looks(
    client: httpx.AsyncClient, answers: list[int], holds: Any
) -> None:
    """Half of a success is none: every look has to agree."""
    assert (await verdict_of(client, answers, {"looks": 3})).holds is holds


async def test_the_platform_contradicting_the_callers_leaves_it_unknown(client: httpx.AsyncClient) -> None:
    """Callers are refused while the platform says that it is open: perhaps it only is overloaded."""
    async with odd_server(lambda asked: reply(200, OPEN) if "admin" in asked.path else reply(503)) as server:
        door = door_of(server.url)
        target = target_of(door, probe=HttpProbe(url=f"{server.url}/v1"))
        verdict = await HttpConnector(context_with(client, target)).verify(target, door, "refused")
    assert verdict.holds is UNKNOWN
    assert "the platform says that m1 is open" in " ".join(verdict.notes)


async def test_a_neighbour_that_was_closed_on_purpose_is_no_over_blocking(client: httpx.AsyncClient) -> None:
    """Two models of one incident are each other's neighbour: shutting both is what was wanted."""
    async with odd_server(
        lambda asked: reply(200, {"state": "suspended", "by": "k"}) if "admin" in asked.path else reply(423)
    ) as server:
        door = door_of(server.url)
        probe = HttpProbe(url=f"{server.url}/v1")
        target = target_of(door, probe=probe, neighbours=("m2",))
        context = context_with(client, target, target.model_copy(update={"id": "m2"}))
        assert (await HttpConnector(context).verify(target, door, "refused")).holds is NO
        both = ConnectorContext(client, context.secrets, context.now, context.inventory, lambda: frozenset({"m2"}))
        assert (await HttpConnector(both).verify(target, door, "refused")).holds is YES


# Evidence.


async def test_an_artefact_is_read_from_a_url_with_its_key(connector: HttpConnector) -> None:
    """The key goes along, the bytes are kept as they came, the source says where."""
    async with odd_server(lambda _: reply(200, b"\x00weights", content_type="application/octet-stream")) as server:
        log = Artefact(url=f"{server.url}/w", headers={"authorization": "Bearer secret://env/KEY"})
        got = await connector.collect(target_of(door_of(server.url), evidence={"weights": log}), "weights")
    assert (got.content, got.media_type, got.source) == (b"\x00weights", "application/octet-stream", f"{server.url}/w")
    assert server.asked[0].headers["authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize(
    "answer",
    [reply(403, b"no"), reply(302, b"", location="/x"), [reply(200, b"x" * 99)[:-9], None], reply(200, b"x" * 101)],
)
async def test_half_an_artefact_is_none(connector: HttpConnector, answer: Any) -> None:
    """Refused, redirected, cut off or larger than allowed: nothing is returned that could pass for evidence."""
    async with odd_server(lambda _: answer) as server:
        log = Artefact(url=f"{server.url}/log", max_bytes=100, keep="digest")
        with pytest.raises(Unanswered):
            await connector.collect(target_of(door_of(server.url), evidence={"log": log}), "log")


async def test_a_system_that_is_busy_is_asked_again_for_an_artefact(connector: HttpConnector) -> None:
    """Turned away twice as one call too many: the third answer is the artefact."""
    answers = iter([reply(429, b"", retry_after="0"), reply(503, b"", retry_after="0"), reply(200, b"log")])
    async with odd_server(lambda _: next(answers)) as server:
        target = target_of(door_of(server.url), evidence={"log": Artefact(url=f"{server.url}/log")})
        assert (await connector.collect(target, "log")).content == b"log"
    assert len(server.asked) == 3


async def test_an_artefact_of_a_system_that_stays_busy_is_given_up(connector: HttpConnector) -> None:
    """An hour is not waited for: the message says that it was turned away and changed nothing."""
    async with odd_server(lambda _: reply(429, b"", retry_after="3600")) as server:
        target = target_of(door_of(server.url), evidence={"log": Artefact(url=f"{server.url}/log")})
        with pytest.raises(Unanswered, match="429"):
            await asyncio.wait_for(connector.collect(target, "log"), 2)
    assert len(server.asked) == 1


async def test_a_broken_connection_is_tried_once_more_for_an_artefact(connector: HttpConnector) -> None:
    """Nothing had come yet, so nothing is mixed; half an artefact is never continued."""
    answers: Iterator[Any] = iter([[None], reply(200, b"log")])
    async with odd_server(lambda _: next(answers)) as server:
        target = target_of(door_of(server.url), evidence={"log": Artefact(url=f"{server.url}/log")})
        assert (await connector.collect(target, "log")).size == 3


@pytest.mark.parametrize("part", ["\u00b2", "\u0661", "1\u00b2", "-1", "1.0"])
def test_a_pointer_into_a_list_takes_the_ten_digits_only(part: str) -> None:
    """What Python calls a digit is none to a JSON pointer: it points at nothing, and breaks nothing."""
    assert at([10, 11, 12], f"/{part}") is MISSING
    assert at([10, 11, 12], "/1") == 11


@pytest.mark.parametrize("after", ["\u00b2".encode().decode("latin-1"), "soon"])
async def test_a_pause_that_is_no_number_is_a_short_one(connector: HttpConnector, after: str) -> None:
    """A header of odd digits is answered with our own pause."""
    answers = iter([reply(429, b"", retry_after=after), reply(200, b"log")])
    async with odd_server(lambda _: next(answers)) as server:
        target = target_of(door_of(server.url), evidence={"log": Artefact(url=f"{server.url}/log")})
        assert (await connector.collect(target, "log")).size == 3


async def test_a_pipe_is_no_evidence(connector: HttpConnector, tmp_path: Path) -> None:
    """Reading a named pipe would wait for ever; it is refused at once."""
    os.mkfifo(tmp_path / "pipe")
    target = target_of(door_of("http://127.0.0.1:9"), evidence={"log": Artefact(file=str(tmp_path / "pipe"))})
    with pytest.raises(Unanswered, match="regular"):
        await asyncio.wait_for(connector.collect(target, "log"), 2)


# Speed.


class _Instant(httpx.AsyncBaseTransport):
    """A network of no distance: it notes when a request leaves and answers at once."""

    def __init__(self) -> None:
        self.left: list[float] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.left.append(perf_counter())
        return httpx.Response(200, stream=httpx.ByteStream(json.dumps(OPEN).encode()), request=request)


async def test_a_suspension_leaves_within_a_millisecond() -> None:
    """Templates are compiled once; from the call to the network the median of 200 is below 1 ms."""
    transport, spent = _Instant(), []
    async with httpx.AsyncClient(transport=transport) as client:
        connector, door = HttpConnector(context_with(client)), door_of("http://127.0.0.1:9")
        target = target_of(door)
        for number in range(200):
            snapshot = await connector.capture_state(target, door)
            began = perf_counter()
            await connector.suspend(target, door, snapshot, f"k{number}")
            spent.append(transport.left[-1] - began)
    assert sorted(spent)[100] < 0.001, f"{sorted(spent)[100] * 1000:.3f} ms"
    assert compile_door(target, door) is compile_door(target, door.model_copy(deep=True))


# The real server behind the rig, broken in ways that only it can be.


@pytest.fixture(scope="module", name="rig")
def _rig() -> Iterator[Any]:
    rig = rig_class("http")()
    rig.start()
    yield rig
    rig.stop()


@pytest.mark.parametrize("fault", ["flood", "garbled", "redirect", "error"])
async def test_a_control_plane_gone_mad_captures_nothing(rig: Any, client: httpx.AsyncClient, fault: str) -> None:
    """Whatever the admin API answers instead of the state, the suspension does not start."""
    rig.reset()
    rig.fault(fault=fault, method="GET")
    context = ConnectorContext(client, ReferencedSecrets(rig.environment), lambda: datetime.now(UTC), rig.inventory)
    with pytest.raises(Unanswered):
        await HttpConnector(context).capture_state(rig.target, rig.door)


async def test_a_connection_cut_after_the_effect_is_doubt(rig: Any, client: httpx.AsyncClient) -> None:
    """The record is changed and the answer cut: observed as ours, changed once."""
    rig.reset()
    context = ConnectorContext(client, ReferencedSecrets(rig.environment), lambda: datetime.now(UTC), rig.inventory)
    connector = HttpConnector(context)
    snapshot = await connector.capture_state(rig.target, rig.door)
    rig.fault(fault="reset")
    with pytest.raises(InDoubt):
        await connector.suspend(rig.target, rig.door, snapshot, "k")
    assert (await connector.observe(rig.target, rig.door, "k")).ours is YES
    assert rig.effects() == 1


async def test_the_version_of_our_own_change_is_what_a_resume_expects(rig: Any, client: httpx.AsyncClient) -> None:
    """A change that leaves every watched field as it was still moved the version, and the resume sees it."""
    rig.reset()
    connector = HttpConnector(
        ConnectorContext(client, ReferencedSecrets(rig.environment), lambda: datetime.now(UTC), rig.inventory)
    )
    snapshot = await connector.capture_state(rig.target, rig.door)
    receipt = await connector.suspend(rig.target, rig.door, snapshot, "k")
    rig.put({"reason": "looked at by a colleague"})
    rig.put({"reason": "closed by Firedoor"})
    with pytest.raises(Refused, match="version"):
        await connector.resume(rig.target, rig.door, snapshot, "k2", receipt)


def test_a_secret_of_a_body_is_found_for_the_plan() -> None:
    """References deep in a body are listed among the permissions."""
    tree = templates.compile_tree({"a": [{"b": "x secret://file/run/secrets/key"}]}, {})
    assert list(templates.references_in(tree)) == ["secret://file/run/secrets/key"]
