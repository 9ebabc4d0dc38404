"""What every test of the runtime may have: an empty database of each kind."""

from tests.support.databases import cluster, database, empty_database  # noqa: F401 - fixtures of this folder
