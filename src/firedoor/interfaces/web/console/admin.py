"""Administration: accounts, tokens, sources, calendars, the settings in effect and the health of each part.

Decides that a new secret is shown on one page and nowhere else, and that no secret in use is ever shown. Leaves what an
account or a token may be to the same functions that the API calls.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from firedoor.core.journal import Body
from firedoor.core.problems import FiredoorError, InvalidInput, NotFound, Problem
from firedoor.interfaces.web.access import PLAYBOOK_ROLES, SYSTEM_ROLES
from firedoor.interfaces.web.alerts import secret_variable
from firedoor.interfaces.web.auth import Asking, Caller, Running
from firedoor.interfaces.web.console import forms
from firedoor.interfaces.web.pages import page
from firedoor.interfaces.web.people import SIGNED_OUT_BY, AccountChange, NewAccount, need_roles
from firedoor.interfaces.web.tokens import NewToken, need_token_roles
from firedoor.runtime.settings import Settings
from firedoor.runtime.start import Runtime
from firedoor.store import accounts
from firedoor.store.calendar_links import calendar_links, revoke_calendar_link
from firedoor.store.sessions import end_sessions_of
from firedoor.store.tokens import create_token, list_tokens, revoke_token

router = APIRouter(tags=["console"], include_in_schema=False)

HIDDEN = ("token", "secret", "password")  # settings with such a word in their name: only whether they are set

Given = Mapping[str, Any]
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
        made = await asyncio.to_thread(_change_account, runtime, name, given)
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

    def revoked(runtime: Runtime, _: Given) -> Made:
        revoke_token(runtime.world.store, token, runtime.world.now())
        request.app.state.keyring.forget()
        return None

    return await _done(request, runtime, caller, {}, revoked, "#tokens")


@router.post("/admin/calendars/{link}/revoke", summary="Revoke a calendar")
async def revoke_link(request: Request, link: str, runtime: Running, caller: Asking) -> Response:
    """Its address shows nothing from now on."""

    def revoked(runtime: Runtime, _: Given) -> Made:
        revoke_calendar_link(runtime.world.store, link, runtime.world.now())
        return None

    return await _done(request, runtime, caller, {}, revoked, "#calendars")


async def _done(  # what the page shows
    request: Request, runtime: Runtime, caller: Caller, given: Given, do: Callable[[Runtime, Given], Made],
    where: str = "#accounts",
) -> Response:  # fmt: skip
    """Do it; show what may be seen once, go back to the page, or show what is wrong above what was typed."""
    try:
        made = await asyncio.to_thread(do, runtime, given)
    except FiredoorError as error:
        return await _page(request, runtime, caller, given, error)
    if made:
        return await _page(request, runtime, caller, made=made)
    return RedirectResponse(f"/admin{where}", 303)


def _make_account(runtime: Runtime, given: Given) -> Made:
    names = ("name", "display", "email", "slack_id")
    values = {name: str(given.get(name, "")).strip() for name in names}
    new = _checked(NewAccount, {**values, "roles": _roles(given), "password": str(given.get("password", "")) or None})
    need_roles(new.roles)
    roles = frozenset(new.roles)
    account = accounts.Account(new.name, new.display, roles, email=new.email, slack_id=new.slack_id)
    accounts.create_account(runtime.world.store, account, new.password, runtime.world.now())
    return None


def _change_account(runtime: Runtime, name: str, given: Given) -> Made:
    """The whole form is the account as it shall be; an empty password leaves it. Codes are asked for by themselves."""
    store, now = runtime.world.store, runtime.world.now()
    match given.get("do"):
        case "codes":
            secret = accounts.new_totp(store, name, now)
            address = accounts.totp_address(name, secret)
            return {"what": f"One-time codes of {name}: the secret for the authenticator app", "secret": secret,
                    "more": address}  # fmt: skip
        case "no-codes":
            changes: Body = {"totp": None}
        case "disable" | "enable" as word:
            changes = {"disabled": word == "disable"}
        case _:
            values = {key: str(given.get(key, "")).strip() for key in ("display", "email", "slack_id")}
            password = {"password": str(given["password"])} if given.get("password") else {}
            changes = {**values, "roles": _roles(given), **password}
            changes = _checked(AccountChange, changes).model_dump(exclude_unset=True)
            need_roles(changes["roles"])
    before = accounts.find_account(store, name)
    accounts.change_account(store, name, changes, now)
    if before and SIGNED_OUT_BY & (
        set(changes) - ({"roles"} if changes.get("roles") == sorted(before.roles) else set())
    ):
        end_sessions_of(store, name)
    return None


def _make_token(runtime: Runtime, given: Given) -> Made:
    new = _checked(NewToken, {"name": str(given.get("token_name", "")).strip(), "roles": _roles(given)})
    need_token_roles(new.roles)
    world = runtime.world
    _, secret = create_token(world.store, new.name, frozenset(new.roles), world.now())
    return {"what": f"The token of {new.name}", "secret": secret, "more": ""}


def _roles(given: Given) -> list[str]:
    """The roles that were ticked, and those that were typed."""
    ticked = given.get("roles", [])
    typed = str(given.get("other_roles", "")).replace(",", " ").split()
    return sorted({*(ticked if isinstance(ticked, list) else [ticked]), *typed} - {""})


def _checked(shape: Any, values: Body) -> Any:  # noqa: ANN401 - a model of the API
    """Read values as the API would. Raises InvalidInput with every problem."""
    try:
        return shape.model_validate(values)
    except ValidationError as error:
        found = [(".".join(map(str, one["loc"])), one["msg"]) for one in error.errors(include_input=False)]
        raise InvalidInput(
            [
                Problem(code="W122", field=field, message=f"{field}: {says}", do="see the note there")
                for field, says in found
            ]
        ) from None


async def _page(
    request: Request, runtime: Runtime, caller: Caller, given: Given | None = None, error: FiredoorError | None = None,
    made: Made = None,
) -> Response:  # fmt: skip
    shown = await asyncio.to_thread(_whole, request, runtime)
    typed = {name: str((given or {}).get(name, "")) for name in _TYPED}
    return page(
        request, "admin.html.j2", error.http_status if error else 201 if made else 200, caller=caller, made=made,
        typed=typed, chosen=_roles(given or {}), problems=error.problems if error else (), **shown,
    )  # fmt: skip


_TYPED = ("name", "display", "email", "slack_id", "token_name", "other_roles")


def _whole(request: Request, runtime: Runtime) -> Body:
    store = runtime.world.store
    sources = [
        {"source": one, "variable": name, "set": bool(os.environ.get(name)) if name else None}
        for one in runtime.service.sources.values()
        for name in [secret_variable(one.id) if one.signature else ""]
    ]
    tokens = [{**row, "roles": str(row["roles"]).split(",")} for row in list_tokens(store)]
    return {
        "accounts": accounts.list_accounts(store), "tokens": tokens, "sources": sources,
        "calendars": calendar_links(store), "settings": _settings(runtime.settings), "health": runtime.health(),
        "roles": _known_roles(request, runtime),
    }  # fmt: skip


def _known_roles(request: Request, runtime: Runtime) -> list[str]:
    """The roles of the system, of the playbooks here, and those that somebody has."""
    here = request.app.state.keyring.playbook_roles()
    held = {role for account in accounts.list_accounts(runtime.world.store) for role in account.roles}
    return sorted(SYSTEM_ROLES | PLAYBOOK_ROLES | here | held)


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
    roles = await asyncio.to_thread(_known_roles, request, runtime)
    return page(
        request, "account.html.j2", status, caller=caller, account=account, roles=roles, made=made,
        problems=error.problems if error else (),
    )  # fmt: skip
