"""Tables of the security journal, of the life of tokens, and of changes that wait for a second administrator.

Rows of `security_entry` are only ever added: the database refuses the rest.
"""

from __future__ import annotations

from sqlalchemy import Text
from sqlmodel import Field, SQLModel


class SecurityEntryRow(SQLModel, table=True):
    """One entry of the installation's security journal."""

    __tablename__ = "security_entry"

    seq: int = Field(primary_key=True)
    at: str = Field(index=True)
    kind: str = Field(index=True)
    actor: str
    body: str = Field(sa_type=Text)
    prev: str
    hash: str


class SecurityHeadRow(SQLModel, table=True):
    """Where the security journal stands: one row, which everybody who appends waits for."""

    __tablename__ = "security_head"

    name: str = Field(primary_key=True)
    seq: int
    hash: str


class TokenLifeRow(SQLModel, table=True):
    """How long a token lives and when it was used. One of before this table existed gets its row with its first use."""

    __tablename__ = "token_life"

    token: str = Field(primary_key=True)
    expires_at: str | None = Field(default=None, index=True)  # None: made before tokens expired
    first_used_at: str | None = None
    last_used_at: str | None = None  # to the minute
    expired_at: str | None = None  # when it was written down that it had expired
    source: str | None = None  # the one source that it may send to, where its name does not say so
    waits_for: str | None = None  # the change that has to be approved before it counts


class ChangeRow(SQLModel, table=True):
    """A change that a second administrator has to approve. What it would do is kept until it is settled."""

    __tablename__ = "proposed_change"

    id: str = Field(primary_key=True)
    what: str  # account.create, account.change or token.create
    about: str
    reasons: str = Field(sa_type=Text)
    roles: str
    body: str = Field(sa_type=Text)
    proposed_by: str
    proposer: str  # the id of the person behind it
    proposed_at: str
    expires_at: str = Field(index=True)
    state: str = Field(default="waiting", index=True)  # waiting, approved, declined
    settled_by: str = ""
    settled_at: str | None = None
