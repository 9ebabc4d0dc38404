"""Tokens: made, listed and revoked by an administrator. A secret is shown once and never stored.

Decides which names and roles a token may have. Leaves what a role may do to `access`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from firedoor.core.problems import InvalidInput, Problem
from firedoor.interfaces.web.answers import answer
from firedoor.interfaces.web.auth import Asking, Running
from firedoor.store.tokens import create_token, list_tokens, revoke_token

router = APIRouter(prefix="/api/v1", tags=["tokens"])


class NewToken(BaseModel):
    """Who holds it, and with which roles."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[^\x00-\x1f\x7f]{1,100}$", examples=["Ada Okafor", "source:presidio"])
    roles: list[str] = Field(min_length=1, max_length=20, examples=[["responder", "commander"]])


@router.get("/tokens", summary="List tokens")
def get_tokens(runtime: Running, _: Asking) -> Response:
    """All tokens, revoked ones included, without anything secret."""
    shown = [{**row, "roles": str(row["roles"]).split(",")} for row in list_tokens(runtime.world.store)]
    return answer({"tokens": shown})


@router.post("/tokens", status_code=201, summary="Make a token")
def post_token(given: Annotated[NewToken, Body()], runtime: Running, _: Asking) -> Response:
    """The secret is in this answer and nowhere else. A name such as `source:presidio` binds it to that source."""
    need_token_roles(given.roles)
    world = runtime.world
    identifier, secret = create_token(world.store, given.name, frozenset(given.roles), world.now())
    return answer({"id": identifier, "name": given.name, "roles": sorted(set(given.roles)), "token": secret}, 201)


def need_token_roles(roles: Iterable[str]) -> None:
    """Raises InvalidInput for a word that is no role."""
    wrong = [role for role in roles if not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", role)]
    if wrong:
        do = "lower-case letters, digits and underscores, for example responder or dpo"
        raise InvalidInput(
            [Problem(code="W130", field="roles", message=f'"{role[:40]}" is no role', do=do) for role in wrong]
        )


@router.delete("/tokens/{token}", summary="Revoke a token")
def delete_token(token: str, request: Request, runtime: Running, _: Asking) -> Response:
    """It is refused from now on; other processes notice within a second."""
    revoke_token(runtime.world.store, token, runtime.world.now())
    request.app.state.keyring.forget()
    return answer({"id": token, "revoked": True})
