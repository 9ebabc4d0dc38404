"""The tables behind signing in that hold no person: how full the slots of attempts are, and the house's secrets."""

from __future__ import annotations

from sqlmodel import Field, SQLModel


class SignInSlotRow(SQLModel, table=True):
    """How full one slot of wrong attempts to sign in is. There are only so many slots, and no name or address here."""

    __tablename__ = "sign_in_slot"

    slot: str = Field(primary_key=True)
    level: float
    at: str


class HouseSecretRow(SQLModel, table=True):
    """Secrets that all processes of this house share and nobody else needs: they were made here."""

    __tablename__ = "house_secret"

    name: str = Field(primary_key=True)
    value: str
