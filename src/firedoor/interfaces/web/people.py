"""Accounts of people, kept by an administrator; and who may read one incident, said by whoever steers it.

Decides what an account may be called and which roles there are. Leaves passwords to `store.accounts` and the rule of
need-to-know to the core.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from firedoor.core.problems import InvalidInput, Problem
from firedoor.interfaces.web.answers import answer
from firedoor.interfaces.web.auth import Asking, Running
from firedoor.store import accounts
from firedoor.store.accounts import Account
from firedoor.store.sessions import end_sessions_of

router = APIRouter(prefix="/api/v1", tags=["people"])

SIGNED_OUT_BY = frozenset(("password", "roles", "disabled"))


class NewAccount(BaseModel):
    """Somebody who may sign in. Without a password only single sign-on, or Slack, leads to the account."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=100, examples=["ada.okafor@example.org"])
    roles: list[str] = Field(max_length=20, examples=[["responder", "commander"]])
    display: str = Field(default="", max_length=100)
    email: str = Field(default="", max_length=200)
    slack_id: str = Field(default="", max_length=30, examples=["U01ABCDEF"])
    password: str | None = Field(default=None, max_length=200)


class AccountChange(BaseModel):
    """What is to be different. What is not named stays."""

    model_config = ConfigDict(extra="forbid")

    roles: list[str] | None = Field(default=None, max_length=20)
    display: str | None = Field(default=None, max_length=100)
    email: str | None = Field(default=None, max_length=200)
    slack_id: str | None = Field(default=None, max_length=30)
    password: str | None = Field(default=None, max_length=200)
    disabled: bool | None = None
    totp: None = Field(default=None, description="Name it with null to take one-time codes away.")


class NewReaders(BaseModel):
    """Who may read an incident from now on. `everyone` opens it to all readers again."""

    model_config = ConfigDict(extra="forbid")

    roles: list[str] = Field(default_factory=list, max_length=50, examples=[["commander", "dpo", "legal"]])
    people: list[str] = Field(default_factory=list, max_length=200, examples=[["ada.okafor@example.org"]])
    everyone: bool = False
    why: str = Field(max_length=5000, examples=["The person concerned is a colleague."])


@router.get("/accounts", summary="List accounts")
def get_accounts(runtime: Running, _: Asking) -> Response:
    """Every account by name, without anything secret."""
    return answer({"accounts": [_shown(account) for account in accounts.list_accounts(runtime.world.store)]})


@router.post("/accounts", status_code=201, summary="Make an account")
def post_account(given: Annotated[NewAccount, Body()], runtime: Running, _: Asking) -> Response:
    """A password has at least 12 characters. It is kept as argon2id and shown nowhere."""
    need_roles(given.roles)
    world, roles = runtime.world, frozenset(given.roles)
    account = Account(given.name, given.display, roles, email=given.email, slack_id=given.slack_id)
    accounts.create_account(world.store, account, given.password, world.now())
    return answer({"name": given.name, "roles": sorted(roles)}, 201)


@router.patch("/accounts/{name}", summary="Change an account")
def patch_account(name: str, given: Annotated[AccountChange, Body()], runtime: Running, _: Asking) -> Response:
    """Another password, other roles or disabling sign the person out everywhere, at once."""
    changes: dict[str, Any] = given.model_dump(exclude_unset=True)
    need_roles(changes.get("roles") or [])
    accounts.change_account(runtime.world.store, name, changes, runtime.world.now())
    if SIGNED_OUT_BY & set(changes):
        end_sessions_of(runtime.world.store, name)
    return answer({"name": name, "changed": sorted(changes)})


@router.post("/accounts/{name}/one-time-codes", status_code=201, summary="Ask an account for one-time codes")
def post_totp(name: str, runtime: Running, _: Asking) -> Response:
    """The secret for an authenticator app. It is in this answer and nowhere else."""
    secret = accounts.new_totp(runtime.world.store, name, runtime.world.now())
    return answer({"name": name, "secret": secret, "address": accounts.totp_address(name, secret)}, 201)


@router.post("/incidents/{incident}/readers", summary="Say who may read an incident")
async def post_readers(
    incident: str, given: Annotated[NewReaders, Body()], runtime: Running, caller: Asking
) -> Response:
    """Everybody else learns that it exists, and nothing more. It stands in the journal."""
    roles = None if given.everyone else given.roles
    view = await runtime.service.set_readers(incident, roles, given.people, given.why, caller.person)
    return answer({"incident": incident, "readers": view.readers or "everyone", "seq": view.head.seq})


def _shown(account: Account) -> dict[str, Any]:
    return {
        "name": account.name, "display": account.display, "roles": sorted(account.roles), "email": account.email,
        "slack_id": account.slack_id, "single_sign_on": bool(account.subject), "one_time_codes": account.totp,
        "disabled_at": account.disabled_at, "created_at": account.created_at,
    }  # fmt: skip


def need_roles(roles: list[str]) -> None:
    """Raises InvalidInput for a word that is no role."""
    wrong = [role for role in roles if not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", role)]
    if wrong:
        do = "lower-case letters, digits and underscores, for example responder or dpo"
        raise InvalidInput(
            [Problem(code="W130", field="roles", message=f'"{role[:40]}" is no role', do=do) for role in wrong]
        )
