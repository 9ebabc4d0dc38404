"""What `doctor` makes of Prefect's answers."""

from __future__ import annotations

import pytest

from firedoor.interfaces.cli.system.doctor_prefect import entrypoints, protected, strange

OURS = {"name": "model-data-leakage", "entrypoint": "firedoor.flows.model_data_leakage.model_data_leakage"}


@pytest.mark.parametrize(
    ("status", "private", "state"),
    [(401, True, "well"), (403, False, "well"), (200, True, "wrong"), (200, False, "note")],
)
def test_a_server_that_answers_anybody_is_told(status: int, private: bool, state: str) -> None:
    """A private one must never do so; of a team's own it is said what its API can do."""
    assert protected(status, private=private)[0] == state


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({}, []),
        ({"entrypoint": "firedoor.flows.respond.Path_mfrgg"}, ["model-data-leakage"]),
        ({"entrypoint": "firedoor.flows.respond.respond"}, ["model-data-leakage"]),
        ({"pull_steps": [{"step": {}}]}, ["model-data-leakage"]),
        ({"path": "/elsewhere"}, ["model-data-leakage"]),
        ({"job_variables": {"env": {"A": "1"}}}, ["model-data-leakage"]),
    ],
)
def test_what_firedoor_did_not_make_is_strange(more: dict[str, object], found: list[str]) -> None:
    """Another entrypoint, or something beside it that makes a worker run other code."""
    assert strange([{**OURS, "pull_steps": [], "path": None, **more}], entrypoints()) == found
