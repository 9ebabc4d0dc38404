"""docs/reference/api.md names every route, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from firedoor.core.access.roles import SYSTEM_ROLES
from firedoor.interfaces.web.security.route_table import ROUTES, UNSEALED

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "api.md").read_text()


PROGRAMS = re.compile(r"/(api/|answer/|openapi\.json|healthz|readyz|metrics|takedown)")


def test_the_page_has_a_line_for_every_route() -> None:
    """A route that is added or removed is added or removed on the page. The console's pages are not for programs."""
    named = re.findall(r"^\| `(GET|POST|PATCH|DELETE) (/\S*)` \|", PAGE, re.MULTILINE)
    assert set(named) == {(method, path.replace(":path}", "}")) for method, path in ROUTES if PROGRAMS.match(path)}
    assert len(named) == len(set(named))


def test_the_page_names_every_role_and_who_sees_sealed_facts() -> None:
    """The roles of the API itself, and those that see what is sealed."""
    assert not [role for role in SYSTEM_ROLES | UNSEALED if f"`{role}`" not in PAGE]
    sealed = PAGE[PAGE.index("**Sealed facts**") :].split("\n\n")[0]
    assert all(f"`{role}`" in sealed for role in UNSEALED)
