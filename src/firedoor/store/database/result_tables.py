"""The tables of what was worked out and is kept: figures of incidents, and results of drills.

Decides that neither is the truth: a figure belongs to one head of a chain, and a result to one plan.
"""

from __future__ import annotations

from sqlalchemy import Text
from sqlmodel import Field, SQLModel


class FigureRow(SQLModel, table=True):
    """Projection: what is counted of an incident. It holds for this head of its chain and this formula, else not."""

    __tablename__ = "figure"

    incident: str = Field(primary_key=True)
    head_seq: int
    head_hash: str
    formula: str
    body: str = Field(sa_type=Text)  # JSON


class DrillResultRow(SQLModel, table=True):
    """The last result of every drill that was run from a page, whichever process ran it."""

    __tablename__ = "drill_result"

    playbook: str = Field(primary_key=True)
    drill: str = Field(primary_key=True)
    version: str
    plan_digest: str  # of the plan that was rehearsed
    at: str
    person: str  # who started it
    passed: bool
    mismatches: str = Field(sa_type=Text)  # a JSON list
    entries: int
    state: str
    story: str = Field(sa_type=Text)  # a JSON list
