"""Accounts of people, kept by an administrator; and who may read one incident, said by whoever steers it.

Decides what an account may be called. Leaves passwords to `store.accounts`, and which words are roles and the rule of
need-to-know to the core.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from firedoor.core.problems import InvalidInput, Problem
from firedoor.interfaces.web.admin.tokens import waits
from firedoor.interfaces.web.http.responses import answer
from firedoor.interfaces.web.security.auth import Asking, Running, keyring_of
from firedoor.store.database.sql import Record
from firedoor.store.identity import accounts
from firedoor.store.identity.accounts import Account
from firedoor.store.identity.changes import Change, waiting_changes

router = APIRouter(prefix="/api/v1", tags=["people"])


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
def post_account(given: Annotated[NewAccount, Body()], runtime: Running, caller: Asking) -> Response:
    """A password has at least 12 characters. It is kept as argon2id and shown nowhere.

    202 with `waits_for` where the roles decide: then another administrator approves it first.
    """
    roles = frozenset(given.roles)
    account = Account(given.name, given.display, roles, email=given.email, slack_id=given.slack_id)
    made = runtime.administration.make_account(caller.administrator, account, given.password)
    return answer({"name": given.name, "roles": sorted(roles), **waits(made)}, 202 if made.waits_for else 201)


@router.patch("/accounts/{name}", summary="Change an account")
def patch_account(name: str, given: Annotated[AccountChange, Body()], runtime: Running, caller: Asking) -> Response:
    """Another password, other roles or disabling sign the person out everywhere, at once."""
    changes: dict[str, object] = given.model_dump(exclude_unset=True)
    need_changes(changes)
    made = runtime.administration.change_account(caller.administrator, name, changes)
    changed = [] if made.waits_for else sorted(changes)
    return answer({"name": name, "changed": changed, **waits(made)}, 202 if made.waits_for else 200)


@router.post("/accounts/{name}/one-time-codes", status_code=201, summary="Ask an account for one-time codes")
def post_totp(name: str, runtime: Running, caller: Asking) -> Response:
    """The secret for an authenticator app. It is in this answer and nowhere else."""
    made = runtime.administration.make_codes(caller.administrator, name)
    body = {"name": name, "secret": made.secret, "address": accounts.totp_address(name, made.secret)}
    return answer({**body, **waits(made)}, 202 if made.waits_for else 201)


@router.get("/changes", summary="Changes of access that wait for another administrator")
def get_changes(runtime: Running, _: Asking) -> Response:
    """Who proposed what, why it needs a second administrator, and until when it waits."""
    found = waiting_changes(runtime.world.store, runtime.world.now())
    return answer({"changes": [shown_change(change) for change in found]})


@router.post("/changes/{change}/approve", summary="Approve a change that somebody else proposed")
def approve_change(change: str, request: Request, runtime: Running, caller: Asking) -> Response:
    """It takes effect at once. Only the account of another administrator may, and not this machine's own user."""
    done = runtime.administration.approve(caller.administrator, change)
    keyring_of(request).forget()
    return answer({"change": change, "state": "approved", "what": done.what, "about": done.about})


@router.post("/changes/{change}/decline", summary="Decline a change, or take back one's own")
def decline_change(change: str, runtime: Running, caller: Asking) -> Response:
    """Nothing of it is kept but that it was proposed and declined."""
    done = runtime.administration.decline(caller.administrator, change)
    return answer({"change": change, "state": "declined", "what": done.what, "about": done.about})


def shown_change(change: Change) -> dict[str, object]:
    """A change that waits, without what it would store."""
    return {
        **change.said(), "proposed_by": change.proposed_by, "proposed_at": change.proposed_at,
        "expires_at": change.expires_at,
    }  # fmt: skip


@router.post("/incidents/{incident}/readers", summary="Say who may read an incident")
async def post_readers(
    incident: str, given: Annotated[NewReaders, Body()], runtime: Running, caller: Asking
) -> Response:
    """Everybody else learns that it exists, and nothing more. It stands in the journal."""
    roles = None if given.everyone else given.roles
    view = await runtime.service.set_readers(incident, roles, given.people, given.why, caller.person)
    return answer({"incident": incident, "readers": view.readers or "everyone", "seq": view.head.seq})


def _shown(account: Account) -> dict[str, object]:
    return {
        "name": account.name, "display": account.display, "roles": sorted(account.roles), "email": account.email,
        "slack_id": account.slack_id, "single_sign_on": bool(account.subject), "one_time_codes": account.totp,
        "disabled_at": account.disabled_at, "created_at": account.created_at,
    }  # fmt: skip


def need_changes(changes: Record) -> None:
    """Raises InvalidInput for a change that changes nothing."""
    if not changes:
        do = f"name at least one of {', '.join(AccountChange.model_fields)}"
        raise InvalidInput(Problem(code="W131", message="nothing to change was given", do=do))
