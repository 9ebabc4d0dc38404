"""What administrators do with accounts and tokens: one way in for the API, the console and the command line.

Decides that a change which needs a second administrator waits for one where there are two, and takes effect at once,
written down as such, where there are not; how long a token lives; and whom it is for. Every change is told to the
administrators and the DPO. Leaves which changes those are to `core.administrators`, and storing them to the store.
"""

from __future__ import annotations

import getpass
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from firedoor.core.access.administrators import why_second
from firedoor.core.access.roles import ADMIN, SOURCE, deciding
from firedoor.core.access.security import SecurityEvent, SecurityKind
from firedoor.core.journal import Body
from firedoor.core.names import alike
from firedoor.core.person import Person, same
from firedoor.core.ports import Notice, Standing
from firedoor.core.problems import InvalidInput, NotFound, Problem, Refused, nearest
from firedoor.runtime.config.container import World
from firedoor.runtime.service.roles import Roles
from firedoor.store.identity import accounts, changes
from firedoor.store.identity.accounts import Account, Hashed
from firedoor.store.identity.changes import APPROVED, DECLINED, Change
from firedoor.store.identity.sessions import end_sessions_of
from firedoor.store.identity.tokens import approve_token, create_token
from firedoor.store.incidents.security import append
from firedoor.store.outbox import deliveries

USUAL_LIFE = timedelta(days=90)
LONGEST_LIFE = timedelta(days=365)
SIGNED_OUT_BY = frozenset(("password", "roles", "disabled"))
KIND = "security"  # of the messages about it
TOLD = (ADMIN, "dpo")


@dataclass(frozen=True, slots=True)
class Administrator:
    """Who asks, and whether it is this machine's own user."""

    person: Person
    local: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a change: done, or waiting for another administrator under this id."""

    waits_for: str = ""
    token: str = ""  # its id
    secret: str = ""  # shown once


class Administration:
    """The changes of access of one installation."""

    def __init__(self, world: World, roles: Roles, sources: Callable[[], Sequence[str]]) -> None:
        self.world = world
        self.roles = roles
        self.sources = sources
        self.local_user = local_user()

    def make_account(self, by: Administrator, account: Account, password: str | None) -> Made:
        """Make an account, or propose it. Raises InvalidInput or Refused."""
        self.roles.loaded().need_known(account.roles)
        self._need_own_name(account.name)
        digest = None if password is None else accounts.hashed(password)
        reasons = why_second(frozenset(), {"roles": account.roles}, local=by.local)
        body: Body = {
            "display": account.display, "email": account.email, "slack_id": account.slack_id,
            "roles": sorted(account.roles), "digest": digest,
        }  # fmt: skip
        change = Change(
            "account.create", account.name, reasons, by.person.actor, by.person.id, _given(account.roles), body
        )
        return self._do(change, lambda connection, now: self._perform(connection, change, by.person.actor, now))

    def change_account(self, by: Administrator, name: str, given: Mapping[str, Any]) -> Made:
        """Change an account, or propose it. Raises InvalidInput, NotFound or Refused."""
        self.roles.loaded().need_known(given.get("roles") or ())
        account = self._account(name)
        given = {key: value for key, value in given.items() if not _same(account, key, value)}
        if not given:
            return Made()
        first_codes = bool(given.get("totp")) and not account.totp
        reasons = why_second(account.roles, given, local=by.local, first_codes=first_codes)
        digest = accounts.hashed(given["password"]) if "password" in given else None
        body: Body = {key: _plain(value) for key, value in given.items() if key != "password"}
        body |= {"digest": digest} if digest else {}
        gives = _given(frozenset(given.get("roles", ())) - account.roles)
        change = Change("account.change", name, reasons, by.person.actor, by.person.id, gives, body)
        made = self._do(change, lambda connection, now: self._perform(connection, change, by.person.actor, now))
        if not made.waits_for:
            self._sign_out(change, by.person.actor)
        return made

    def make_codes(self, by: Administrator, name: str) -> Made:
        """A new secret for one-time codes, shown once; it counts from the approval on, where it needs one."""
        secret = accounts.codes_secret()
        made = self.change_account(by, name, {"totp": secret})
        return Made(made.waits_for, secret=secret)

    def make_token(
        self, by: Administrator, name: str, given: frozenset[str], expires_at: datetime | None = None,
        *, account: str = "",
    ) -> Made:  # fmt: skip
        """Make a token of an account, or of a source, which has none.

        One whose roles decide, or with which somebody else could act, counts when another administrator has approved
        it. Raises InvalidInput, NotFound or Refused.
        """
        self.roles.loaded().need_known(given)
        self._need_source(name, given)
        holder = None if SOURCE in given else self._holder(account, name, given)
        now = self.world.now()
        reasons = why_second(frozenset(), {"roles": given})
        if holder is not None and not same(holder.person.identity, by.person.identity):
            reasons.append(f"whoever has it acts as {holder.name}")
        change = Change("token.create", name, reasons, by.person.actor, by.person.id, _given(given))
        waits = bool(reasons) and self._others(now)
        identifier, secret = create_token(
            self.world.store, name, given, now, by=by.person.actor, expires_at=_life(expires_at, now),
            change=change if waits else None, account=holder.name if holder else None,
        )  # fmt: skip
        if waits:
            self._tell(change.id, "proposed", now)
        elif reasons:
            self._alone(change, now)
        return Made(change.id if waits else "", identifier, secret)

    def approve(self, by: Administrator, identifier: str) -> Change:
        """Have a change take effect that somebody else has proposed. Raises NotFound, NotPermitted or Refused."""
        changes.need_account(by.person.identity)
        now = self.world.now()

        def write(connection: Connection) -> Change:
            change = self._settle(connection, identifier, APPROVED, by, now)
            self._perform(connection, change, by.person.actor, now)
            return change

        change: Change = self.world.store.write(write).result()
        self._sign_out(change, by.person.actor)
        self._tell(identifier, "approved", now)
        return change

    def decline(self, by: Administrator, identifier: str) -> Change:
        """Take a change back, one's own too. Raises NotFound."""
        now = self.world.now()
        write = self.world.store.write(lambda connection: self._settle(connection, identifier, DECLINED, by, now))
        change: Change = write.result()
        self._tell(identifier, "declined", now)
        return change

    def _settle(self, connection: Connection, identifier: str, state: str, by: Administrator, now: datetime) -> Change:
        return changes.settle(connection, self.world.store.keys, identifier, state, by.person, now)

    def administrators(self) -> list[Account]:
        """The accounts that can approve."""
        everybody = accounts.list_accounts(self.world.store)
        return [one for one in everybody if ADMIN in one.roles and one.disabled_at is None]

    def _do(self, change: Change, perform: Callable[[Connection, datetime], None]) -> Made:
        """Do it, or propose it where somebody else is there to approve it."""
        now = self.world.now()
        if change.reasons and self._others(now):
            keys = self.world.store.keys
            write = self.world.store.write(lambda connection: changes.propose(connection, keys, change, now))
            waits: str = write.result()
            if waits == change.id:  # else it was proposed before, and told
                self._tell(waits, "proposed", now)
            return Made(waits)
        self.world.store.write(lambda connection: perform(connection, now)).result()
        if change.reasons:
            self._alone(change, now)
        return Made()

    def _others(self, _: datetime) -> bool:
        """Whether there are two administrators, so that one of them can approve what the other proposes."""
        return len(self.administrators()) > 1

    def _perform(self, connection: Connection, change: Change, by: str, now: datetime) -> None:
        """What a change does, whether it waited or not: one function, so that what is approved is what is done."""
        body = dict(change.body)
        digest = body.pop("digest", None)
        match change.what:
            case "account.create":
                account = Account(
                    change.about,
                    body["display"],
                    frozenset(body["roles"]),
                    email=body["email"],
                    slack_id=body["slack_id"],
                )
                accounts.put_account(connection, account, digest and Hashed(digest), now, by=by)
            case "account.change":
                changed = body | ({"password": Hashed(digest)} if digest else {})
                accounts.put_changes(connection, self.world.store.keys, change.about, changed, now, by=by)
            case "token.create":
                approve_token(connection, body["token"])

    def _alone(self, change: Change, now: datetime) -> None:
        """Write down, and tell, that a change took effect for which there was nobody to ask."""
        event = SecurityEvent(SecurityKind.ALONE, change.proposed_by, change.said())
        self.world.store.write(lambda connection: append(connection, [event], now)).result()
        self._tell(change.id, "alone", now)

    def _sign_out(self, change: Change, by: str) -> None:
        touched = SIGNED_OUT_BY & (set(change.body) | ({"password"} if "digest" in change.body else set()))
        if change.what == "account.change" and touched:
            why = f"changed: {', '.join(sorted(touched))}"
            end_sessions_of(self.world.store, change.about, self.world.now(), why, by)

    def _tell(self, identifier: str, what: str, now: datetime) -> None:
        """Administrators and the DPO hear of it through their messengers; the page says the rest."""
        deliveries.announce_once(self.world.store, KIND, f"{identifier}:{what}", TOLD, now)

    def _need_own_name(self, name: str) -> None:
        """Raises InvalidInput for what is no name, and Refused for one that reads like this machine's own user."""
        accounts.need_name(name)
        if alike(name, self.local_user):
            message = f"{name} reads like this machine's own user, who acts under that name"
            do = "choose another, such as an address: a.lee@example.org"
            raise Refused(Problem(code="A309", message=message, do=do))

    def _account(self, name: str) -> Account:
        account = accounts.find_account(self.world.store, name)
        if account is None:
            do = "`firedoor account list` shows them"
            raise NotFound(Problem(code="A302", message=f"there is no account {name}", do=do))
        return account

    def _holder(self, account: str, name: str, given: frozenset[str]) -> Account:
        """The account that a token is for: the one that is named, else the one of the token's own name."""
        named = account or name
        found = accounts.find_account(self.world.store, named)
        if found is None:
            do = f"make it first: firedoor account create {named[:40]} --role ..., then name it with --account"
            message = "a token belongs to an account, so that what is done with it is done by somebody"
            raise InvalidInput(Problem(code="W135", field="account", message=message, do=do))
        if found.disabled_at is not None:
            do = "enable it first, or name another"
            raise InvalidInput(Problem(code="W135", field="account", message=f"{named} is disabled", do=do))
        if more := sorted(given - found.roles):
            message = f"{found.name} does not have the role {' and '.join(more)}"
            do = "give the account the role first: a token has no role that its account has not"
            raise InvalidInput(Problem(code="W136", field="roles", message=message, do=do))
        return found

    def _need_source(self, name: str, given: frozenset[str]) -> None:
        """A token of a source sends for one source, and does nothing else."""
        if SOURCE not in given:
            return
        if given != {SOURCE}:
            do = "make two tokens: one for the sender, one for the person"
            raise InvalidInput(Problem(code="W132", field="roles", message="a source has no other role", do=do))
        known = sorted(self.sources())
        if name.removeprefix("source:") not in known:
            do = f"name it source:NAME; {nearest(name.removeprefix('source:')[:40], known)}"
            message = "a token with the role source has to name the one source that it sends for"
            raise InvalidInput(Problem(code="W133", field="name", message=message, do=do))


def local_user() -> str:
    """The name of this machine's user who runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "local"


def message_about(row: Mapping[str, str], people: tuple[str, ...], house: str) -> Notice:
    """The letter about a change of access: that there is one, and where it is looked at."""
    identifier, _, what = row["about"].partition(":")
    said = {
        "proposed": f"Change of access {identifier} waits for another administrator",
        "approved": f"Change of access {identifier} was approved",
        "declined": f"Change of access {identifier} was declined",
        "alone": f"Change of access {identifier} took effect: there is only one administrator",
        "expires": f"A token expires within two weeks: {identifier}",
    }[what]
    text = f"{said}.\n\nThe security journal says who it was and what it is about: {house}/security\n"
    return Notice(
        key=row["key"], handle=row["handle"], kind="security", incident="", roles=tuple(row["roles"].split(",")),
        link=f"{house}/admin#changes" if what == "proposed" else f"{house}/security", people=people, what=said,
        text=text,
        made_at=datetime.fromisoformat(row["made_at"]), address=row["address"],
        standing=Standing(incident="", state="", severity="", restricted=False, link=house),
    )  # fmt: skip


def _life(expires_at: datetime | None, now: datetime) -> datetime:
    """When a token ends: at most a year from now. Raises InvalidInput."""
    end = (expires_at or now + USUAL_LIFE).astimezone(UTC)
    if not now < end <= now + LONGEST_LIFE + timedelta(minutes=1):
        message = f"a token lives for at most {LONGEST_LIFE.days} days, and not into the past"
        raise InvalidInput(Problem(code="W134", field="expires_at", message=message, do="name an earlier end"))
    return end


def _given(roles: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(deciding(roles)))


def _same(account: Account, key: str, value: Any) -> bool:  # noqa: ANN401 - a value of a change
    """Whether a change changes nothing: a form sends all of its fields, and only what differs is a change."""
    now: Mapping[str, Any] = {
        "display": account.display, "email": account.email, "slack_id": account.slack_id,
        "roles": sorted(account.roles), "disabled": account.disabled_at is not None,
    }  # fmt: skip
    return key in now and now[key] == (sorted(value) if key == "roles" else value)


def _plain(value: Any) -> Any:  # noqa: ANN401 - a value of a change
    return sorted(value) if isinstance(value, (frozenset, set)) else value
