"""The counts that /metrics publishes.

Decides their names: gauges of what stands open, so that an outside watcher sees a clock
run out or a loop fall silent without knowing anything about the incident. An incident that only some need to know about
is counted as `restricted`, and tells neither its type nor its state nor its roles; clocks and alerts are totals of the
house. Practice is counted as `practice` among incidents, tasks and holds, and in nothing that somebody is woken by.
Leaves the text format 0.0.4 to Prometheus's own library, which Prefect brings along.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector
from sqlalchemy import Column, ColumnElement, Connection, Select, case, func, literal_column, select
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlmodel import SQLModel

from firedoor.core.incident.view import SETTLED_CLOCKS
from firedoor.core.isolated import Fault, each
from firedoor.runtime.process.application import Runtime
from firedoor.store.database.sql import table, text_of
from firedoor.store.database.tables import AlertRow, ClockRow, HoldRow, IncidentRow, TaskRow
from firedoor.store.incidents.set_aside import how_many

log = logging.getLogger(__name__)
Sample = tuple[Mapping[str, str], float]
Gauge = tuple[str, str, Callable[[], list[Sample]]]  # its name, what it is, how it is counted
PRACTICE: ColumnElement[str] = literal_column("'practice'")
# The type of an incident that not every reader may read.
RESTRICTED: ColumnElement[str] = literal_column("'restricted'")


class Families(Collector):
    """Counts that were made for this answer; nothing is kept from one to the next."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self.families = tuple(families)

    def collect(self) -> Iterable[Metric]:
        """What the library writes."""
        return self.families


def metrics_text(runtime: Runtime) -> bytes:
    """Return every count. One that cannot be made is left out, and named."""
    now, failed = runtime.world.now(), dict[str, Fault]()
    with runtime.world.store.engine.connect() as connection:
        made = list(each(_gauges(connection, runtime, now), _gauge, failed, lambda one: one[0]))
    for name, fault in failed.items():
        log.error("%s cannot be counted: %s", name, fault.words)
    counted = [({"what": what}, float(count)) for what, count in runtime.holding.counts.items()]
    refused = [
        ({"source": source, "quota": quota}, float(n)) for (source, quota), n in runtime.service.quotas.refused.items()
    ]
    lacking = "Counts that are missing here because they cannot be made."
    held = "Looks of this process at held targets, and what came of them."
    spent = "Deliveries of this process that were refused because their source has used up a quota."
    made.append(_gauge(("firedoor_not_counted", lacking, lambda: [({"name": name}, 1.0) for name in failed])))
    counters = [("firedoor_hold_events_total", held, counted), ("firedoor_alerts_refused_total", spent, refused)]
    made += [_filled(CounterMetricFamily(name, about), name, samples) for name, about, samples in counters]
    return generate_latest(Families(made))


def _filled(family: Metric, name: str, samples: Iterable[Sample]) -> Metric:
    for labels, value in samples:
        family.add_sample(name, dict(labels), value)
    return family


def _gauge(gauge: Gauge) -> Metric:
    name, about, count = gauge
    return _filled(GaugeMetricFamily(name, about), name, count())


def _gauges(connection: Connection, runtime: Runtime, now: datetime) -> Iterator[Gauge]:
    yield "firedoor_incidents", "Incidents by type and state.", lambda: _incidents(connection)
    yield "firedoor_alerts", "Detections by what was decided.", lambda: _counts(connection, AlertRow, "decision")
    yield "firedoor_alert_deliveries", "Deliveries of alerts, repeated ones included.", lambda: _deliveries(connection)
    yield "firedoor_open_tasks", "Tasks that wait, by role.", lambda: _open_tasks(connection)
    yield "firedoor_overdue_tasks", "Tasks that wait beyond their time.", lambda: _overdue_tasks(connection, now)
    yield "firedoor_clocks", "Clocks by state.", lambda: _clocks(connection)
    about = "Seconds until the next legal limit; negative when it has passed."
    yield "firedoor_next_limit_seconds", about, lambda: _next_limit(connection, now)
    about = "Incidents of which something could not be worked out and waits for a person."
    yield "firedoor_incidents_set_aside", about, lambda: [({}, how_many(connection))]
    about = "Targets that are held closed, by state."
    yield "firedoor_holds", about, lambda: _holds(connection)
    yield "firedoor_part_well", "Whether a part of this process is well.", lambda: _parts(runtime)


def _incidents(connection: Connection) -> list[Sample]:
    columns = table(IncidentRow).c
    told, state = (_shown(columns, one) for one in (columns.type, columns.state))
    query = select(told, state, func.count()).group_by(told, state)
    return [({"type": row[0], "state": row[1]}, row[2]) for row in connection.execute(query)]


def _counts(connection: Connection, row: type[SQLModel], name: str) -> list[Sample]:
    column = table(row).c[name]
    return [({name: found[0]}, found[1]) for found in connection.execute(select(column, func.count()).group_by(column))]


def _holds(connection: Connection) -> list[Sample]:
    """A target that practice holds is closed all the same; that it answers again wakes nobody."""
    holds, incidents = table(HoldRow).c, table(IncidentRow)
    state = case((incidents.c.practice, PRACTICE), else_=holds.state)
    joined = select(state, func.count()).outerjoin(incidents, incidents.c.id == holds.incident).group_by(state)
    return [({"state": row[0]}, row[1]) for row in connection.execute(joined)]


def _clocks(connection: Connection) -> list[Sample]:
    columns = table(ClockRow).c
    query = select(columns.state, func.count()).where(columns.incident.in_(_real())).group_by(columns.state)
    return [({"state": state}, count) for state, count in connection.execute(query)]


def _real() -> Select[str]:
    """The incidents that are no practice."""
    return select(table(IncidentRow).c.id).where(~table(IncidentRow).c.practice)


def _shown(incidents: ReadOnlyColumnCollection[str, Column[Any]], word: ColumnElement[str]) -> ColumnElement[str]:
    return case((incidents.practice, PRACTICE), (incidents.readers.is_(None), word), else_=RESTRICTED)


def _deliveries(connection: Connection) -> list[Sample]:
    columns = table(AlertRow).c
    query = select(columns.source, func.sum(columns.deliveries)).group_by(columns.source)
    return [({"source": row[0]}, row[1]) for row in connection.execute(query)]


def _open_tasks(connection: Connection) -> list[Sample]:
    columns, incidents = table(TaskRow).c, table(IncidentRow).c
    role = _shown(incidents, columns.role)  # a role can name the kind of incident
    joined = select(role, func.count()).join(table(IncidentRow), columns.incident == incidents.id)
    query = joined.where(columns.state == "open").group_by(role)
    return [({"role": row[0]}, row[1]) for row in connection.execute(query)]


def _overdue_tasks(connection: Connection, now: datetime) -> list[Sample]:
    columns = table(TaskRow).c
    late = (columns.state == "open") & (columns.due_at < text_of(now))
    query = select(func.count()).where(late & columns.incident.in_(_real()))
    return [({}, connection.execute(query).scalar_one())]


def _next_limit(connection: Connection, now: datetime) -> list[Sample]:
    """Nothing where no limit runs: a number would look like one. A row that holds no instant hides no other's."""
    columns = table(ClockRow).c
    running = columns.state.not_in(SETTLED_CLOCKS) & columns.incident.in_(_real())
    due = connection.execute(
        select(func.min(columns.due_at)).where(running & columns.due_at.like("____-__-__T%"))
    ).scalar()
    return [({}, (datetime.fromisoformat(due) - now).total_seconds())] if due else []


def _parts(runtime: Runtime) -> list[Sample]:
    parts = runtime.health()["parts"]
    return [({"part": name}, float(state in ("well", "off", "ready", "up"))) for name, state in parts.items()]
