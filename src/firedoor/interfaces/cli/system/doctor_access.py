"""What `doctor` says about who has access: words that are no role.

Decides what is worth a person's attention. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from firedoor.core.access.roles import ADMIN, SOURCE
from firedoor.store.identity.accounts import list_accounts, owing_codes
from firedoor.store.identity.tokens import list_tokens

if TYPE_CHECKING:
    from firedoor.runtime.config.settings import Settings
    from firedoor.runtime.service.roles import Roles
    from firedoor.store.incidents.journal import Store


SOON = timedelta(days=14)  # before a token expires


def unknown_roles(store: Store, roles: Roles, oidc_roles: str) -> Iterator[str]:
    """Say who has, or would get, a word that is no role here. Such a word gives no access."""
    held = [(f"the token {row['id']} of {row['name']}", str(row["roles"]).split(",")) for row in list_tokens(store)
            if not row["revoked_at"]]  # fmt: skip
    held += [(f"the account {one.name}", sorted(one.roles)) for one in list_accounts(store)]
    pairs = [pair.partition("=") for pair in oidc_roles.split(",") if "=" in pair]
    held += [(f"the group {group.strip()} of FIREDOOR_OIDC_ROLES", [role.strip()]) for group, _, role in pairs]
    for who, words in held:
        given = {word for word in words if word}
        if wrong := roles.covering(given).unknown(given):
            yield f"{who} has {', '.join(wrong)}, which is no role here and gives no access"


def weak_access(store: Store, sources: Collection[str], now: datetime) -> Iterator[str]:
    """What works as it did before and should be replaced: tokens without an end or a source, one administrator."""
    for row in list_tokens(store):
        if row["revoked_at"] or (row["expires_at"] and row["expires_at"] <= now.isoformat()):
            continue
        who = f"the token {row['id']} of {row['name']}"
        if row["expires_at"] is None:
            yield f"{who} never expires"
        elif datetime.fromisoformat(row["expires_at"]) - now < SOON:
            yield f"{who} expires {row['expires_at']}"
        named = str(row["name"]).removeprefix("source:")
        if SOURCE in str(row["roles"]).split(",") and named not in sources:
            yield f"{who} names no source" + (f"; it is bound to {row['source']}" if row["source"] else "")
    everybody = [one for one in list_accounts(store) if one.disabled_at is None]
    if everybody and sum(ADMIN in one.roles for one in everybody) < 2:
        yield "there is no second administrator: changes of roles that decide take effect without one"


def without_codes(store: Store) -> Iterator[str]:
    """Say which accounts decide and sign in by password alone. Of single sign-on the provider knows."""
    for name in owing_codes(store):
        yield f"the account {name} decides and has no one-time codes"


def access(settings: Settings) -> Iterator[tuple[Literal["wrong", "note"], str, str]]:
    """What is wrong with who has access, or worth knowing, each with what to do."""
    from firedoor.runtime.process.application import open_world, read_sources
    from firedoor.runtime.service.playbook_cache import Shelf
    from firedoor.runtime.service.roles import Roles

    world, shelf = open_world(settings), Shelf()
    shelf.refresh()
    do = "give it a role of the list in docs/reference/access.md, or name the word under `roles:` of organisation.yaml"
    try:
        for said in unknown_roles(world.store, Roles(world, shelf), settings.oidc_roles):
            yield "wrong", said, do
        for said in weak_access(world.store, read_sources(settings), world.now()):
            yield "note", said, "see docs/how-to/sign-in.md"
        demanded = settings.codes_for_deciding
        for said in without_codes(world.store):
            more = ", so it cannot sign in by password" if demanded else ""
            yield ("wrong" if demanded else "note"), said + more, "`firedoor account codes NAME` gives it some"
    finally:
        world.store.close()
