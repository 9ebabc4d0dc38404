"""Who somebody in Slack is here, what they may read, and the words with which they are refused.

Decides that only a mapped, enabled account counts, with the roles that it has at that moment; and that a refusal says
nothing that its code does not say to anybody. Leaves rules to the core.
"""

from __future__ import annotations

from collections.abc import Mapping

from firedoor.core.access.need_to_know import need_to_know
from firedoor.core.problems import FiredoorError, NotFound, NotPermitted, Problem
from firedoor.core.tasks.answers import Person
from firedoor.interfaces.web.security.route_table import Access, allowed, needed
from firedoor.runtime.process.application import Runtime
from firedoor.store.database.sql import table
from firedoor.store.database.tables import IncidentRow
from firedoor.store.identity.accounts import account_of_slack

WORDS: Mapping[str, str] = {
    "T102": "This task waits for nobody any more. Nothing was changed.",
    "T103": "This task is for another role than yours. Nothing was changed.",
    "T104": "You have had a part in this already: a second person must answer. Nothing was changed.",
    "T105": "You opened this incident: somebody else must approve. Nothing was changed.",
    "T109": "A reason is needed, of at most 3000 characters. Nothing was changed.",
    "T110": "Somebody else has taken this task over. Nothing was changed.",
}


def person_of(runtime: Runtime, slack_id: str) -> Person:
    """The account of a Slack user, with what is a role here. Raises NotPermitted for one whom nobody has named."""
    account = account_of_slack(runtime.world.store, slack_id)
    if account is None:
        do = f"ask an administrator: firedoor account change NAME --slack {slack_id[:20]}"
        raise NotPermitted(Problem(code="H120", message="your Slack user belongs to no account of Firedoor's", do=do))
    return runtime.roles.covering(account.roles).holding(account.person)


def need_access(runtime: Runtime, person: Person, access: Access) -> None:
    """Raises NotPermitted for somebody without one of the roles that have an access."""
    if not allowed(access, person.roles, runtime.roles.covering(person.roles).own):
        message = f"{person.name} may not do this: it is for {needed(access)}"
        raise NotPermitted(Problem(code="W103", message=message, do="ask an administrator for the role"))


def need_reader(runtime: Runtime, incident: str, person: Person) -> None:
    """Raises NotFound, or NotPermitted for whoever need not know: that it exists, and nothing more."""
    need_access(runtime, person, Access.READ)
    rows = runtime.world.store.rows(IncidentRow, table(IncidentRow).c.id == incident, limit=1)
    if not rows:
        message = "there is no such incident"
        raise NotFound(Problem(code="S103", message=message, do="/firedoor status lists those that are open"))
    need_to_know(incident, rows[0]["readers"], person)


def refusal(error: FiredoorError) -> str:
    """The words for a refused answer: by its code, because the problem's own words may quote the incident."""
    code = error.problems[0].code
    if code in WORDS:
        return WORDS[code]
    if code.startswith(("H1", "W10")):
        return f"{error.problems[0].message}. {error.problems[0].do}"
    return f"Refused ({code}). Nothing was changed; the console says more."
