"""The tables of hash banks: which there are, what each lists, what was withdrawn, and what was put on blocklists."""

from __future__ import annotations

from sqlmodel import Field, SQLModel


class HashBankRow(SQLModel, table=True):
    """A bank. `version` counts its updates; `withdrawals` counts those with which something left."""

    __tablename__ = "hash_bank"

    name: str = Field(primary_key=True)
    version: int = 0
    withdrawals: int = 0


class HashEntryRow(SQLModel, table=True):
    """A living entry, known by the digest of its key. `version` is the update with which it came or changed."""

    __tablename__ = "hash_entry"

    bank: str = Field(primary_key=True)
    digest: str = Field(primary_key=True)
    algorithm: str
    value: str = Field(index=True)
    case_id: str = Field(default="", index=True)
    quality: int | None = None
    review: str = "unreviewed"
    disputed: bool = False
    added_at: str | None = None
    changed_at: str | None = None
    source: str = ""
    version: int = Field(default=0, index=True)


class HashWithdrawnRow(SQLModel, table=True):
    """An entry that left: its digest, which recognises it, and the digest of its hash without the case."""

    __tablename__ = "hash_withdrawn"

    bank: str = Field(primary_key=True)
    digest: str = Field(primary_key=True)
    hash_digest: str = Field(default="", index=True)
    at: str
    by: str = ""
    why: str = ""


class HashChangeRow(SQLModel, table=True):
    """One update of a bank: what a file or a person did to it."""

    __tablename__ = "hash_change"

    bank: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    at: str
    source: str
    by: str = ""
    added: int = 0
    replaced: int = 0
    withdrawn: int = 0
    kept_out: int = 0


class BlockedHashRow(SQLModel, table=True):
    """A hash that was put on the blocklist of a store. `leaving`: it has to come off, and is not off yet."""

    __tablename__ = "hash_blocked"

    store: str = Field(primary_key=True)
    algorithm: str = Field(primary_key=True)
    value: str = Field(primary_key=True)
    hash_digest: str = Field(index=True)
    incident: str
    at: str
    leaving: bool = False
