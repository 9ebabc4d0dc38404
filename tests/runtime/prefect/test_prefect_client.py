"""A busy Prefect server is asked again at once; every other answer is passed on as it is."""

from __future__ import annotations

import httpx
import pytest

from firedoor.runtime.prefect.client import QuickRetry


class Server(httpx.AsyncBaseTransport):
    """Answers with these codes, the last one for ever, and keeps what was sent."""

    def __init__(self, *codes: int, headers: dict[str, str] | None = None) -> None:
        self.codes, self.headers = list(codes), headers or {}
        self.bodies: list[bytes] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(await request.aread())
        code = self.codes.pop(0) if len(self.codes) > 1 else self.codes[0]
        return httpx.Response(code, headers=self.headers)


async def ask(server: Server) -> int:
    """Post something through the retries."""
    async with httpx.AsyncClient(transport=QuickRetry(server)) as client:
        return (await client.post("http://prefect/api", json={"a": 1})).status_code


async def test_a_busy_server_is_asked_again_with_the_same_words() -> None:
    """Two refusals later the request is answered, and nothing of it was lost."""
    server = Server(503, 503, 201)
    assert await ask(server) == 201
    assert server.bodies == [b'{"a":1}'] * 3


@pytest.mark.parametrize("code", [200, 404, 409, 500])
async def test_any_other_answer_is_final(code: int) -> None:
    """Only 503 says that nothing was written; anything else must not be sent twice."""
    server = Server(code)
    assert await ask(server) == code
    assert len(server.bodies) == 1


async def test_a_server_in_maintenance_is_left_to_prefects_own_patience() -> None:
    """Asking every few hundredths of a second for minutes helps nobody."""
    server = Server(503, headers={"Prefect-Maintenance": "true"})
    assert await ask(server) == 503
    assert len(server.bodies) == 1
