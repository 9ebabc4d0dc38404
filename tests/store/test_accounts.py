"""Accounts and sessions: who proves to be whom, and when a session ends."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from firedoor.core.problems import InvalidInput, NotFound, NotPermitted, Refused
from firedoor.store.database.keyring import Keyring, new_ring
from firedoor.store.database.migrate import migrate
from firedoor.store.database.tables import AccountRow, SessionRow
from firedoor.store.identity import accounts, sessions
from firedoor.store.identity.accounts import Account, create_account, proved
from firedoor.store.incidents.journal import Store
from firedoor.testing.passwords import quick

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
KEYS = partial(Keyring, new_ring(NOW).keys)
WORD = "a door that shuts by itself"


@pytest.fixture(name="known")
def _known(database: str) -> Iterator[Store]:
    store = Store(database, KEYS)
    migrate(store.engine)
    create_account(store, Account("ann", "Ann Lee", frozenset({"commander"}), slack_id="U1"), quick(WORD), NOW)
    yield store
    store.close()


def test_the_right_password_signs_in(known: Store) -> None:
    """The account comes back with its roles; the password is nowhere in the row."""
    account = proved(known, "ann", WORD, "", NOW)
    assert account.person.roles == {"commander"}
    assert WORD not in str(known.rows(AccountRow))


@pytest.mark.parametrize(("name", "password"), [("ann", "not the password"), ("bob", WORD), ("ann", "")])
def test_a_wrong_one_does_not_say_what_was_wrong(known: Store, name: str, password: str) -> None:
    """An unknown name and a wrong password read the same."""
    with pytest.raises(NotPermitted) as caught:
        proved(known, name, password, "", NOW)
    assert caught.value.problems[0].message == "name, password or code is wrong"


def test_the_name_of_nobody_takes_as_much_work_as_any_other() -> None:
    """The digest that stands in for nobody is a real one: it is checked, not refused as unreadable."""
    from argon2 import PasswordHasher
    from argon2.exceptions import VerifyMismatchError

    with pytest.raises(VerifyMismatchError):
        PasswordHasher().verify(accounts._NOBODY, WORD)


def test_a_password_is_kept_at_full_strength() -> None:
    """Whoever hands over a password gets argon2id with the library's own parameters, and it is the one that matches."""
    from argon2 import PasswordHasher, Type, extract_parameters

    digest = accounts.hashed(WORD)
    assert (extract_parameters(digest).type, PasswordHasher().check_needs_rehash(digest)) == (Type.ID, False)
    assert (accounts.matches(digest, WORD), accounts.matches(digest, WORD + ".")) == (True, False)
    assert PasswordHasher().check_needs_rehash(quick(WORD)), "the form for tests is another one"


def test_a_one_time_code_counts_once(known: Store) -> None:
    """With a second factor the password alone is not enough, and a code that was seen is no use."""
    secret = accounts.new_totp(known, "ann", NOW)
    code = _code(secret, NOW)
    with pytest.raises(NotPermitted):
        proved(known, "ann", WORD, "", NOW)
    assert proved(known, "ann", WORD, code, NOW).totp
    with pytest.raises(NotPermitted):
        proved(known, "ann", WORD, code, NOW)
    later = NOW + timedelta(seconds=60)
    assert proved(known, "ann", WORD, _code(secret, later), later).name == "ann"


def test_a_code_that_two_send_at_once_lets_one_in(known: Store) -> None:
    """Whoever looks over a shoulder and is as quick does not come in, too; nor with the code before it afterwards."""
    secret = accounts.new_totp(known, "ann", NOW)
    code, before = _code(secret, NOW), _code(secret, NOW - timedelta(seconds=30))

    def came_in(given: str) -> bool:
        try:
            return bool(proved(known, "ann", WORD, given, NOW))
        except NotPermitted:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(came_in, [code] * 4)) == 1
    assert not came_in(before)


def test_names_and_passwords_are_bounded(known: Store) -> None:
    """What could be mistaken for something else is refused; so is a second account of one name."""
    for name in ("", " ann", "person:ann", "a\nb"):
        with pytest.raises(InvalidInput):
            create_account(known, Account(name, "", frozenset()), WORD, NOW)
    with pytest.raises(InvalidInput):
        create_account(known, Account("bob", "", frozenset()), "short", NOW)
    with pytest.raises(Refused):
        create_account(known, Account("ann", "", frozenset()), WORD, NOW)
    with pytest.raises(NotFound):
        accounts.change_account(known, "nobody", {"display": "x"}, NOW)


def test_a_session_lives_while_it_is_used_and_not_for_ever(known: Store) -> None:
    """Idle for long, or a day old: the person signs in again."""
    secret = sessions.open_session(known, "ann", NOW)
    assert sessions.session_of(known, secret, NOW + timedelta(hours=7)).person.roles == {"commander"}
    assert sessions.session_of(known, secret, NOW + timedelta(hours=14)) is not None  # seen seven hours before
    assert sessions.session_of(known, secret, NOW + timedelta(hours=24)) is None
    idle = sessions.open_session(known, "ann", NOW)
    assert sessions.session_of(known, idle, NOW + sessions.IDLE) is None
    assert sessions.session_of(known, "", NOW) is None
    assert secret not in str(known.rows(SessionRow))


def test_a_disabled_account_is_out_at_once(known: Store) -> None:
    """Its sessions end, it cannot sign in, and Slack does not know it any more."""
    secret = sessions.open_session(known, "ann", NOW)
    assert accounts.account_of_slack(known, "U1") is not None
    accounts.change_account(known, "ann", {"disabled": True}, NOW)
    assert sessions.session_of(known, secret, NOW) is None
    assert accounts.account_of_slack(known, "U1") is None
    with pytest.raises(NotPermitted):
        proved(known, "ann", WORD, "", NOW)


def test_a_ticket_is_used_once_and_soon(known: Store) -> None:
    """The second use, a late one and a session's own secret are refused."""
    ticket = sessions.new_ticket(known, "ann", NOW)
    assert sessions.use_ticket(known, ticket, NOW) == "ann"
    assert sessions.use_ticket(known, ticket, NOW) is None
    assert sessions.use_ticket(known, sessions.new_ticket(known, "ann", NOW), NOW + sessions.TICKET) is None
    assert sessions.use_ticket(known, sessions.open_session(known, "ann", NOW), NOW) is None
    assert sessions.session_of(known, sessions.new_ticket(known, "ann", NOW), NOW) is None


def test_signing_out_ends_one_session_or_all(known: Store) -> None:
    """One browser, or everywhere."""
    first, second, third = (sessions.open_session(known, "ann", NOW) for _ in range(3))
    sessions.end_session(known, first, NOW)
    assert sessions.session_of(known, first, NOW) is None
    assert sessions.session_of(known, second, NOW) is not None
    sessions.end_sessions_of(known, "ann", NOW, "changed: roles")
    assert sessions.session_of(known, third, NOW) is None


def _code(secret: str, at: datetime) -> str:
    from cryptography.hazmat.primitives.hashes import SHA1
    from cryptography.hazmat.primitives.twofactor.totp import TOTP

    totp = TOTP(base64.b32decode(secret), 6, SHA1(), 30)  # noqa: S303 - RFC 6238
    return totp.generate(int(at.timestamp())).decode()
