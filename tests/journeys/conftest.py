"""Journeys start programs of their own, which must not inherit another test's Prefect."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def _no_prefect_of_somebody_else() -> Iterator[None]:
    """Take out what a bridge in this process has put into its environment, as long as a file's tests run."""
    theirs = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PREFECT_API")}
    yield
    os.environ.update(theirs)
