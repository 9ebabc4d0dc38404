"""The databases that the tests of this folder run on."""

from tests.support.databases import cluster, database, empty_database  # noqa: F401 - fixtures of this folder
