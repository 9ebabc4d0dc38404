"""What in an organisation's profile can be read and is probably not meant: said by `check`, and no server stops."""

from __future__ import annotations

from pathlib import Path

import pytest

from firedoor.core.problems import InvalidInput
from firedoor.duties.catalogue import catalogue
from firedoor.interfaces.cli.playbooks.checking import problems_in
from firedoor.runtime.config.inventory import read_organisation

PROFILE = """name: Example AI
escalation: [dpp]
digest: [manager]
messages:
  comandr: [email]
roles: [works_council]
facts: {serves: [de], security_breach: "no"}
"""


def test_roles_that_nobody_has_and_facts_of_one_incident_are_named_with_their_line(tmp_path: Path) -> None:
    """A letter for a role that is misspelt reaches nobody, and nobody would hear of it."""
    (file := tmp_path / "organisation.yaml").write_text(PROFILE)
    found = list(problems_in([file]))
    assert {one.severity for one in found} == {"warning"}
    assert [(one.place.line, one.code) for one in found if one.place] == [(2, "N108"), (4, "N108"), (7, "F110")]
    assert ['"dpo"' in found[0].do, '"commander"' in found[1].do] == [True, True]
    assert read_organisation(file, catalogue().facts).facts["serves"] == ("DE",)


def test_a_zone_that_is_none_is_refused_at_its_line(tmp_path: Path) -> None:
    """Every limit that ends with a day would be counted elsewhere."""
    (file := tmp_path / "organisation.yaml").write_text("name: Example AI\nfacts:\n  time_zone: Europe/Dubln\n")
    with pytest.raises(InvalidInput) as refused:
        read_organisation(file, catalogue().facts)
    (problem,) = refused.value.problems
    assert (problem.place and problem.place.line, "Europe/Dublin" in problem.do) == (3, True)
