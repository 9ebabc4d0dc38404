"""The table of requests that strangers sent: which number each got, and which request of which incident it became."""

from __future__ import annotations

from sqlalchemy import Text
from sqlmodel import Field, SQLModel


class TakedownRequestRow(SQLModel, table=True):
    """One submission. Of the secret of its status page only a digest is here.

    What was said is sealed, and taken out once the journal of an incident has it.

    `person` and `content` are keyed digests, by which further submissions of the same person or about the same content
    find their incident. `once` and `said` are keyed digests of the sender's own key and of the words under it; a double
    press finds the first by them. `incident` and `request` are empty until an incident has taken it up.
    """

    __tablename__ = "takedown_request"

    number: str = Field(primary_key=True)
    secret: str = Field(unique=True)
    received_at: str = Field(index=True)
    language: str = Field(default="en")
    person: str = Field(default="", index=True)
    content: str = Field(default="", index=True)
    body: str = Field(sa_type=Text)
    fingerprint: str
    once: str | None = Field(default=None, index=True, unique=True)
    said: str = Field(default="")
    incident: str | None = Field(default=None, index=True)
    request: str | None = None
