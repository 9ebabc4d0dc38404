"""Known browsers: a cookie that proves that somebody has signed in here before, in this very browser.

Decides what the cookie says (nothing: a random word, a day, and a proof of both for one account and its password as it
is now), for how many accounts one browser may be known, and for how long. It gives nobody a way in; it only lets wrong
attempts of strangers not count against somebody who has been here. Method: OWASP, "Slow Down Online Guessing Attacks
with Device Cookies".
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from firedoor.store.identity.accounts import kept_password
from firedoor.store.identity.shared_secrets import house_secret
from firedoor.store.incidents.journal import Store

LASTS = timedelta(days=180)  # after the last sign-in
ACCOUNTS = 4  # for which one browser is known at once
LONGEST = 1000  # characters of a cookie that is looked at
SECRET = "known browsers"  # noqa: S105 - the secret's name


def recognised(store: Store, cookie: str, name: str, now: datetime) -> str:
    """The browser's own word, if it is known for this account; else empty. Another password makes all unknown."""
    password = kept_password(store, name)
    if not password:
        return ""
    key = house_secret(store, SECRET)
    for part in _parts(cookie):
        word, day, proof = part.split(".")
        if hmac.compare_digest(proof, _proof(key, name, password, word, day)) and _recent(day, now):
            return word
    return ""


def known_from_now(store: Store, cookie: str, name: str, now: datetime) -> str:
    """The cookie of a browser in which somebody has signed in just now; for which others it is known stays."""
    before = recognised(store, cookie, name, now)
    word, day = before or secrets.token_urlsafe(16), now.date().isoformat()
    proof = _proof(house_secret(store, SECRET), name, kept_password(store, name), word, day)
    others = [part for part in _parts(cookie) if part.split(".")[0] != word]
    return "~".join([f"{word}.{day}.{proof}", *others][:ACCOUNTS])


def _proof(key: bytes, name: str, password: str, word: str, day: str) -> str:
    said = f"{name}\n{password}\n{word}\n{day}".encode()
    return hmac.new(key, b"firedoor.known-browser.v1\n" + said, hashlib.sha256).hexdigest()


def _parts(cookie: str) -> list[str]:
    parts = cookie.split("~") if len(cookie) <= LONGEST and cookie.isascii() else []
    return [part for part in parts[:ACCOUNTS] if part.count(".") == 2]


def _recent(day: str, now: datetime) -> bool:
    return (now - LASTS).date().isoformat() <= day <= (now + timedelta(days=1)).date().isoformat()
