"""The tables. `entry` is the truth; whatever is marked as a projection can be rebuilt from it.

Decides names, keys and indexes. Instants are ISO 8601 text in UTC with six
decimals, so that text order is time order on every database. Leaves the schema's
history to the migrations.
"""

from __future__ import annotations

from sqlalchemy import Index, Text, UniqueConstraint, false, text
from sqlmodel import Field, SQLModel


class IncidentRow(SQLModel, table=True):
    """Projection: one line of the incident list, and the head of the incident's chain."""

    __tablename__ = "incident"

    id: str = Field(primary_key=True)
    type: str
    title: str
    severity: str
    state: str = Field(index=True)
    outcome: str = ""
    playbook: str
    version: str = ""
    plan_digest: str = ""
    opened_at: str = Field(index=True)
    opened_by: str
    closed_at: str | None = None
    readers: str | None = Field(default=None, sa_type=Text)  # who needs to know; None: every reader may
    practice: bool = Field(default=False, sa_column_kwargs={"server_default": false()})  # in no figure
    head_seq: int
    head_hash: str


class EntryRow(SQLModel, table=True):
    """The journal. Rows are inserted, never updated."""

    __tablename__ = "entry"
    __table_args__ = (Index("entry_by_time", "at"),)

    incident: str = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    at: str
    kind: str
    actor: str
    body: str = Field(sa_type=Text)  # canonical JSON
    prev: str
    hash: str


class PlanRow(SQLModel, table=True):
    """Compiled plans by digest: what a running incident is pinned to."""

    __tablename__ = "plan"

    digest: str = Field(primary_key=True)
    playbook: str
    version: str
    body: str = Field(sa_type=Text)
    stored_at: str


class AlertRow(SQLModel, table=True):
    """One detection, however often it is delivered."""

    __tablename__ = "alert"
    __table_args__ = (UniqueConstraint("source", "fingerprint", "episode"),)

    id: int | None = Field(default=None, primary_key=True)
    source: str
    fingerprint: str = Field(index=True)
    episode: str
    received_at: str = Field(index=True)
    last_received_at: str
    deliveries: int = 1
    raw_sha256: str
    body: str = Field(sa_type=Text)  # the normalised alert; the raw bytes are not kept here
    decision: str
    reasons: str = Field(sa_type=Text)
    incident: str | None = Field(default=None, index=True)
    endpoint: str | None = Field(default=None, index=True)
    model: str | None = Field(default=None, index=True)
    dataset: str | None = Field(default=None, index=True)


class TaskRow(SQLModel, table=True):
    """Projection: tasks of people."""

    __tablename__ = "task"
    __table_args__ = (Index("task_by_state", "state", "due_at"),)

    incident: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    number: int
    kind: str
    role: str
    question: str = Field(sa_type=Text)
    due_at: str = Field(index=True)
    opened_at: str
    state: str = "open"  # open, decided, withdrawn
    choice: str | None = None
    clock: str | None = None


class ClockRow(SQLModel, table=True):
    """Projection: clocks with their limits."""

    __tablename__ = "clock"

    incident: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    duty: str
    title: str
    authority: str
    state: str = Field(index=True)
    due_at: str | None = Field(default=None, index=True)
    settled_at: str | None = None


class TimerRow(SQLModel, table=True):
    """Projection: the points at which the watch acts. Unfired ones are found by one index."""

    __tablename__ = "timer"
    __table_args__ = (Index("timer_unfired", "fired_at", "due_at"),)

    incident: str = Field(primary_key=True)
    about: str = Field(primary_key=True)  # "task:ID" or "clock:ID"
    point: str = Field(primary_key=True)  # half, T-24h, ..., T
    due_at: str
    fired_at: str | None = None


class HoldRow(SQLModel, table=True):
    """Targets that an incident keeps closed. A projection, except for when it was looked at and when it is next."""

    __tablename__ = "hold"

    incident: str = Field(primary_key=True)
    target: str = Field(primary_key=True, index=True)
    op: str  # the suspension that is held
    state: str  # held, drifted, unseen, closing, opening
    every: int  # seconds between two looks
    since: str
    seen_at: str  # when it was last seen closed
    next_look: str = Field(index=True)
    looks: int = 0
    drifts: int = 0


class AutomaticRow(SQLModel, table=True):
    """Suspensions that nobody was asked about, for the limit of them per hour. Kept for a day."""

    __tablename__ = "automatic_suspension"

    incident: str = Field(primary_key=True)
    op: str = Field(primary_key=True)
    playbook: str
    target: str
    at: str = Field(index=True)


class MessageRow(SQLModel, table=True):
    """Projection: messages to roles, and whether they have left through a messenger."""

    __tablename__ = "message"

    incident: str = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    role: str = Field(primary_key=True)
    at: str = Field(index=True)
    subject: str = Field(sa_type=Text)
    text: str = Field(sa_type=Text)


class EvidenceRow(SQLModel, table=True):
    """Projection: what is under custody."""

    __tablename__ = "evidence"

    incident: str = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    name: str
    sha256: str = Field(index=True)
    size: int
    kept_at: str


def _some(name: str, column: str, where: str, *, ended: bool) -> Index:
    """An index of the drives that need something. A query finds it only by the very same words."""
    return Index(
        name, column,
        sqlite_where=text(f"{where} AND ended IS {int(ended)}"),
        postgresql_where=text(f"{where} AND ended IS {str(ended).lower()}"),
    )  # fmt: skip


_BEHIND = text("head_seq > shown_seq")


class DriveRow(SQLModel, table=True):
    """Who drives an incident, and when it next needs driving. Not a projection: it is about processes, not facts.

    `token` grows with every new driver; an append with an older one is refused, so a driver
    that was thought dead cannot write. `slept_seq` is the entry up to which the last driver
    had nothing to do; a head beyond it, or `wake_at` in the past, means that there is work.
    `shown_seq` is the entry up to which Prefect was shown it; nobody else shows it before `show_after`.
    `head_seq` is the incident's, so that one index of this table knows the few that have work.
    """

    __tablename__ = "drive"
    __table_args__ = (
        _some("drive_awake", "incident", "head_seq > slept_seq", ended=False),
        _some("drive_wake_at", "wake_at", "wake_at IS NOT NULL", ended=False),
        _some("drive_owned", "owner", "owner != ''", ended=False),
        Index("drive_behind", "incident", sqlite_where=_BEHIND, postgresql_where=_BEHIND),
    )

    incident: str = Field(primary_key=True)
    owner: str = ""
    token: int = 0
    beaten_at: str = ""
    head_seq: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    slept_seq: int = 0
    wake_at: str | None = None
    ended: bool = False
    shown_seq: int = 0
    show_after: str | None = None
    flow_run_id: str | None = Field(default=None, index=True)


class PulseRow(SQLModel, table=True):
    """The sign of life of a process: when its loops last looked. Only an outsider, the audit, reads it."""

    __tablename__ = "pulse"

    owner: str = Field(primary_key=True)
    watched_at: str
    recovered_at: str = ""  # empty: this process has not looked yet


class TokenRow(SQLModel, table=True):
    """API tokens: only a digest is kept."""

    __tablename__ = "token"

    id: str = Field(primary_key=True)
    name: str
    roles: str
    digest: str = Field(index=True, unique=True)
    created_at: str
    revoked_at: str | None = None
    account: str | None = Field(default=None, index=True)  # whose it is; a source's, and some of before, are nobody's


class AccountRow(SQLModel, table=True):
    """People who may sign in. The password is kept as argon2id; nothing else of it."""

    __tablename__ = "account"

    name: str = Field(primary_key=True)
    person: str = Field(default="", index=True, sa_column_kwargs={"server_default": ""})  # who it is; never changes
    display: str
    roles: str
    email: str = ""
    slack_id: str | None = Field(default=None, index=True, unique=True)
    subject: str | None = Field(default=None, index=True, unique=True)
    password: str = ""
    totp_secret: str | None = None
    totp_step: int | None = None  # the newest one-time code that was used
    created_at: str
    disabled_at: str | None = None


class LikenessRow(SQLModel, table=True):
    """What the names of accounts can be read as; no two accounts share one."""

    __tablename__ = "account_likeness"

    skeleton: str = Field(primary_key=True)
    account: str = Field(index=True)


class SessionRow(SQLModel, table=True):
    """Who is signed in, and tickets that sign in once: only a digest of the secret is kept."""

    __tablename__ = "session"

    id: str = Field(primary_key=True)
    digest: str = Field(index=True, unique=True)
    account: str = Field(index=True)
    kind: str  # account, local, ticket, or a step of single sign-on
    opened_at: str
    seen_at: str
    expires_at: str = Field(index=True)


class SealedReadRow(SQLModel, table=True):
    """Who read facts about victims and witnesses, one line for a person and an hour."""

    __tablename__ = "sealed_read"

    incident: str = Field(primary_key=True)
    person: str = Field(primary_key=True)
    hour: str = Field(primary_key=True)
    first_at: str


class AnswerLinkRow(SQLModel, table=True):
    """Links that answer one task once: only a digest of the secret is kept."""

    __tablename__ = "answer_link"

    id: str = Field(primary_key=True)
    digest: str = Field(index=True, unique=True)
    incident: str = Field(index=True)
    task: str
    opened_seq: int  # the entry that opened the task; a task asked anew is another task
    person: str
    role: str
    choice: str | None = None
    made_by: str
    made_at: str
    expires_at: str
    used_at: str | None = None


class CalendarLinkRow(SQLModel, table=True):
    """Private addresses of calendars, one person's each: only a digest of the secret is kept."""

    __tablename__ = "calendar_link"

    id: str = Field(primary_key=True)
    digest: str = Field(index=True, unique=True)
    person: str = Field(index=True)
    kind: str  # account or local: what the person's roles follow from, each time it is read
    made_at: str
    revoked_at: str | None = None


class DeliveryRow(SQLModel, table=True):
    """What is to leave through messengers, from the same transaction as the entry that it speaks of.

    First it is `new`: nobody has looked yet which messengers its roles have. Then there is one row for each messenger
    and address. `state`: new, addressed or nobody (done with); queued, sending, sent, given_up. `next_at` is when it
    is next tried, and while it is `sending`, when its sender counts as dead. Never rebuilt: what left has left.
    """

    __tablename__ = "delivery"
    __table_args__ = (Index("delivery_due", "state", "next_at"),)

    key: str = Field(primary_key=True)
    handle: str = Field(index=True, unique=True)  # what a button of the message carries: it says nothing
    incident: str = Field(index=True)
    seq: int
    kind: str  # task, reminder, escalation, message, state
    about: str = ""  # "task:ID" or "clock:ID"
    roles: str = ""
    messenger: str = ""
    address: str = ""
    state: str = "new"
    made_at: str
    next_at: str | None = None
    attempts: int = 0
    owner: str = ""
    problem: str = Field(default="", sa_type=Text)
    sent_at: str | None = None
    reference: str = Field(default="", sa_type=Text)  # how the far end knows it


class ChannelRow(SQLModel, table=True):
    """Where a messenger speaks about one incident, and what the messenger needs to know of that place."""

    __tablename__ = "channel"

    messenger: str = Field(primary_key=True)
    incident: str = Field(primary_key=True)
    address: str = Field(index=True)
    note: str = Field(default="{}", sa_type=Text)


class TakenInRow(SQLModel, table=True):
    """Signed requests that were taken in a moment ago, by digest: the same one does nothing a second time."""

    __tablename__ = "taken_in"

    digest: str = Field(primary_key=True)
    at: str = Field(index=True)


class CounterRow(SQLModel, table=True):
    """Numbers that are given out once."""

    __tablename__ = "counter"

    name: str = Field(primary_key=True)
    value: int
