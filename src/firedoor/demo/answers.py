"""What both planes of the demonstration's server answer with: errors, bodies, digests and times."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from firedoor.core.json_types import Json, JsonObject


async def read_json(request: Request) -> Json:
    """Read a body as JSON; an empty object when it is none."""
    try:
        body: Json = await request.json()
    except ValueError:
        return {}
    return body


def number(asked: JsonObject, name: str, otherwise: float) -> float:
    """Return a number of a body; what is left out, or is none, counts as the usual one."""
    found = asked.get(name)
    return float(found) if found and isinstance(found, int | float | str) else otherwise


def error(status: int, message: str) -> Response:
    """Answer with an error in the shape that OpenAI-compatible clients read."""
    return JSONResponse({"error": {"message": message, "code": status}}, status)


def digest_of(text: str) -> str:
    """SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def now() -> str:
    """Return the time now, in UTC, as ISO 8601."""
    return datetime.now(UTC).isoformat()
