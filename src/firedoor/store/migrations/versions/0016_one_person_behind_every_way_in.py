"""Who is behind an account and its tokens, and which names can be taken for each other.

Accounts of before whose names look alike are one person from now on: nobody can tell that they are two. A token of
before belongs to the account whose name it bears; where there is none, it stays nobody's.
"""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

from firedoor.core.names import skeletons

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.add_column("account", sa.Column("person", sa.String(), nullable=False, server_default=""))
    op.add_column("token", sa.Column("account", sa.String(), nullable=True))
    op.create_table(
        "account_likeness",
        sa.Column("skeleton", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("skeleton"),
    )
    op.create_index("ix_account_person", "account", ["person"])
    op.create_index("ix_token_account", "token", ["account"])
    op.create_index("ix_account_likeness_account", "account_likeness", ["account"])
    _identify(op.get_bind())


def _identify(connection: sa.Connection) -> None:
    people: dict[str, str] = {}  # by what a name can be read as
    for (name,) in connection.execute(sa.text("SELECT name FROM account ORDER BY created_at, name")).all():
        read_as = skeletons(name)
        person = next((people[one] for one in sorted(read_as) if one in people), f"p_{secrets.token_hex(8)}")
        given = {"person": person, "name": name}
        connection.execute(sa.text("UPDATE account SET person = :person WHERE name = :name"), given)
        connection.execute(sa.text("UPDATE token SET account = :name WHERE name = :name"), {"name": name})
        changed = "UPDATE proposed_change SET proposer = :person WHERE proposer = :name"
        connection.execute(sa.text(changed), given)
        for one in sorted(read_as - people.keys()):
            people[one] = person
            row = {"skeleton": one, "account": name}
            connection.execute(sa.text("INSERT INTO account_likeness VALUES (:skeleton, :account)"), row)
