"""Alembic's entry: runs the migrations over the connection that `store.schema` hands in."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

from firedoor.store.database import result_tables, security_tables, tables  # noqa: F401 - imported so that the metadata is complete

connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True, version_table="firedoor_version"
)
with context.begin_transaction():
    context.run_migrations()
