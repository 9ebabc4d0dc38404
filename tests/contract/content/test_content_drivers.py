"""Every driver of content keeps the same rules, each against a real far end: idempotent, observed, undone, honest."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.conftest import require
from tests.contract.rigs_support.gallery import TOKEN, Gallery

from firedoor.connectors.content import registry
from firedoor.connectors.content.outside import address_of
from firedoor.connectors.parts.context import ConnectorContext, open_client
from firedoor.connectors.parts.opened import OpenConnectors
from firedoor.core.problems import FiredoorError, InvalidInput, NotFound, Refused, Unanswered
from firedoor.core.removal.ports import Blocklist, Remover
from firedoor.core.removal.store import ContentStore, Outside
from firedoor.core.targets import Inventory
from firedoor.core.ternary import NO, UNKNOWN, YES
from firedoor.runtime.config.container import utc_now
from firedoor.runtime.config.secrets import ReferencedSecrets

PDQ = "f8f8f0cce0f4a84d0e370a22028f67f0b36e2ed596623e1d33e6b39c4e9c9b22"
SHA = "2f0d2a7a7d1f4f0b5c8a6a7e3bb1f2c9d04e5f66778899aabbccddeeff001122"
Story = Callable[[Any, "Rig"], Any]


@dataclass
class Rig:
    """A far end: the configuration of its driver, what is public there, and how it is broken."""

    kind: str
    config: Mapping[str, object]
    served: Callable[[str], bool] = lambda _: False
    down: Callable[[], None] = lambda: None
    close: Callable[[], None] = lambda: None
    extra: dict[str, Any] = field(default_factory=dict)


def context() -> ConnectorContext:
    """What every driver is given."""
    return ConnectorContext(open_client(), ReferencedSecrets(), utc_now, Inventory())


def with_driver(rig: Rig, part: str, story: Callable[[Any], Any]) -> None:
    """Open the driver of a rig and tell a story with it."""

    async def told() -> None:
        given = context()
        opened = registry.remover if part == "removal" else registry.blocklist
        try:
            await story(opened(rig.kind, rig.config, given))
        finally:
            await given.client.aclose()

    asyncio.run(told())


def http_rig() -> Rig:
    """The gallery's API."""
    gallery = Gallery()
    for key in ("posts/8812", "others/9"):
        gallery.put(key, f"invented {key}".encode())
    headers = {"authorization": f"Bearer {TOKEN}"}
    config = {"base": gallery.url, "path": "/api/objects", "headers": headers}
    down = lambda: setattr(gallery, "down", True)  # noqa: E731 - a switch
    return Rig("http", config, lambda key: key in gallery.objects, down, gallery.close)


def s3_rig() -> Rig:
    """Two buckets in moto, the second one locked."""
    require("moto", importlib.util.find_spec("moto") is not None)
    import boto3
    from moto import mock_aws

    aws = mock_aws()
    aws.start()
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    client = boto3.client("s3", **keys)
    for bucket in ("public", "locked"):
        client.create_bucket(Bucket=bucket)
    locks = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    client.put_public_access_block(Bucket="locked", PublicAccessBlockConfiguration=locks)
    for key in ("posts/8812", "others/9"):
        client.put_object(Bucket="public", Key=f"media/{key}", Body=f"invented {key}".encode())

    def served(key: str) -> bool:
        found = client.list_objects_v2(Bucket="public", Prefix=f"media/{key}").get("Contents", ())
        return any(one["Key"] == f"media/{key}" for one in found)

    config: dict[str, object] = {
        "bucket": "public", "prefix": "media/", "quarantine": "locked", "region": "us-east-1",
        "access_key": "secret://env/S3_KEY", "secret_key": "secret://env/S3_SECRET",
    }  # fmt: skip

    def down() -> None:
        config.update(endpoint="http://127.0.0.1:1", timeout_seconds=2)

    return Rig("s3-quarantine", config, served, down, aws.stop, {"client": client})


def blocklist_rig() -> Rig:
    """The gallery's filter."""
    gallery = Gallery()
    config = {"base": f"{gallery.url}/filter", "headers": {"authorization": f"Bearer {TOKEN}"}}
    return Rig("http-blocklist", config, down=lambda: setattr(gallery, "down", True), close=gallery.close)


def hma_rig() -> Rig:
    """A double that answers the four routes of HMA as its source does; another bank holds the same hash."""
    contents: dict[int, tuple[str, str]] = {7: ("OTHERS", SHA.replace("2", "1"))}

    class Handler(BaseHTTPRequestHandler):
        def _meet(self) -> None:
            status, answer = self._answered()
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _answered(self) -> tuple[int, object]:
            sent = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
            asked = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(asked.query).items()}
            near = [one for one, (_, value) in contents.items() if value == query.get("signal")]
            if asked.path == "/m/lookup":
                return 200, sorted({contents[one][0] for one in near})
            if asked.path == "/m/raw_lookup":
                return 200, {"matches": [{"content_id": one, "distance": "0"} for one in near]}
            if found := re.fullmatch(r"/c/bank/BLOCKED/content/(\d+)", asked.path):
                mine = contents.get(int(found[1]), ("", ""))[0] == "BLOCKED"
                contents.pop(int(found[1]) if mine else -1, None)
                return 200, {"deleted": int(mine)}
            contents[max(contents) + 1] = ("BLOCKED", sent["pdq"])
            return 200, {"id": max(contents), "signals": sent}

        do_GET = do_POST = do_DELETE = _meet  # noqa: N815 - the names that the library calls

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close() -> None:
        server.shutdown()
        server.server_close()

    config = {"base": f"http://127.0.0.1:{server.server_port}", "bank": "BLOCKED"}
    return Rig("hma", config, down=close, close=lambda: None, extra={"contents": contents})


@pytest.fixture(params=[http_rig, s3_rig])
def removing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    """Each far end that takes content away."""
    monkeypatch.setenv("S3_KEY", "a")
    monkeypatch.setenv("S3_SECRET", "b")
    rig = request.param()
    yield rig
    rig.close()


@pytest.fixture(params=[blocklist_rig, hma_rig])
def blocking(request: pytest.FixtureRequest) -> Iterator[Rig]:
    """Each far end that keeps uploads out."""
    rig = request.param()
    yield rig
    rig.close()


def test_it_takes_one_thing_away_and_nothing_else(removing: Rig) -> None:
    """Away for the public and by its own word; the neighbour stays; a second time changes nothing."""

    async def story(driver: Remover) -> None:
        assert await driver.removed("posts/8812") is NO
        assert (await driver.remove("posts/8812", "key-1")).changed
        assert await driver.removed("posts/8812") is YES
        assert not (await driver.remove("posts/8812", "key-1")).changed
        assert await driver.removed("others/9") is NO

    with_driver(removing, "removal", story)
    assert not removing.served("posts/8812")
    assert removing.served("others/9")


def test_what_is_put_back_is_as_it_was_or_refused(removing: Rig) -> None:
    """A driver either puts it back, or says that it cannot."""

    async def story(driver: Remover) -> None:
        done = await driver.remove("posts/8812", "key-1")
        if done.undo:
            await driver.restore("posts/8812", done.undo, "key-2")
            assert await driver.removed("posts/8812") is NO
        else:
            with pytest.raises(Refused):
                await driver.restore("posts/8812", "", "key-2")

    with_driver(removing, "removal", story)


def test_a_far_end_that_is_down_is_told_as_such(removing: Rig) -> None:
    """Nothing is taken for done that was not answered."""
    removing.down()

    async def story(driver: Remover) -> None:
        with pytest.raises(Unanswered):
            await driver.remove("posts/8812", "key-1")

    with_driver(removing, "removal", story)


def test_a_quarantine_that_is_not_locked_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is moved to where a policy may show it tomorrow, nor to the bucket that is served."""
    monkeypatch.setenv("S3_KEY", "a")
    monkeypatch.setenv("S3_SECRET", "b")
    rig = s3_rig()
    rig.extra["client"].delete_public_access_block(Bucket="locked")

    async def story(driver: Remover) -> None:
        with pytest.raises(Refused, match="does not block all public access"):
            await driver.remove("posts/8812", "key-1")

    with_driver(rig, "removal", story)
    assert rig.served("posts/8812")
    rig.close()
    with pytest.raises(InvalidInput, match="K125"):
        registry.remover("s3-quarantine", {"bucket": "one", "quarantine": "one"}, context())


def test_a_hash_is_listed_once_and_comes_off(blocking: Rig) -> None:
    """On the list, once; off again; and the hash of another stays."""

    async def story(driver: Blocklist) -> None:
        assert await driver.blocked("pdq", PDQ) is NO
        assert await driver.block("pdq", PDQ, "key-1")
        assert await driver.blocked("pdq", PDQ) is YES
        assert not await driver.block("pdq", PDQ, "key-1")
        assert await driver.unblock("pdq", PDQ, "key-2")
        assert await driver.blocked("pdq", PDQ) is NO
        assert not await driver.unblock("pdq", PDQ, "key-2")

    with_driver(blocking, "blocklist", story)
    assert "contents" not in blocking.extra or list(blocking.extra["contents"]) == [7]


def test_an_algorithm_that_a_list_does_not_hold_is_unknown(blocking: Rig) -> None:
    """It is neither blocked nor not."""

    async def story(driver: Blocklist) -> None:
        assert await driver.blocked("md5", "0" * 32) is UNKNOWN

    with_driver(blocking, "blocklist", story)


@pytest.mark.parametrize("kind", registry.available())
def test_a_wrong_configuration_is_named_in_one_go(kind: str) -> None:
    """Every driver refuses what it does not know, in a check that calls nothing."""
    part = "index" if "index" in kind else "blocklist" if kind in ("hma", "http-blocklist") else "removal"
    driven: dict[str, object] = {"via": kind, "config": {"nonsense": 1}}
    content = ContentStore.model_validate({part: {"service": driven} if part == "index" else driven})
    inventory = Inventory.model_validate(
        {"targets": {"g": {"doors": [{"name": "d", "connector": "http"}], "content": content.model_dump()}}}
    )
    found = OpenConnectors(context()).check_inventory(inventory)
    assert [one for one in found if one.code == "K122" and "nonsense" in one.message]


def test_a_driver_that_is_not_there_is_named_with_the_nearest() -> None:
    """And one that cannot do what it is asked for."""
    with pytest.raises(NotFound, match="s3-quarantine"):
        registry.remover("s3-quarantin", {}, context())
    with pytest.raises(FiredoorError, match="cannot be used as removal"):
        registry.remover("hma", {}, context())


@pytest.mark.parametrize(
    "place", ["https://elsewhere.example/x", "/etc/passwd", "a/../../admin", "//elsewhere.example/x", "a/./b"]
)
def test_no_address_leaves_its_store(place: str) -> None:
    """Whoever writes a request chooses neither the host nor the folder that is asked."""
    with pytest.raises(InvalidInput, match="K123"):
        address_of(Outside(base="https://gallery.example.org/media/"), place)


def test_an_address_in_other_spellings_is_one_place() -> None:
    """By its public address, by its bucket, and by its name alone."""
    content = ContentStore(outside=Outside(base="https://g.example/m/"), prefixes=("s3://pictures/m/",))
    keys = {content.key_of(one) for one in ("https://g.example/m/a/1", "s3://pictures/m/a/1", "a/1", "a/1#top")}
    assert keys == {"a/1"}
    assert content.key_of("https://g.example/m/../../x") is None
    assert content.key_of("https://g.example.evil/m/a/1") is None
