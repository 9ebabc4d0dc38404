"""What people and detectors can ask of Firedoor, as one set of calls.

Decides the order of things: read, decide in the core, write in one transaction,
then wake the driver. The command line and the HTTP API are thin skins over this
class and hold no rule of their own. Leaves who is asking to them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import select

from firedoor.alerts.registry import sources
from firedoor.alerts.source import AlertSource
from firedoor.core.alert import Alert
from firedoor.core.banks import judged
from firedoor.core.facts import read_all, write
from firedoor.core.incident import IncidentType
from firedoor.core.journal import Draft
from firedoor.core.need_to_know import may_read
from firedoor.core.operations import Plan
from firedoor.core.people import (
    Answer,
    MoreTime,
    Person,
    answer_task,
    extend_clock,
    pause_clock,
    resume_clock,
    set_facts,
    submit_clock,
)
from firedoor.core.problems import InvalidInput, NotFound, Problem, Refused, nearest
from firedoor.core.severity import Severity
from firedoor.core.triage import Decision, KnownIncident, Triage, triage
from firedoor.core.view import IncidentView
from firedoor.runtime.corresponding import Corresponding
from firedoor.runtime.driver import Driver
from firedoor.runtime.links import Linking
from firedoor.runtime.opening import Opening, alert_entry, new_incident, usable_facts
from firedoor.runtime.precedence import containment
from firedoor.runtime.shelf import Shelf
from firedoor.runtime.world import World
from firedoor.store.journal import Accepted, Attachment, Conflict, NewAlert
from firedoor.store.projections import table
from firedoor.store.tables import AlertRow, IncidentRow

REMEMBERED = 10_000  # stored alerts that are recognised without asking the store
ATTEMPTS = 20  # how often a write that lost a race is decided anew


@dataclass(frozen=True, slots=True)
class Received:
    """What became of one alert of a delivery."""

    decision: str  # start, attach, ask, ignore or duplicate
    incident: str | None
    reasons: tuple[str, ...]
    fingerprint: str
    deliveries: int = 1


class Service(Corresponding, Linking):
    """The calls. Every one that changes something names the person or source that asks for it."""

    def __init__(
        self, world: World, driver: Driver, shelf: Shelf, known_sources: Mapping[str, AlertSource] | None = None
    ) -> None:
        self.world = world
        self.driver = driver
        self.shelf = shelf
        self.sources = known_sources if known_sources is not None else sources()
        self._stored: dict[tuple[str, str, str], None] = {}

    # -- alerts ----------------------------------------------------------------------------------

    def source(self, name: str) -> AlertSource:
        """A source of alerts by its id. Raises NotFound naming the nearest."""
        if name not in self.sources:
            raise NotFound(
                Problem(
                    code="D210", message=f'no source of alerts is called "{name[:60]}"', do=nearest(name, self.sources)
                )
            )
        return self.sources[name]

    async def receive(self, source: str, body: bytes, headers: Mapping[str, str]) -> list[Received]:
        """Take in a delivery. Returns when everything of it is on disk. Raises InvalidInput or NotFound."""
        with containment.urgent():
            alerts = self.source(source).parse(body, headers)
            return [await self.take_in(alert) for alert in alerts]

    async def take_in(self, alert: Alert) -> Received:
        """Take in one alert: known ones are counted, new ones are triaged."""
        alert = judged(alert, self.world.organisation.trusted_banks)
        key = (alert.source, alert.fingerprint, _episode(alert))
        # What this process has stored needs no triage; for all others the store itself finds the duplicates.
        decided = Triage(Decision.IGNORE, None, ("Delivered before.",)) if key in self._stored else self.triage(alert)
        opening = self._opening(alert, decided) if decided.decision is Decision.START else None
        if opening is not None and self.world.store.plan_at_hand(opening.plan.digest) is None:
            # Not in the loop: while the database is locked, everything else here must go on.
            await asyncio.to_thread(self.world.store.keep_plan, opening.plan, self.world.now())
        stored = NewAlert(
            source=alert.source, fingerprint=alert.fingerprint, episode=_episode(alert), raw_sha256=alert.raw_sha256,
            body=alert.record(), decision=str(decided.decision), reasons=decided.reasons,
        )  # fmt: skip
        new = new_incident(self.world, opening) if opening else None
        attach = self._attachment(alert, decided)
        accepted = await asyncio.wrap_future(self.world.store.accept_alert(stored, new, self.world.now(), attach))
        self._remember(key)
        if accepted.entries:
            self.driver.accepted(accepted.entries[0].incident, accepted.entries)
        elif attach and not accepted.duplicate:
            self.driver.wake(attach.incident)
        return self._received(alert, decided, accepted, accepted.incident)

    def _remember(self, key: tuple[str, str, str]) -> None:
        self._stored[key] = None
        if len(self._stored) > REMEMBERED:
            del self._stored[next(iter(self._stored))]

    def triage(self, alert: Alert) -> Triage:
        """Say what would be done about an alert, and why. No effect."""
        return triage(alert, self.shelf.startable(), self._known_incidents(alert))

    async def start_for_alert(self, alert_id: int, playbook: str, why: str, person: Person) -> str:
        """A person chooses the playbook for an alert that triage did not start."""
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
        alert = Alert.model_validate(orjson.loads(rows[0]["body"]))
        facts, _ = usable_facts(self.shelf.facts_for(alert, playbook), self.shelf.plan(playbook).definitions())
        return await self.open(playbook, facts, alert.title, why, person, alert=alert, alert_id=alert_id)

    # -- incidents -------------------------------------------------------------------------------

    async def open(  # noqa: PLR0913 - what an incident is opened with, by name
        self, playbook: str | Path, facts: Mapping[str, Any], title: str, why: str, person: Person, *,
        alert: Alert | None = None, alert_id: int | None = None, flow_run_id: str | None = None,
    ) -> str:  # fmt: skip
        """Open an incident by hand, or for a flow run, which then drives it itself.

        Raises InvalidInput with every problem; nothing is half made.
        """
        plan = await asyncio.to_thread(self.shelf.plan, playbook)
        definitions = self.world.definitions(plan)
        values = {name: write(value) for name, value in read_all(definitions, facts).items()}
        _required(plan, values)
        opening = Opening(
            plan=plan, title=title or plan.title, why=why, actor=person.actor,
            severity=Severity(values.get("severity") or (alert and alert.severity) or Severity.MEDIUM),
            facts=values, alert=alert,
        )  # fmt: skip
        await asyncio.to_thread(self.world.store.keep_plan, plan, self.world.now())
        new = replace(new_incident(self.world, opening), flow_run_id=flow_run_id)
        entries = await asyncio.wrap_future(self.world.store.open_incident(new, self.world.now(), alert_id))
        if flow_run_id is None:
            self.driver.accepted(entries[0].incident, entries)
        return entries[0].incident

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

    async def set_facts(self, incident: str, values: Mapping[str, Any], why: str, person: Person) -> IncidentView:
        """Correct or add facts; conditions not yet settled and clocks are worked out anew."""
        definitions = await self._definitions(incident)
        return await self._write(incident, lambda view: set_facts(view, values, why, person, definitions))

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
            try:
                future = self.world.store.append(incident, drafts, self.world.now(), expect=view.head.seq)
                await asyncio.wrap_future(future)
            except Conflict:
                continue
            self.driver.wake(incident)
            return await self.view(incident)
        raise Refused(Problem(code="S105", message=f"{incident} is being written to by many at once", do="try again"))

    async def _definitions(self, incident: str) -> Mapping[str, Any]:
        return self.world.definitions(await self.plan_of(incident))

    def _opening(self, alert: Alert, decided: Triage) -> Opening:
        plan = self.shelf.plan(decided.playbook or "")
        given = (
            {**decided.facts, "minor": "yes"}
            if decided.legal_branch and "minor" in plan.definitions()
            else decided.facts
        )
        facts, left_out = usable_facts(given, plan.definitions())
        return Opening(
            plan=plan, title=alert.title or plan.title, why="; ".join(decided.reasons), actor=f"source:{alert.source}",
            severity=alert.severity or Severity.MEDIUM, facts=facts, alert=alert, reasons=(*decided.reasons, *left_out),
        )  # fmt: skip

    def _received(self, alert: Alert, decided: Triage, accepted: Accepted, incident: str | None) -> Received:
        if accepted.duplicate:
            reason = f"Delivered {accepted.deliveries} times; the first delivery decided."
            return Received("duplicate", accepted.incident, (reason,), alert.fingerprint, accepted.deliveries)
        return Received(str(decided.decision), incident, decided.reasons, alert.fingerprint)

    @staticmethod
    def _attachment(alert: Alert, decided: Triage) -> Attachment | None:
        if decided.decision is not Decision.ATTACH or not decided.incident:
            return None
        return Attachment(decided.incident, alert_entry(alert, decided.reasons))

    def _known_incidents(self, alert: Alert) -> list[KnownIncident]:
        """The incidents that share the fingerprint or a place with the alert, closed ones included."""
        incidents, alerts = table(IncidentRow).c, table(AlertRow).c
        places = [place for place in (alert.endpoint, alert.model, alert.dataset) if place]
        alike = alerts.fingerprint == alert.fingerprint
        for column in (alerts.endpoint, alerts.model, alerts.dataset) if places else ():
            alike |= column.in_(places)
        query = (
            select(incidents.id, incidents.type, incidents.opened_at, incidents.closed_at, incidents.severity,
                   alerts.fingerprint, alerts.endpoint, alerts.model, alerts.dataset)
            .join(table(IncidentRow), alerts.incident == incidents.id).where(alike)
        )  # fmt: skip
        with self.world.store.engine.connect() as connection:
            rows = connection.execute(query).all()
        of_one: dict[str, list[Any]] = {}
        for row in rows:
            of_one.setdefault(row.id, []).append(row)
        return [_known(found) for found in of_one.values()]


def _known(rows: Sequence[Any]) -> KnownIncident:
    first = rows[0]
    return KnownIncident(
        id=first.id, incident_type=IncidentType(first.type), open=first.closed_at is None,
        opened_at=datetime.fromisoformat(first.opened_at), severity=Severity(first.severity),
        fingerprints=frozenset(row.fingerprint for row in rows),
        places=frozenset(place for row in rows for place in (row.endpoint, row.model, row.dataset) if place),
    )  # fmt: skip


def _episode(alert: Alert) -> str:
    """The end of an episode is a delivery of its own: it is recorded, and closes nothing."""
    return f"{alert.episode or ''}{'#resolved' if alert.status == 'resolved' else ''}"


def _required(plan: Plan, values: Mapping[str, Any]) -> None:
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
