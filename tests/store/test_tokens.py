"""API tokens: the secret is shown once, only its digest is stored, and a revoked one is worth nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from firedoor.core.problems import NotFound
from firedoor.core.tasks.answers import Person
from firedoor.store.database.migrate import migrate
from firedoor.store.database.tables import TokenRow
from firedoor.store.identity.accounts import Account, change_account, create_account, find_account
from firedoor.store.identity.tokens import create_token, holder, list_tokens, revoke_token
from firedoor.store.incidents.journal import Store

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """An empty store."""
    store = Store(database)
    migrate(store.engine)
    yield store
    store.close()


def test_a_token_names_its_holder_and_roles(store: Store) -> None:
    """Whoever shows it is that person with those roles."""
    identifier, secret = create_token(store, "Ada", frozenset({"dpo", "legal"}), NOW)
    assert holder(store, secret, NOW) == Person("Ada", frozenset({"dpo", "legal"}), f"token:{identifier}")
    assert secret.startswith("fd_")


def test_no_roles_are_no_roles(store: Store) -> None:
    """Not one role without a name."""
    identifier, secret = create_token(store, "Ada", frozenset(), NOW)
    assert holder(store, secret, NOW) == Person("Ada", frozenset(), f"token:{identifier}")


def test_a_token_of_an_account_is_that_person(store: Store) -> None:
    """Under the account's name and id, with no role that it has lost, and nobody once it is disabled."""
    create_account(store, Account("ada@example.org", "", frozenset({"dpo", "legal"})), None, NOW)
    _, secret = create_token(store, "at night", frozenset({"dpo", "legal"}), NOW, account="ada@example.org")
    ada = find_account(store, "ada@example.org")
    assert ada is not None
    assert holder(store, secret, NOW) == ada.person
    change_account(store, "ada@example.org", {"roles": frozenset({"legal"})}, NOW)
    assert holder(store, secret, NOW) == Person("ada@example.org", frozenset({"legal"}), ada.id)
    change_account(store, "ada@example.org", {"disabled": True}, NOW)
    assert holder(store, secret, NOW) is None


@pytest.mark.parametrize("secret", ["", "fd_", "fd_x", "' OR 1=1 --"])
def test_anything_else_is_nobody(store: Store, secret: str) -> None:
    """A wrong, an empty and a hostile secret."""
    create_token(store, "Ada", frozenset({"dpo"}), NOW)
    assert holder(store, secret, NOW) is None


def test_the_secret_is_nowhere_in_the_database(store: Store) -> None:
    """Neither in its row nor in the list; the list shows no digest either."""
    _, secret = create_token(store, "Ada", frozenset({"dpo"}), NOW)
    assert secret not in str(store.rows(TokenRow))
    assert "digest" not in list_tokens(store)[0]


def test_a_revoked_token_is_worth_nothing_at_once(store: Store) -> None:
    """Revoking it again, or one that never was, is said."""
    identifier, secret = create_token(store, "Ada", frozenset({"dpo"}), NOW)
    revoke_token(store, identifier, NOW)
    assert holder(store, secret, NOW) is None
    for name in (identifier, "nobody"):
        with pytest.raises(NotFound, match="A101"):
            revoke_token(store, name, NOW)
