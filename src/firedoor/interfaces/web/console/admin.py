"""Administration: accounts, tokens, sources, calendars, the settings in effect and the health of each part.

Decides that a new secret is shown on one page and nowhere else, and that no secret in use is ever shown. Leaves what an
account or a token may be to the same functions that the API calls.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import TypeVar

from fastapi import APIRouter, Request
from pydantic import BaseModel, ValidationError
from starlette.responses import RedirectResponse, Response

from firedoor.core.journal import Body
from firedoor.core.language.validation import faults
from firedoor.core.problems import FiredoorError, InvalidInput, NotFound, Problem
from firedoor.interfaces.web.admin.people import AccountChange, NewAccount, shown_change
from firedoor.interfaces.web.admin.tokens import NewToken
from firedoor.interfaces.web.console import forms
from firedoor.interfaces.web.http.pages import page
from firedoor.interfaces.web.security.auth import Asking, Caller, Running, keyring_of
from firedoor.interfaces.web.security.senders import secret_variable
from firedoor.runtime.config.settings import Settings
from firedoor.runtime.process.application import Runtime
from firedoor.store.identity import accounts
from firedoor.store.identity.calendar_links import calendar_links, revoke_calendar_link
from firedoor.store.identity.changes import waiting_changes
from firedoor.store.identity.tokens import list_tokens, revoke_token

router = APIRouter(tags=["console"], include_in_schema=False)

HIDDEN = ("token", "secret", "password")  # settings with such a word in their name: only whether they are set

Form = TypeVar("Form", bound=BaseModel)
Given = Mapping[str, object]
Made = Body | None


@router.get("/admin", summary="Administration")
async def show(request: Request, runtime: Running, caller: Asking) -> Response:
    """Accounts, tokens, sources, settings, health."""
    return await _page(request, runtime, caller)


@router.get("/admin/accounts/{name}", summary="An account")
async def show_account(request: Request, name: str, runtime: Running, caller: Asking) -> Response:
    """Its roles and addresses, and what can be changed."""
    return await _account_page(request, runtime, caller, name)


@router.post("/admin/accounts", summary="Make an account")
async def make_account(request: Request, runtime: Running, caller: Asking) -> Response:
    """Without a password only single sign-on, or Slack, leads to it."""
    given = await forms.form_of(request)
    return await _done(request, runtime, caller, given, _make_account)


@router.post("/admin/accounts/{name}", summary="Change an account")
async def change_account(request: Request, name: str, runtime: Running, caller: Asking) -> Response:
    """Another password, other roles or disabling sign the person out everywhere, at once."""
    given = await forms.form_of(request)
    try:
        made = await asyncio.to_thread(_change_account, runtime, caller, name, given)
    except FiredoorError as error:
        return await _account_page(request, runtime, caller, name, error=error)
    if made:
        return await _account_page(request, runtime, caller, name, made=made)
    return RedirectResponse("/admin#accounts", 303)


@router.post("/admin/tokens", summary="Make a token")
async def make_token(request: Request, runtime: Running, caller: Asking) -> Response:
    """The secret is on the next page and nowhere else."""
    return await _done(request, runtime, caller, await forms.form_of(request), _make_token)


@router.post("/admin/tokens/{token}/revoke", summary="Revoke a token")
async def revoke(request: Request, token: str, runtime: Running, caller: Asking) -> Response:
    """It is refused from now on."""

    def revoked(runtime: Runtime, caller: Caller, _: Given) -> Made:
        revoke_token(runtime.world.store, token, runtime.world.now(), by=caller.person.actor)
        request.app.state.keyring.forget()
        return None

    return await _done(request, runtime, caller, {}, revoked, "#tokens")


@router.post("/admin/changes/{change}", summary="Approve a change of access, or decline it")
async def settle_change(request: Request, change: str, runtime: Running, caller: Asking) -> Response:
    """Approved by somebody else than whoever proposed it; declined by anybody who administers."""
    given = await forms.form_of(request)

    def settled(runtime: Runtime, caller: Caller, given: Given) -> Made:
        if given.get("do") == "approve":
            runtime.administration.approve(caller.administrator, change)
            keyring_of(request).forget()
        else:
            runtime.administration.decline(caller.administrator, change)
        return None

    return await _done(request, runtime, caller, given, settled, "#changes")


@router.post("/admin/calendars/{link}/revoke", summary="Revoke a calendar")
async def revoke_link(request: Request, link: str, runtime: Running, caller: Asking) -> Response:
    """Its address shows nothing from now on."""

    def revoked(runtime: Runtime, caller: Caller, _: Given) -> Made:
        revoke_calendar_link(runtime.world.store, link, runtime.world.now(), caller.person.actor)
        return None

    return await _done(request, runtime, caller, {}, revoked, "#calendars")


async def _done(  # what the page shows
    request: Request, runtime: Runtime, caller: Caller, given: Given, do: Callable[[Runtime, Caller, Given], Made],
    where: str = "#accounts",
) -> Response:  # fmt: skip
    """Do it; show what may be seen once, go back to the page, or show what is wrong above what was typed."""
    try:
        made = await asyncio.to_thread(do, runtime, caller, given)
    except FiredoorError as error:
        return await _page(request, runtime, caller, given, error)
    if made:
        return await _page(request, runtime, caller, made=made)
    return RedirectResponse(f"/admin{where}", 303)


def _make_account(runtime: Runtime, caller: Caller, given: Given) -> Made:
    names = ("name", "display", "email", "slack_id")
    values = {name: str(given.get(name, "")).strip() for name in names}
    new = _checked(NewAccount, {**values, "roles": _roles(given), "password": str(given.get("password", "")) or None})
    roles = frozenset(new.roles)
    account = accounts.Account(new.name, new.display, roles, email=new.email, slack_id=new.slack_id)
    runtime.administration.make_account(caller.administrator, account, new.password)
    return None


def _change_account(runtime: Runtime, caller: Caller, name: str, given: Given) -> Made:
    """The whole form is the account as it shall be; an empty password leaves it. Codes are asked for by themselves."""
    match given.get("do"):
        case "codes":
            made = runtime.administration.make_codes(caller.administrator, name)
            what = f"One-time codes of {name}: the secret for the authenticator app{_once_approved(made.waits_for)}"
            return {"what": what, "secret": made.secret, "more": accounts.totp_address(name, made.secret)}
        case "no-codes":
            changes: Body = {"totp": None}
        case "disable" | "enable" as word:
            changes = {"disabled": word == "disable"}
        case _:
            values = {key: str(given.get(key, "")).strip() for key in ("display", "email", "slack_id")}
            password = {"password": str(given["password"])} if given.get("password") else {}
            changes = {**values, "roles": _roles(given), **password}
            changes = _checked(AccountChange, changes).model_dump(exclude_unset=True)
    runtime.administration.change_account(caller.administrator, name, changes)
    return None


def _make_token(runtime: Runtime, caller: Caller, given: Given) -> Made:
    account = str(given.get("token_account", "")).strip()
    name = str(given.get("token_name", "")).strip() or account
    new = _checked(NewToken, {"name": name, "roles": _roles(given), "account": account})
    roles = frozenset(new.roles)
    made = runtime.administration.make_token(caller.administrator, new.name, roles, new.expires_at, account=new.account)
    return {"what": f"The token of {new.name}{_once_approved(made.waits_for)}", "secret": made.secret, "more": ""}


def _once_approved(waits_for: str) -> str:
    return f"; it counts once another administrator has approved change {waits_for}" if waits_for else ""


def _roles(given: Given) -> list[str]:
    """The roles that were ticked, and those that were typed."""
    ticked = given.get("roles", [])
    typed = str(given.get("other_roles", "")).replace(",", " ").split()
    return sorted({*(ticked if isinstance(ticked, list) else [ticked]), *typed} - {""})


def _checked(shape: type[Form], values: Body) -> Form:
    """Read values as the API would. Raises InvalidInput with every problem."""
    try:
        return shape.model_validate(values)
    except ValidationError as error:
        raise InvalidInput(
            [
                Problem(code="W122", field=one.field, message=one.message, do=one.do or "see the note there")
                for one in faults(error, shape)
            ]
        ) from None


async def _page(
    request: Request, runtime: Runtime, caller: Caller, given: Given | None = None, error: FiredoorError | None = None,
    made: Made = None,
) -> Response:  # fmt: skip
    shown = await asyncio.to_thread(_whole, runtime)
    typed = {name: str((given or {}).get(name, "")) for name in _TYPED}
    return page(
        request, "admin.html.j2", error.http_status if error else 201 if made else 200, caller=caller, made=made,
        typed=typed, chosen=_roles(given or {}), problems=error.problems if error else (), **shown,
    )  # fmt: skip


_TYPED = ("name", "display", "email", "slack_id", "token_name", "token_account", "other_roles")


def _whole(runtime: Runtime) -> Body:
    store = runtime.world.store
    sources = [
        {"source": one, "variable": name, "set": bool(os.environ.get(name)) if name else None}
        for one in runtime.service.sources.values()
        for name in [secret_variable(one.id) if one.has_secret else ""]
    ]
    tokens = [{**row, "roles": str(row["roles"]).split(",")} for row in list_tokens(store)]
    shown = [shown_change(one) for one in waiting_changes(store, runtime.world.now())]
    return {
        "changes": shown, "alone": len(runtime.administration.administrators()) == 1,
        "accounts": accounts.list_accounts(store), "tokens": tokens, "sources": sources,
        "calendars": calendar_links(store), "settings": _settings(runtime.settings), "health": runtime.health(),
        "roles": sorted(runtime.roles.loaded().known),
    }  # fmt: skip


def _settings(settings: Settings) -> list[Body]:
    """Name, value and whether it was set; of what might hold a secret only whether it is there."""
    shown = []
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        covered = any(word in name for word in HIDDEN) or ("url" in name and "@" in str(value))
        said = ("set, not shown" if value else "not set") if covered else "" if value is None else str(value)
        shown.append({"name": f"FIREDOOR_{name.upper()}", "value": said, "given": name in settings.model_fields_set})
    return shown


async def _account_page(
    request: Request, runtime: Runtime, caller: Caller, name: str, error: FiredoorError | None = None, made: Made = None
) -> Response:
    account = await asyncio.to_thread(accounts.find_account, runtime.world.store, name)
    if account is None:
        raise NotFound(Problem(code="A302", message=f"there is no account {name[:100]}", do="see the list of accounts"))
    status = error.http_status if error else 201 if made else 200
    roles = sorted(runtime.roles.loaded().known)
    return page(
        request, "account.html.j2", status, caller=caller, account=account, roles=roles, made=made,
        problems=error.problems if error else (),
    )  # fmt: skip
