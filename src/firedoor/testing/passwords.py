"""Passwords of people in tests, kept in a form that costs next to nothing to make and to check.

What Firedoor makes of a password takes a quarter of a second of CPU on purpose, and again at each sign-in. Decides
nothing about what a server keeps: only a program that makes accounts by itself can hand a finished digest over.
"""

from __future__ import annotations

import functools

from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST

from firedoor.store.identity.accounts import Hashed, hashed


@functools.cache
def quick(password: str) -> Hashed:
    """Return the digest of a password by the cheapest parameters. Raises InvalidInput for a password that is refused.

    Give it to `create_account` or `change_account` in place of the password.
    """
    hashed(password)  # what nobody may choose is refused here as well
    return Hashed(PasswordHasher.from_parameters(CHEAPEST).hash(password))
