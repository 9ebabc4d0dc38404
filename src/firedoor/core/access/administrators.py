"""When a change of access needs a second administrator.

Decides which changes those are: giving a role that decides, touching what lets somebody act as an account that has one,
and taking an administrator away, so that nobody makes themselves the only one. Everything that only takes away is done
at once. Leaves who asks, and how many administrators there are, to the runtime.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from firedoor.core.access.roles import ADMIN, deciding

# What makes somebody able to act as an account: how it signs in, and where its links and buttons go.
WAYS_IN = ("password", "totp", "slack_id", "email", "subject")
WORDS = {"password": "password", "totp": "one-time codes", "slack_id": "Slack user", "email": "address",
         "subject": "single sign-on"}  # fmt: skip


def why_second(
    before: frozenset[str], changes: Mapping[str, object], *, local: bool = False, first_codes: bool = False
) -> list[str]:
    """Why a change needs a second administrator; empty where it needs none.

    `before` are the account's roles. This machine's own user may take an administrator away alone: it is the way out
    where nobody else is left, and whoever owns the machine owns the database. For the same reason it may give codes
    alone to an account that has none: that only adds to what the account's owner has to prove.
    """
    roles = changes.get("roles", before)
    after = frozenset(map(str, roles)) if isinstance(roles, Iterable) else before
    reasons = [f"it gives {' and '.join(given)}"] if (given := sorted(deciding(after) - before)) else []
    if has := sorted(deciding(before)):
        own = {"totp"} if local and first_codes else set()
        touched = [WORDS[name] for name in WAYS_IN if name in changes and name not in own]
        touched += ["being enabled"] if changes.get("disabled") is False else []
        reasons += [f"it changes the {' and '.join(touched)} of {' and '.join(has)}"] if touched else []
    removed = ADMIN in before and (ADMIN not in after or changes.get("disabled") is True)
    if removed and not local:
        reasons.append("it takes an administrator away")
    return reasons
