"""Who may do what over HTTP: every route is in the table, and the table is what happens."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import orjson
import pytest
from starlette.routing import Route
from tests.support.api_house import House, house, problems

from firedoor.core.access.roles import BUILT_IN
from firedoor.interfaces.web.http import server_file
from firedoor.interfaces.web.security.route_table import GRANTS, ROUTES, TOKENLESS, Access, allowed

EXAMPLES = {
    "{incident}": "INC-2026-0001",
    "{task:path}": "T1",
    "{clock:path}": "c",
    "{sha256}": "0" * 64,
    "{alert}": "1",
}


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as built:
        yield built


def example(path: str) -> str:
    """An address of a route."""
    for hole, text in EXAMPLES.items():
        path = path.replace(hole, text)
    return path.replace(":path}", "}").replace("{", "a").replace("}", "")


def test_every_route_is_in_the_table(built_routes: set[tuple[str, str]]) -> None:
    """A route that nobody listed is closed to all and fails here; a line for a route that is gone fails too."""
    assert built_routes == set(ROUTES)


@pytest.fixture(name="built_routes")
def _routes(built: House) -> set[tuple[str, str]]:
    routes = [route for route in built.app.routes if isinstance(route, Route)]
    return {(method, route.path) for route in routes for method in (route.methods or ()) if method != "HEAD"}


async def test_nobody_unknown_gets_past_a_route_that_is_not_open(built: House) -> None:
    """Without a token, and with one that is made up, every route answers 401 in the usual shape."""
    for client in (built.client(), built.client("fd_made-up")):
        for (method, path), access in ROUTES.items():
            if access not in TOKENLESS:
                answer = await client.request(method, example(path))
                assert (answer.status_code, problems(answer)) == (401, ["W101"]), (method, path)
                assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_each_route_refuses_the_roles_that_the_table_does_not_name(built: House) -> None:
    """For every access there is a role without it, and that role gets 403 from every such route."""
    without = {Access.SEND: "viewer", Access.READ: "source", Access.WORK: "viewer", Access.RESPOND: "viewer",
               Access.CORRECT: "viewer", Access.OPERATE: "dpo", Access.TELL: "dpo",
               Access.ADMIN: "responder", Access.YEAR: "commander", Access.SECURITY: "commander"}  # fmt: skip
    clients = {role: built.holding(f"holder of {role}", role) for role in set(without.values())}
    for (method, path), access in ROUTES.items():
        if access not in TOKENLESS:
            answer = await clients[without[access]].request(method, example(path))
            assert (answer.status_code, problems(answer)) == (403, ["W103"]), (method, path, answer.text)


async def test_open_routes_ask_for_nothing(built: House) -> None:
    """Health, metrics and the description of the API answer without a token."""
    for (method, path), access in ROUTES.items():
        if access is Access.OPEN:
            assert (await built.client().request(method, path)).status_code in (200, 503), path


@pytest.mark.parametrize("access", [access for access in Access if access not in TOKENLESS])
def test_every_access_is_granted_to_somebody_and_not_to_everybody(access: Access) -> None:
    """An access is given to roles by their names, so that a word that is no role has nothing."""
    assert frozenset() < GRANTS[access] < BUILT_IN
    assert not any(allowed(access, frozenset(roles)) for roles in ((), ("detector", "sourec")))


def test_a_route_that_nobody_listed_is_closed() -> None:
    """Not even an administrator with every role passes a route without a line in the table."""
    assert not allowed(None, frozenset(("admin", "responder", "manager")))


async def test_a_token_lives_until_it_is_revoked(built: House) -> None:
    """Made by an administrator, shown once, refused at once after it is revoked."""
    person = {"name": "Ada Okafor", "roles": ["viewer"]}
    assert (await built.local.post("/api/v1/accounts", json=person)).status_code == 201
    made = (await built.local.post("/api/v1/tokens", json=person)).json()
    ada = built.client(made["token"])
    assert (await ada.get("/api/v1/me")).json()["name"] == "Ada Okafor"
    listed = (await built.local.get("/api/v1/tokens")).text
    assert made["id"] in listed
    assert made["token"] not in listed
    assert (await built.local.delete(f"/api/v1/tokens/{made['id']}")).status_code == 200
    assert (await ada.get("/api/v1/me")).status_code == 401
    assert (await built.local.delete(f"/api/v1/tokens/{made['id']}")).status_code == 404


@pytest.mark.parametrize(
    "body", [{"name": "x", "roles": ["Not A Role"]}, {"name": "", "roles": ["viewer"]}, {"name": "x", "roles": []}]
)
async def test_a_token_needs_a_name_and_roles(built: House, body: dict[str, object]) -> None:
    """Names without characters and roles that are no roles are refused."""
    answer = await built.local.post("/api/v1/tokens", json=body)
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["do"]


async def test_the_local_token_is_this_users_alone(tmp_path: Path) -> None:
    """server.json appears with the server, is readable for its owner only, and goes with it."""
    async with house(tmp_path) as built:
        file = built.runtime.settings.server_file
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        written = orjson.loads(file.read_bytes())
        assert written["url"] == "http://127.0.0.1:8600"
        me = (await built.client(written["token"]).get("/api/v1/me")).json()
        assert me["local"] is True
        assert {"commander", "dpo", "admin", "responder"} <= set(me["roles"])
    assert not file.exists()


async def test_a_server_does_not_remove_the_file_of_another(tmp_path: Path) -> None:
    """Whoever wrote last is found; the one that stops leaves that file alone."""
    async with house(tmp_path) as built:
        server_file.announce(built.runtime.settings.server_file, "http://elsewhere", "fdl_other")
    found = server_file.read(tmp_path / "server.json")
    assert found is not None
    assert found["url"] == "http://elsewhere"


async def test_every_answer_has_the_security_headers(built: House) -> None:
    """Also errors: nothing is sniffed, framed or stored."""
    for path in ("/healthz", "/api/v1/incidents", "/nowhere"):
        headers = (await built.client().get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]


async def test_a_fault_of_ours_shows_no_traceback(built: House) -> None:
    """A route that breaks answers 500 in the usual shape, with nothing of the fault in it."""

    async def broken(_: object) -> None:
        raise ZeroDivisionError("a secret detail")

    built.app.router.add_route("/broken", broken)
    answer = await built.client().get("/broken")
    assert (answer.status_code, problems(answer)) == (500, ["W150"])
    assert "secret" not in answer.text


async def test_the_description_names_every_route_and_the_shape_of_problems(built: House) -> None:
    """/openapi.json needs no token, and every operation says who may call it and how errors look."""
    document = (await built.client().get("/openapi.json")).json()
    pages = {route.path for route in built.app.routes if isinstance(route, Route) and not route.include_in_schema}
    for (method, path), access in ROUTES.items():
        if path in pages:
            continue
        operation = document["paths"][path.replace(":path}", "}")][method.lower()]
        assert operation["summary"]
        if access not in TOKENLESS:
            assert operation["security"] == [{"bearer": []}]
            assert operation["responses"]["403"]["content"]["application/json"]["schema"]["$ref"].endswith("/Problems")


@pytest.mark.parametrize("path", ["/api/v1/incidents/INC%00", "/api/v1/incidents?q=a%00b", "/answer/a%00"])
async def test_no_name_holds_a_nul(built: House, path: str) -> None:
    """Not every database takes it; it is refused before one is asked."""
    assert (await built.local.get(path)).status_code == 400


async def test_bodies_are_bounded_and_json(built: House) -> None:
    """Too large, of another type, or no JSON: three refusals, each in the usual shape."""
    big = await built.local.post(
        "/api/v1/incidents", content=b"{" + b" " * 1_100_000, headers={"content-type": "application/json"}
    )
    form = await built.local.post("/api/v1/incidents", content=b"a=b", headers={"content-type": "text/plain"})
    broken = await built.local.post("/api/v1/incidents", content=b"{", headers={"content-type": "application/json"})
    found = [(answer.status_code, problems(answer)) for answer in (big, form, broken)]
    assert found == [(413, ["W113"]), (415, ["W115"]), (422, ["W120"])]


async def test_a_body_without_a_length_ends_at_the_bound(built: House) -> None:
    """Chunked bodies are counted as they come."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 65_536

    answer: httpx.Response = await built.local.post(
        "/api/v1/incidents", content=endless(), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413
