"""A delivery read through a mapping: which items it holds, and the alert that each makes.

Decides what is an alert and what is not, that what cannot be read in a field that may be left out is left out with a
note, and that an item which cannot be one loses none of its neighbours. Leaves the form of a mapping to `mapping`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import partial
from zoneinfo import ZoneInfo

from firedoor.alerts import foreign
from firedoor.alerts.bodies import read_payloads
from firedoor.alerts.detection import TEXTS, Envelope, read_detection
from firedoor.alerts.expressions import everything
from firedoor.alerts.foreign import Reading, scalar, within
from firedoor.alerts.foreign_times import moment
from firedoor.alerts.mapping import Condition, GenericMapping
from firedoor.alerts.paths import Delivered, said
from firedoor.alerts.source import AlertSource, Headers, Read, body_digest, readable
from firedoor.core.alerts.alert import MAXIMUM_ITEMS, MAXIMUM_NOTES, Alert, Method
from firedoor.core.alerts.signatures import FIREDOOR
from firedoor.core.json_types import Json
from firedoor.core.language.json_fields import Fields
from firedoor.core.language.json_payload import one_line
from firedoor.core.lifecycle import IncidentType
from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.severity import Severity

MAXIMUM_DETECTIONS = 500
NUMBERS = (*foreign.FRACTIONS, *foreign.WHOLES)
KINDS = ("data_categories", "entity_types")
LISTS = (*KINDS, "locators")  # take everything that a path finds


def mapped_source(mapping: GenericMapping) -> AlertSource:
    """Return the source that a mapping makes."""
    signature = mapping.signature or (FIREDOOR if "hmac" in mapping.authentication else None)
    return AlertSource(
        id=mapping.source, title=mapping.title or mapping.source, content_types=mapping.content_types,
        authentication=mapping.authentication, signature=signature, key_header=mapping.key_header,
        parse=partial(_parse, mapping), examples=(),
    )  # fmt: skip


def _parse(mapping: GenericMapping, body: bytes, headers: Headers) -> tuple[Alert, ...]:
    items = list(_items(mapping, mapped_source(mapping), body, headers))
    if len(items) > MAXIMUM_DETECTIONS:
        message = f"holds more than {MAXIMUM_DETECTIONS} alerts"
        raise InvalidInput(
            Problem(code="D116", field=mapping.alerts_at or "(the body)", message=message, do="send fewer")
        )
    raw = body_digest(body)
    return readable([item if isinstance(item, Read) else _Item(mapping, item, raw).read() for item in items])


def _items(mapping: GenericMapping, source: AlertSource, body: bytes, headers: Headers) -> Iterator[Delivered | Read]:
    """What may be alerts: the body, the items of its array, or one on each line; or why a line is none."""
    for payload in read_payloads(source, body, headers, mapping.form_field):
        if isinstance(payload, Problem):
            yield Read(None, (payload,))
            continue
        yield from (Delivered(one, payload, headers) for one in _inner(mapping, payload, headers))


def _inner(mapping: GenericMapping, payload: Json, headers: Headers) -> list[Json]:
    found = (
        [payload] if mapping.alerts_at is None else everything(Delivered(payload, payload, headers), mapping.alerts_at)
    )
    if not found:
        message, do = "holds no alerts", "compare the mapping with the body: the path leads nowhere"
        raise InvalidInput(Problem(code="D116", field=mapping.alerts_at or "(the body)", message=message, do=do))
    return [inner for one in found for inner in (one if isinstance(one, list) else (one,))]


class _Item:
    """One item of a payload, while an alert is made of it."""

    def __init__(self, mapping: GenericMapping, delivered: Delivered, raw: str) -> None:
        self.mapping, self.delivered, self.raw = mapping, delivered, raw
        self.reading = Reading(mapping.fields)

    def read(self) -> Read:
        """The alert; neither alert nor problem where the item says that nothing was detected."""
        if not self._detected():
            return Read(None)
        flat = {name: self._value(name, expression) for name, expression in self.mapping.fields.items()}
        if all(not everything(self.delivered, expression) for expression in self.mapping.fields.values()):
            do = "compare the mapping with the body"
            message = "has none of the fields that the mapping names"
            return Read(None, (Problem(code="D110", field="(an alert)", message=message, do=do),))
        if flat["id"] is None:
            self.reading.notes.append("No id was sent, so the same delivery again counts as a copy.")
        given = self._first("severity")
        severity = foreign.severity(given, self.mapping.severities, self.reading)
        flat["labels"] = self._labels()
        if any(self._holds(path, wanted) for path, wanted in self.mapping.minor_when.items()):
            flat["possible_minor"] = "yes"
        constants = {
            name: foreign.number(name, value) if name in NUMBERS and scalar(value) else value
            for name, value in self.mapping.constants.items()
            if flat.get(name) is None
        }
        if severity is not None:
            constants.pop("severity", None)
        return self._alert({**flat, **constants}, severity, given)

    def _alert(self, flat: dict[str, object], severity: Severity | None, given: Json) -> Read:
        """Read our form; what is wrong in a field that may be left out becomes a note."""
        raw = one_line(said(given), 64) if scalar(given) and given != "" else None
        defaults = {"severity": severity, "severity_raw": raw}
        wrong: list[Problem] = []
        for _ in range(len(flat) + 1):
            notes = tuple(self.reading.notes)[:MAXIMUM_NOTES]
            envelope = Envelope(
                self.mapping.source, self.raw, identity=self._identity(), defaults={**defaults, "notes": notes}
            )
            wrong = []
            alert = read_detection(Fields(flat, "", wrong), envelope)
            if alert is not None:
                kept = tuple(dict.fromkeys((*notes, *alert.notes)))[:MAXIMUM_NOTES]
                return Read(alert.model_copy(update={"notes": kept}))
            for problem in wrong:
                name = (problem.field or "").partition(".")[0].partition("[")[0]
                if flat.pop(name, None) is not None:
                    self.reading.note(name, problem.message)
        return Read(None, tuple(wrong))

    def _identity(self) -> str:
        """What stands for an id that was not sent, or that cannot be one."""
        return hashlib.sha256(json.dumps(self.delivered.item, sort_keys=True).encode()).hexdigest()

    def _detected(self) -> bool:
        """Whether every condition holds; one over which the payload is silent holds, and a note says so."""
        for path, wanted in self.mapping.alert_when.items():
            held = self._holds(path, wanted)
            if held is None:
                why = f"It does not say {one_line(path, 60)}, by which the mapping tells what is an alert: it counts."
                self.reading.notes.append(why)
            elif not held:
                return False
        return True

    def _holds(self, path: str, wanted: Condition) -> bool | None:
        """Whether one of the values at a path is what is wanted; None where the payload is silent."""
        found = [one for one in everything(self.delivered, path) if scalar(one)]
        return any(_is(one, wanted) for one in found) if found else None

    def _first(self, name: str) -> Json:
        expression = self.mapping.fields.get(name)
        return None if expression is None else next(iter(everything(self.delivered, expression)), None)

    def _value(self, name: str, expression: str) -> Json:
        """The value of one of our fields, with its type."""
        found, mapping = everything(self.delivered, expression), self.mapping
        value = next(iter(found), None)
        if name in LISTS:
            return self._list(name, found)
        if name == "severity" or value is None:
            return None
        if name == "id":
            return _identifier(value)
        if name == "occurred_at":
            zone = ZoneInfo(mapping.zone) if mapping.zone else None
            return moment(value, mapping.instants, mapping.time_formats, zone, self.reading)
        if name == "status":
            return foreign.status(value, mapping.statuses, self.reading)
        if name == "incident":
            return foreign.one_of(name, found, mapping.incidents, list(IncidentType), self.reading)
        if name == "method":
            return foreign.one_of(name, found, {}, list(Method), self.reading)
        if name in NUMBERS:
            return foreign.number(name, value)
        return foreign.text(name, value) if name not in TEXTS else value

    def _list(self, name: str, found: list[Json]) -> Json:
        flat = [inner for one in found for inner in (one if isinstance(one, list) else (one,))]
        if name in KINDS:
            return list(foreign.identifiers(name, flat, self.reading))[:MAXIMUM_ITEMS] or None
        return list(dict.fromkeys(said(one) for one in flat if scalar(one)))[:MAXIMUM_ITEMS] or None

    def _labels(self) -> dict[str, str]:
        found = {name: everything(self.delivered, written) for name, written in self.mapping.labels.items()}
        return {name: one_line(said(one[0]), 256) for name, one in found.items() if one and scalar(one[0])}


def _identifier(value: Json) -> Json:
    """What tells one detection from another; one that is too long for a name by its digest."""
    text = said(value) if scalar(value) else ""
    return text if len(text) <= 256 else hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _is(value: Json, wanted: Condition) -> bool:
    """Whether a value is the one that is wanted, one of several, or in a range such as 2.. ."""
    if isinstance(wanted, tuple):
        return any(_is(value, one) for one in wanted)
    if isinstance(wanted, str) and foreign.RANGE.fullmatch(wanted):
        level = foreign.number("score", value)
        return not isinstance(level, bool) and isinstance(level, (int, float)) and within(level, wanted)
    return said(value).lower() == said(wanted).lower()
