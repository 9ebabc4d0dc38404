"""docs/reference/access.md is what the code says, and the routes on it are those that are served."""

from __future__ import annotations

from pathlib import Path

from starlette.routing import Route
from tests.support.api_house import house

from firedoor.core.access.roles import BUILT_IN
from firedoor.interfaces.web.access_page import ORDER, access_page, found_routes
from firedoor.interfaces.web.security.route_table import ROUTES

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "access.md"


def test_the_page_is_written_from_the_code() -> None:
    """`make docs` writes it anew; a table that is not the code's is of no use to anybody."""
    assert PAGE.read_text(encoding="utf-8") == access_page()


async def test_the_routes_are_those_of_the_application(tmp_path: Path) -> None:
    """Found and not listed: what is served, what the page shows, and what the table grants are the same."""
    async with house(tmp_path) as built:
        routes = [route for route in built.app.routes if isinstance(route, Route)]
        served = {(method, route.path) for route in routes for method in (route.methods or ()) if method != "HEAD"}
        assert len(routes) == len(built.app.routes)  # nothing is mounted beside them
    assert served == set(found_routes()) == set(ROUTES)


def test_every_role_has_a_column() -> None:
    """A role that is built in and not shown would be a gap in the page."""
    assert sorted(ORDER) == sorted(BUILT_IN)
