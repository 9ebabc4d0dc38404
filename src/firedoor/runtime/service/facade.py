"""What people and detectors can ask of Firedoor, as one set of calls.

Decides the order of things: read, decide in the core, write in one transaction,
then wake the driver. The command line and the HTTP API are thin skins over this
class and hold no rule of their own. Leaves who is asking to them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Row, case, select

from firedoor.alerts.source import AlertSource
from firedoor.core.access.need_to_know import may_read
from firedoor.core.alerts.alert import Alert
from firedoor.core.alerts.evidence_strength import read_given
from firedoor.core.alerts.intake import Here, as_received, take_in
from firedoor.core.alerts.triage import Decision, KnownIncident, Triage
from firedoor.core.alerts.withheld import stored
from firedoor.core.facts import FactDefinition, read_all, write
from firedoor.core.incident.view import IncidentView
from firedoor.core.isolated import Fault, each
from firedoor.core.journal import Draft
from firedoor.core.json_types import JsonObject
from firedoor.core.lifecycle import IncidentType
from firedoor.core.person import Person
from firedoor.core.playbook.plan import Plan
from firedoor.core.ports import Confidant
from firedoor.core.problems import InvalidInput, NotFound, Problem, Refused
from firedoor.core.severity import UNSAID, Severity
from firedoor.core.tasks.answers import (
    Answer,
    MoreTime,
    answer_task,
    extend_clock,
    pause_clock,
    resume_clock,
    set_facts,
    submit_clock,
)
from firedoor.runtime.config.alert_sources import Sources
from firedoor.runtime.config.container import World
from firedoor.runtime.execution.containment_priority import containment
from firedoor.runtime.execution.driver import Driver
from firedoor.runtime.service import run_requests, start_checks
from firedoor.runtime.service.answer_links import Linking
from firedoor.runtime.service.copies import Copying
from firedoor.runtime.service.notices import Corresponding
from firedoor.runtime.service.opening import Opening, alert_entry, new_incident, opening_of
from firedoor.runtime.service.playbook_cache import Shelf
from firedoor.runtime.service.quotas import Quotas
from firedoor.runtime.service.requests import Requesting
from firedoor.runtime.service.start_checks import StartChecks
from firedoor.runtime.service.start_keys import StartKeys
from firedoor.store.database.sql import table
from firedoor.store.database.tables import AlertRow, IncidentRow
from firedoor.store.incidents.alert_rows import Accepted, Attachment, NewAlert
from firedoor.store.incidents.journal import Conflict

REMEMBERED = 10_000  # stored alerts that are recognised without asking the store
COPY = Triage(Decision.IGNORE, None, ("Delivered before.",))
ATTEMPTS = 20  # how often a write that lost a race is decided anew

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Received:
    """What became of one alert of a delivery."""

    decision: str  # start, attach, ask, ignore or duplicate
    incident: str | None
    reasons: tuple[str, ...]
    fingerprint: str
    deliveries: int = 1


class Service(Corresponding, Requesting, Copying, Linking):
    """The calls. Every one that changes something names the person or source that asks for it."""

    def __init__(self, world: World, driver: Driver, shelf: Shelf, known_sources: Sources | None = None) -> None:
        self.world = world
        self.driver = driver
        self.shelf = shelf
        self.sources = known_sources if known_sources is not None else Sources()
        self.quotas = Quotas(world)
        self.start_keys = StartKeys(world)
        self.linking = asyncio.Lock()
        self.confidants: Callable[[], list[Confidant]] = list
        self._stored: dict[tuple[str, ...], str] = {}  # a delivery, by what it says -> the episode it is stored under

    # -- alerts ----------------------------------------------------------------------------------

    def source(self, name: str) -> AlertSource:
        """A source of alerts by its id. Raises NotFound naming the nearest."""
        return self.sources.find(name)

    async def receive(self, source: str, body: bytes, headers: Mapping[str, str]) -> list[Received]:
        """Take in a delivery. Returns when everything of it is on disk. Raises InvalidInput or NotFound."""
        with containment.urgent():
            alerts = self.source(source).parse(body, headers)
            await self.quotas.admit(
                source, [alert for alert in alerts if _delivery(alert) not in self._stored], len(body)
            )
            return [await self.take_in(alert) for alert in alerts]

    async def take_in(self, alert: Alert, belongs: tuple[str, str] | None = None) -> Received:
        """Take in one alert: true copies are counted, what is new or says something new is triaged.

        `belongs` names an open incident to which it belongs besides those that an alert finds by itself, and says why.
        """
        now = self.world.now()
        copy = self._stored.get(_delivery(alert))
        # What this process has stored needs no triage; for all others the store itself finds the copies.
        alert, decided = (as_received(alert, now), COPY) if copy is not None else self.intake(alert, now, belongs)
        starts = decided.decision is Decision.START
        opening = opening_of(alert, decided, self.shelf.plan(decided.playbook or "")) if starts else None
        if opening is not None and self.world.store.plan_at_hand(opening.plan.digest) is None:
            # Not in the loop: while the database is locked, everything else here must go on.
            await asyncio.to_thread(self.world.store.keep_plan, opening.plan, now)
        stored = NewAlert(
            source=alert.source, fingerprint=alert.fingerprint, episode=copy or alert.stored_episode,
            raw_sha256=alert.raw_sha256, body=alert.record(), decision=str(decided.decision), reasons=decided.reasons,
            content="" if copy is not None else alert.content, changed_episode=alert.changed_episode,
        )  # fmt: skip
        new = new_incident(self.world, opening) if opening else None
        attach = self._attachment(alert, decided)
        accepted = await asyncio.wrap_future(self.world.store.accept_alert(stored, new, now, attach))
        self._remember(_delivery(alert), accepted.episode)
        if accepted.entries:
            self.driver.accepted(accepted.entries[0].incident, accepted.entries)
        elif attach and not accepted.duplicate:
            self.driver.wake(attach.incident)
        return self._received(alert, decided, accepted, accepted.incident)

    def _remember(self, key: tuple[str, ...], episode: str) -> None:
        self._stored[key] = episode
        if len(self._stored) > REMEMBERED:
            del self._stored[next(iter(self._stored))]

    def triage(self, alert: Alert) -> Triage:
        """Say what would be done about an alert, and why. No effect."""
        return self.intake(alert, self.world.now())[1]

    def intake(self, alert: Alert, now: datetime, belongs: tuple[str, str] | None = None) -> tuple[Alert, Triage]:
        """The alert as it would be recorded, and what would be done about it. No effect."""
        known = self._known_incidents(alert)
        if belongs is not None:
            incident, why = belongs
            known.append(replace(_of_row(self.world.store.incident(incident)), belongs=why))
        return take_in(alert, self.here(), known, now)

    def here(self) -> Here:
        """What an alert meets here."""
        banks = self.world.organisation.trusted_banks
        return Here(tuple(self.shelf.startable()), lambda name: self.world.definitions(self.shelf.plan(name)), banks)

    async def start_for_alert(self, alert_id: int, playbook: str, why: str, person: Person) -> str:
        """A person chooses the playbook for an alert that triage did not start."""
        alert, said = self.unassigned(alert_id, person)
        facts, left_out = run_requests.facts_from(alert, playbook, self.here())
        about, run = (alert, alert_id, tuple(dict.fromkeys((*said, *left_out)))), run_requests.run_of(alert, playbook)
        return await self.open(playbook, facts, alert.title, why, person, about=about, flow_run_id=run)

    def unassigned(self, alert_id: int, person: Person) -> tuple[Alert, tuple[str, ...]]:
        """A stored alert of no incident, and what was said of it. Raises NotFound, or Refused where it has one."""
        rows = self.world.store.rows(AlertRow, table(AlertRow).c.id == alert_id)
        if not rows:
            raise NotFound(
                Problem(code="A201", message=f"there is no alert {alert_id}", do="`firedoor alert list` shows them")
            )
        if rows[0]["incident"]:
            readers = self.world.store.incident(rows[0]["incident"])["readers"]
            where = rows[0]["incident"] if may_read(readers, person) else "an incident for those who need to know"
            message = f"the alert {alert_id} belongs to {where}"
            raise Refused(Problem(code="A202", message=message, do="work on that incident"))
        alert = stored(orjson.loads(rows[0]["body"]))
        return alert, tuple(orjson.loads(rows[0]["reasons"]))

    async def ask_to_open(
        self, playbook: str | Path, facts: JsonObject, title: str, why: str, flow_run_id: str
    ) -> None:
        """Leave it to a responder whether a run that was started in Prefect opens an incident; once for each run."""
        plan, now = await asyncio.to_thread(self.shelf.plan, playbook), self.world.now()
        alert = as_received(run_requests.asked(plan, facts, title, why, flow_run_id, now), now)
        said = start_checks.told(self.world, plan, facts)
        new = NewAlert(
            source=alert.source, fingerprint=alert.fingerprint, episode=alert.stored_episode,
            raw_sha256=alert.raw_sha256, body=alert.record(), decision=str(Decision.ASK),
            reasons=(run_requests.ASKED, *said, *alert.notes), content=alert.content,
            changed_episode=alert.changed_episode,
        )  # fmt: skip
        await asyncio.wrap_future(self.world.store.accept_alert(new, None, now))

    # -- incidents -------------------------------------------------------------------------------

    async def open(  # noqa: PLR0913 - what a start may say, and from where it comes
        self, playbook: str | Path, facts: Mapping[str, object], title: str, why: str, person: Person, *,
        about: tuple[Alert, int, tuple[str, ...]] | None = None, flow_run_id: str | None = None,
        anyway: str = "", practice: bool = False, mark: str = "",
    ) -> str:  # fmt: skip
        """Open an incident by hand; with `flow_run_id` it is shown as that run of Prefect.

        `practice` labels it and keeps it out of the figures; what it does is done all the same.
        `about` is the stored alert that a person starts it for, with its number and what was said of it.
        Raises InvalidInput with every problem, those of the dry run included unless `anyway` says why it starts all
        the same; nothing is half made.
        """
        plan = await asyncio.to_thread(self.shelf.plan, playbook)
        definitions = self.world.definitions(plan)
        read = read_all if about else read_given  # what an alert tells was read when it came in
        values = {name: write(value) for name, value in read(definitions, facts, self.world.now()).items()}
        _required(plan, values)
        alert, alert_id, reasons = about or (None, None, ())
        in_spite = None if about else start_checks.allowed(self.checked(plan, values), anyway)
        said = values.get("severity") or (alert.severity if alert else None)
        opening = Opening(
            plan=plan, title=title or plan.title, why=why, actor=person.actor,
            severity=Severity(str(said)) if said else None, facts=values, alert=alert, reasons=reasons,
            in_spite=in_spite, practice=practice, mark=mark,
        )  # fmt: skip
        await asyncio.to_thread(self.world.store.keep_plan, plan, self.world.now())
        new = replace(new_incident(self.world, opening), flow_run_id=flow_run_id)
        entries = await asyncio.wrap_future(self.world.store.open_incident(new, self.world.now(), alert_id))
        if flow_run_id is None or about:  # a script's own run conducts what it has opened
            self.driver.accepted(entries[0].incident, entries)
        return entries[0].incident

    def checked(self, plan: Plan, facts: JsonObject) -> StartChecks:
        """What the checks of a start say about a plan with these facts; the dry run shows the same. No effect."""
        view = IncidentView("INC", type=plan.incident, title=plan.title, playbook=plan.playbook, facts=dict(facts))
        return start_checks.start_checks(self.world, plan, view, self.world.definitions(plan))

    async def answer(
        self, incident: str, task: str, answer: Answer, person: Person, *, beside: Sequence[Draft] = ()
    ) -> IncidentView:
        """Answer a task. Raises NotFound, Refused, NotPermitted or InvalidInput; then nothing was changed.

        `beside` are entries that stand with the answer or not at all, such as the digest of what it came by.
        """
        definitions = await self._definitions(incident)
        answer, frozen = await self.with_text(incident, task, answer, person)
        kept = (*beside, *frozen)
        return await self._write(
            incident, lambda view: [*kept, *answer_task(view, task, answer, person, definitions, self.world.now())]
        )

    async def set_facts(self, incident: str, values: Mapping[str, object], why: str, person: Person) -> IncidentView:
        """Correct or add facts; conditions not yet settled and clocks are worked out anew."""
        definitions = await self._definitions(incident)
        return await self._write(
            incident, lambda view: set_facts(view, values, why, person, definitions, self.world.now())
        )

    async def submit(
        self, incident: str, clock: str, fields: Mapping[str, str], why: str, person: Person
    ) -> IncidentView:
        """Record that what a clock asks for was sent, with the reference that proves it and the text as it was sent."""
        given, kept = await self.freeze(incident, clock, fields, person)
        return await self._write(
            incident, lambda view: [*kept, *submit_clock(view, clock, given, why, person, self.world.now())]
        )

    async def ask_for_time(
        self, incident: str, clock: str, asked: MoreTime, person: Person, *, pause: bool
    ) -> IncidentView:
        """Ask for an extension or a pause of a clock; somebody else must agree to it."""
        ask, roles = pause_clock if pause else extend_clock, (await self.plan_of(incident)).roles
        return await self._write(incident, lambda view: ask(view, clock, asked, person, roles, self.world.now()))

    async def resume(self, incident: str, clock: str, why: str, person: Person) -> IncidentView:
        """End a pause of a clock now."""
        return await self._write(incident, lambda view: resume_clock(view, clock, why, person, self.world.now()))

    async def view(self, incident: str) -> IncidentView:
        """The incident as its journal tells it now. Raises NotFound."""
        return await asyncio.to_thread(self.world.view, incident)

    async def plan_of(self, incident: str) -> Plan:
        """The plan that the incident is pinned to."""
        view = await self.view(incident)
        return await asyncio.to_thread(self.world.store.plan, view.plan_digest)

    # -- inside ----------------------------------------------------------------------------------

    async def _write(self, incident: str, decide: Callable[[IncidentView], Sequence[Draft]]) -> IncidentView:
        """Decide on what the journal says, write, and decide anew when somebody else wrote first."""
        for _ in range(ATTEMPTS):
            view = await self.view(incident)
            drafts = decide(view)
            if not drafts:
                return view
            drafts = [*drafts, *start_checks.of_change(self.world, view, drafts)]
            try:
                future = self.world.store.append(incident, drafts, self.world.now(), expect=view.head.seq)
                await asyncio.wrap_future(future)
            except Conflict:
                continue
            self.driver.wake(incident)
            return await self.view(incident)
        raise Refused(Problem(code="S105", message=f"{incident} is being written to by many at once", do="try again"))

    async def _definitions(self, incident: str) -> Mapping[str, FactDefinition]:
        return self.world.definitions(await self.plan_of(incident))

    def _received(self, alert: Alert, decided: Triage, accepted: Accepted, incident: str | None) -> Received:
        if accepted.duplicate:
            reason = f"Delivered {accepted.deliveries} times; the first delivery decided."
            return Received("duplicate", accepted.incident, (reason,), alert.fingerprint, accepted.deliveries)
        return Received(str(decided.decision), incident, decided.reasons, alert.fingerprint)

    @staticmethod
    def _attachment(alert: Alert, decided: Triage) -> Attachment | None:
        if decided.decision is not Decision.ATTACH or not decided.incident:
            return None
        return Attachment(decided.incident, alert_entry(alert, decided.reasons, decided.facts))

    def _known_incidents(self, alert: Alert) -> list[KnownIncident]:
        """The incidents that share the fingerprint or a place with the alert, closed ones included."""
        incidents, alerts = table(IncidentRow).c, table(AlertRow).c
        places = [place for place in (alert.endpoint, alert.model, alert.dataset) if place]
        alike = alerts.fingerprint == alert.fingerprint
        for column in (alerts.endpoint, alerts.model, alerts.dataset) if places else ():
            alike |= column.in_(places)
        # Of other detections only the place counts: a storm at one endpoint is one row an incident, not thousands.
        fingerprint = case((alerts.fingerprint == alert.fingerprint, alerts.fingerprint), else_="")
        query = (
            select(incidents.id, incidents.type, incidents.opened_at, incidents.closed_at, incidents.severity,
                   incidents.playbook, fingerprint.label("fingerprint"), alerts.endpoint, alerts.model, alerts.dataset)
            .join(table(IncidentRow), alerts.incident == incidents.id).where(alike).distinct()
            .order_by(incidents.opened_at, incidents.id)
        )  # fmt: skip
        with self.world.store.engine.connect() as connection:
            rows = connection.execute(query).all()
        of_one: dict[str, list[Row[*tuple[Any, ...]]]] = {}
        for row in rows:
            of_one.setdefault(row.id, []).append(row)
        failed: dict[str, Fault] = {}
        found = list(each(of_one.values(), _known, failed, lambda same: str(same[0].id)))
        for incident, fault in failed.items():  # its row is odd; no alert is lost over that
            log.error("%s cannot be compared with an alert: %s", incident, fault.words)
        return found


def _known(rows: Sequence[Row[*tuple[Any, ...]]]) -> KnownIncident:
    first = rows[0]
    return KnownIncident(
        id=first.id, incident_type=IncidentType(first.type), open=first.closed_at is None,
        opened_at=datetime.fromisoformat(first.opened_at), playbook=first.playbook,
        severity=None if first.severity == UNSAID else Severity(first.severity),
        fingerprints=frozenset(row.fingerprint for row in rows if row.fingerprint),
        places=frozenset(place for row in rows for place in (row.endpoint, row.model, row.dataset) if place),
    )  # fmt: skip


def _of_row(row: Mapping[str, Any]) -> KnownIncident:
    severity = None if row["severity"] == UNSAID else Severity(row["severity"])
    return KnownIncident(
        id=row["id"], incident_type=IncidentType(row["type"]), open=row["closed_at"] is None,
        opened_at=datetime.fromisoformat(row["opened_at"]), playbook=row["playbook"], severity=severity,
    )  # fmt: skip


def _delivery(alert: Alert) -> tuple[str, ...]:
    """What two true copies of one delivery share."""
    return alert.source, alert.fingerprint, alert.stored_episode, alert.content


def _required(plan: Plan, values: Mapping[str, object]) -> None:
    problems = [
        Problem(
            code="F102",
            field=fact.name,
            message=f"{fact.name} is needed to start {plan.playbook}",
            do=f"{fact.ask} --fact {fact.name}=...",
        )
        for fact in plan.facts
        if fact.required and values.get(fact.name) is None
    ]
    if problems:
        raise InvalidInput(problems)
