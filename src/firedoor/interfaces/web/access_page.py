"""The page about who may do what: every route that is served, and what each role is answered there.

Decides how the table is written. The routes are found in the routers that the application is made of, and what they
are answered comes from `access`, so that a route which nobody listed stands there as closed to everybody. A test calls
every route as every one of these callers and compares.
"""

from __future__ import annotations

from starlette.routing import Route

from firedoor.core.access.roles import BUILT_IN, ROUTINE
from firedoor.interfaces.web.security.route_table import ROUTES, TO_OWN_ROLES, TOKENLESS, V1, Access, allowed

OWN = "a role of one's own"
BY_FASTAPI = ("GET", "/openapi.json")  # the one route that no router of ours holds
ORDER = ("admin", "viewer", "responder", "commander", "manager", "dpo", "legal", "approver", "engineering",
         "communications", "victim_support", "source")  # fmt: skip
SHORT = {"engineering": "engin.", "communications": "comms", "victim_support": "victims", OWN: "own"}

HEAD = """\
# Who may do what

This page is written from the code (`make docs`); a test calls every route as every caller named here and compares.

Each column says what its caller is answered: `yes` means that the roles allow it, and what is asked for decides; `403`
that they do not; `401` that nobody known is asking. *Foreign* is an incident that is closed to whoever need not know:
there, a `yes` becomes a `403`, whatever the role. A route marked *open* asks for no token: health and the description
of the API, the pages to sign in, links that were made for one person, and requests that their sender signs.

*own* is a role that only your playbooks or your `organisation.yaml` name
([the list of roles](../how-to/sign-in.md#roles)). Whoever has a word that is no role is answered `403`, except on open
routes. This machine's own user has every role but `source`, and reads foreign incidents too.

"""


def found_routes() -> list[tuple[str, str]]:
    """Every method and path that is served, by path."""
    from firedoor.interfaces.web.app import all_routers  # it answers with everything, this page's module included

    routes = [route for router in all_routers() for route in router.routes if isinstance(route, Route)]
    found = {(method, route.path) for route in routes for method in (route.methods or ()) if method != "HEAD"}
    return sorted({*found, BY_FASTAPI}, key=lambda one: (one[1], one[0]))


def access_page() -> str:
    """The whole page."""
    api = [one for one in found_routes() if one[1].startswith(V1)]
    others = [one for one in found_routes() if not one[1].startswith(V1)]
    tables = [f"## {title}\n\n{_table(routes)}" for title, routes in (("The API", api), ("Pages and the rest", others))]
    return HEAD + _deciding() + "\n".join(tables)


def answered(access: Access | None, role: str) -> bool:
    """Whether a role alone has an access; `OWN` is any role of the installation's own."""
    if role == OWN:
        return access in TO_OWN_ROLES or access in TOKENLESS
    return allowed(access, frozenset((role,)))


def _deciding() -> str:
    decide = ", ".join(f"`{role}`" for role in ORDER if role in BUILT_IN - ROUTINE)
    return f"Roles that decide are {decide}, and every role of one's own.\n\n"


def _table(routes: list[tuple[str, str]]) -> str:
    columns = [*ORDER, OWN]
    head = ["route", "no token", *(SHORT.get(one, one) for one in columns), "foreign"]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    lines += [f"| {' | '.join(_row(method, path, columns))} |" for method, path in routes]
    return "\n".join(lines) + "\n"


def _row(method: str, path: str, columns: list[str]) -> list[str]:
    access = ROUTES.get((method, path))
    shown = f"`{method} {path.replace(':path}', '}')}`"
    if access in TOKENLESS:
        return [shown, *["open"] * (len(columns) + 2)]
    foreign = "403" if "{incident}" in path else ""
    return [shown, "401", *("yes" if answered(access, one) else "403" for one in columns), foreign]
