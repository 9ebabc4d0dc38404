"""Tokens: made, listed and revoked by an administrator. A secret is shown once and never stored.

Decides which names and roles a token may have. Leaves which words are roles to the core, and what they may do to
`access`.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from firedoor.interfaces.web.http.responses import answer
from firedoor.interfaces.web.security.auth import Asking, Running
from firedoor.runtime.service.administration import Made
from firedoor.store.identity.tokens import list_tokens, revoke_token

router = APIRouter(prefix="/api/v1", tags=["tokens"])


class NewToken(BaseModel):
    """Whose it is, and with which roles. A source's is named after it; any other belongs to an account."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[^\x00-\x1f\x7f]{1,100}$", examples=["ada@example.org, at night", "source:presidio"])
    roles: list[str] = Field(min_length=1, max_length=20, examples=[["responder", "commander"]])
    account: str = Field(
        default="", max_length=100, examples=["ada@example.org"],
        description="Who acts with it; where nothing is said, the account that bears the token's name.",
    )  # fmt: skip
    expires_at: AwareDatetime | None = Field(
        default=None, description="At most 365 days from now; in 90 days where nothing is said."
    )


@router.get("/tokens", summary="List tokens")
def get_tokens(runtime: Running, _: Asking) -> Response:
    """All tokens, revoked ones included, without anything secret."""
    shown = [{**row, "roles": str(row["roles"]).split(",")} for row in list_tokens(runtime.world.store)]
    return answer({"tokens": shown})


@router.post("/tokens", status_code=201, summary="Make a token")
def post_token(given: Annotated[NewToken, Body()], runtime: Running, caller: Asking) -> Response:
    """The secret is in this answer and nowhere else. A source's is named after it, such as `source:presidio`.

    202 with `waits_for` where the roles decide: then it counts as soon as another administrator has approved it.
    """
    roles = frozenset(given.roles)
    made = runtime.administration.make_token(
        caller.administrator, given.name, roles, given.expires_at, account=given.account
    )
    body = {"id": made.token, "name": given.name, "roles": sorted(set(given.roles)), "token": made.secret}
    return answer({**body, **waits(made)}, 202 if made.waits_for else 201)


def waits(made: Made) -> dict[str, str]:
    """What an answer says of a change that waits for another administrator; nothing where it is done."""
    do = f"another administrator approves it: firedoor change approve {made.waits_for}"
    return {"waits_for": made.waits_for, "do": do} if made.waits_for else {}


@router.delete("/tokens/{token}", summary="Revoke a token")
def delete_token(token: str, request: Request, runtime: Running, caller: Asking) -> Response:
    """It is refused from now on; other processes notice within a second."""
    revoke_token(runtime.world.store, token, runtime.world.now(), by=caller.person.actor)
    request.app.state.keyring.forget()
    return answer({"id": token, "revoked": True})
