"""The published description of the API (/openapi.json): what every route has in common, added once.

Decides the shape of problems, the tags, and how a caller is recognised. Reading the
description needs no token: it holds no data of any incident.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from firedoor.core.json_types import JsonObject
from firedoor.interfaces.web.security.route_table import ROUTES, TOKENLESS, Access, needed

PROBLEMS: JsonObject = {
    "type": "object",
    "required": ["problems"],
    "properties": {"problems": {"type": "array", "items": {"$ref": "#/components/schemas/Problem"}}},
}
PROBLEM: JsonObject = {
    "type": "object",
    "required": ["code", "message", "do", "field", "place"],
    "properties": {
        "code": {"type": "string", "description": "Stable; scripts may rely on it.", "examples": ["T103"]},
        "message": {"type": "string", "description": "What happened."},
        "do": {"type": "string", "description": "What to do about it."},
        "field": {"type": ["string", "null"], "description": "The field of the body, or the parameter."},
        "place": {
            "type": ["object", "null"], "description": "Where in a file that a person wrote.",
            "properties": {"file": {"type": "string"}, "line": {"type": "integer"}, "column": {"type": "integer"}},
        },
    },
}  # fmt: skip
STATUSES = {
    "401": "Nobody known is asking.",
    "403": "The caller's roles do not allow it.",
    "404": "It does not exist; the nearest name is given.",
    "409": "Understood, and the state forbids it; nothing was changed.",
    "413": "The body is too large.",
    "415": "The body's media type is not read here.",
    "422": "The input cannot be used; every problem is listed, nothing was changed.",
    "502": "Another system did not answer, or answered something that cannot be trusted.",
}
TAGS = [
    {"name": "alerts", "description": "Detectors send what they found."},
    {"name": "incidents", "description": "What is going on, and what is known."},
    {"name": "tasks", "description": "What waits for people."},
    {"name": "clocks", "description": "What the law asks, and by when."},
    {"name": "requests", "description": "What people ask for: removal, a complaint, their rights."},
    {"name": "evidence", "description": "What is held, and who touched it."},
    {"name": "journal", "description": "The record, and the proof that it was not altered."},
    {"name": "report", "description": "The whole story with its proof."},
    {"name": "library", "description": "Playbooks, targets, duties."},
    {"name": "events", "description": "What happens, as it happens."},
    {"name": "tokens", "description": "Who may call."},
    {"name": "health", "description": "Open to everyone."},
]
ABOUT = (
    "Runs AI privacy incidents. Every route asks for a bearer token unless it says so; the person who acts is the "
    "token's holder. Instants are ISO 8601 with an offset. Errors have one shape: "
    '`{"problems": [...]}`. Nothing here is legal advice.'
)


def described(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document; made once."""
    if app.openapi_schema:
        return app.openapi_schema
    document = get_openapi(title=app.title, version=app.version, description=ABOUT, routes=app.routes, tags=TAGS)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas |= {"Problem": PROBLEM, "Problems": PROBLEMS}
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    document["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    for (method, path), access in ROUTES.items():
        operation = document["paths"].get(path.replace(":path}", "}"), {}).get(method.lower())
        if operation is not None:
            _complete(operation, access)
    app.openapi_schema = document
    return document


def _complete(operation: dict[str, Any], access: Access) -> None:
    statuses = STATUSES if access not in TOKENLESS else {}
    schema = {"application/json": {"schema": {"$ref": "#/components/schemas/Problems"}}}
    operation["responses"].pop("422", None)
    operation["responses"] |= {status: {"description": text, "content": schema} for status, text in statuses.items()}
    if access not in TOKENLESS:
        operation["security"] = [{"bearer": []}]
        operation["description"] = f"{operation.get('description', '')}\n\nFor: {needed(access)}.".strip()
