"""A second administrator approves from the command line, on a server that runs: what waits counts only then.

Two accounts that administer, each with a token of its own, as two people at two machines.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.journeys.installation import PROGRAM, Installation
from tests.patience import GENEROUS

pytestmark = pytest.mark.slow


@pytest.fixture(name="here")
def _here(tmp_path: Path) -> Iterator[Installation]:
    here = Installation(tmp_path)
    try:
        here.up()
        yield here
    finally:
        here.down()


def at(here: Installation, token: str, *words: object) -> subprocess.CompletedProcess[str]:
    """A command of somebody elsewhere, who has nothing but the address and their token."""
    theirs = {**here.environment, "FIREDOOR_API_URL": here.url, "FIREDOOR_TOKEN": token}
    del theirs["FIREDOOR_DATA_DIR"]
    program = [*PROGRAM, *map(str, words)]
    return subprocess.run(program, env=theirs, capture_output=True, text=True, timeout=GENEROUS, check=False)


def administrator(here: Installation, name: str) -> tuple[str, str]:
    """An account that administers, and a token of it; with the change that the token waits for, if it does."""
    assert here.call("POST", "/accounts", json={"name": name, "roles": ["admin"]}).json().get("waits_for") is None
    made = here.call("POST", "/tokens", json={"name": name, "roles": ["admin"]}).json()
    return str(made["token"]), str(made.get("waits_for") or "")


def waiting(here: Installation, token: str) -> list[str]:
    """The ids of what waits, as somebody is shown it."""
    shown = at(here, token, "change", "list", "--format", "json")
    assert shown.returncode == 0, shown.stderr
    return [str(one["change"]) for one in json.loads(shown.stdout)["changes"]]


def roles_of(here: Installation, token: str, name: str) -> list[str]:
    """The roles of an account now; none where there is none."""
    found = json.loads(at(here, token, "account", "list", "--format", "json").stdout)["accounts"]
    return next((list(one["roles"]) for one in found if one["name"] == name), [])


def test_a_change_counts_once_the_other_administrator_has_approved_it(here: Installation) -> None:
    """Not by whoever proposed it, not twice, and not by this machine's own user; a decline leaves nothing behind."""
    ada, none = administrator(here, "ada@example.org")
    bob, of_token = administrator(here, "bob@example.org")
    assert (none, waiting(here, ada)) == ("", [of_token])
    assert at(here, bob, "account", "list").returncode == 3  # the token does not count yet: nobody known is asking
    assert at(here, ada, "change", "approve", of_token).returncode == 0
    made = at(here, bob, "account", "create", "dora@example.org", "--role", "dpo", "--no-password")
    assert made.returncode == 0, made.stderr
    (change,) = waiting(here, ada)
    assert change in made.stderr
    assert at(here, bob, "change", "approve", change).returncode == 3
    assert here.command("change", "approve", change).returncode == 3
    assert roles_of(here, ada, "dora@example.org") == []
    approved = at(here, ada, "change", "approve", change)
    assert re.match(r"approved: .*dora@example\.org", approved.stdout), approved.stderr
    assert roles_of(here, ada, "dora@example.org") == ["dpo"]
    assert at(here, ada, "change", "approve", change).returncode == 1  # nothing of this id waits any more
    assert at(here, ada, "account", "change", "bob@example.org", "--role", "commander").returncode == 0
    (again,) = waiting(here, bob)
    assert at(here, bob, "change", "decline", again).returncode == 0
    assert (waiting(here, ada), roles_of(here, ada, "bob@example.org")) == ([], ["admin"])
