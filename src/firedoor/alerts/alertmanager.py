"""Prometheus Alertmanager: the webhook of version 4, each alert of the group by itself.

Decides which labels and annotations tell Firedoor what (docs/how-to/send-alerts.md lists them).
An alert is known again by its labels, as in Prometheus; a new `startsAt` is a new episode. Of
the annotations only `summary` is read, as the title, and those named here; a description may
quote an output and is dropped. A label that cannot be read becomes a note on the alert and not
a refusal: Alertmanager does not send again what was answered with 4xx, and the detection would be lost.
Leaves it to triage that "resolved" never closes an incident.
"""

from __future__ import annotations

from firedoor.alerts.items import read_item
from firedoor.alerts.source import AlertSource, Example, Headers, body_digest, make_alert, open_json, readable
from firedoor.core.alerts.alert import HASH_LENGTHS, MAXIMUM_LABELS, Alert, Method, severity_of
from firedoor.core.canonical import digest
from firedoor.core.language.json_fields import Fields
from firedoor.core.language.json_payload import bounded, one_line
from firedoor.core.lifecycle import IncidentType
from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.ternary import UNKNOWN, Ternary

MAXIMUM_ALERTS = 500  # of one delivery; Alertmanager's max_alerts can bound it at the sender


def parse(body: bytes, headers: Headers) -> tuple[Alert, ...]:
    """Read one delivery. Raises InvalidInput."""
    problems: list[Problem] = []
    delivery = Fields(open_json(SOURCE, body, headers), "", problems)
    if delivery.text("version", required=True) not in (None, "4"):
        delivery.problem("D118", "version", "is not 4", "use an Alertmanager from 0.16 on")
    truncated = delivery.whole("truncatedAlerts") or 0
    note = f"The sender left out {truncated} further alerts of this group (max_alerts): look them up there."
    items = delivery.array("alerts", MAXIMUM_ALERTS, required=True)
    if truncated and not items and not problems:
        delivery.problem("D119", "alerts", f"is empty; {truncated} were left out", "raise max_alerts at the sender")
    raw, notes = body_digest(body), (note,) if truncated else ()
    if problems:
        raise InvalidInput(bounded(problems))
    return readable(
        [read_item(item, f"alerts[{index}]", lambda one: _alert(one, raw, notes)) for index, item in enumerate(items)]
    )


def _alert(item: Fields, raw: str, notes: tuple[str, ...]) -> Alert | None:
    labels = _texts(item, "labels")
    hints = {**_texts(item, "annotations", required=False), **labels}
    if not labels and not item.problems:
        item.problem("D110", "labels", "has no label to tell it from other alerts", "send at least alertname")
    starts = item.moment("startsAt", required=True)
    status = item.word("status", ("firing", "resolved")) or "firing"
    reader = _Hints(hints)
    values = {
        "incident_type": reader.word("firedoor_incident", [kind.value for kind in IncidentType]),
        "method": reader.word("firedoor_method", [method.value for method in Method]),
        "possible_minor": reader.word("firedoor_possible_minor", [answer.value for answer in Ternary]) or UNKNOWN,
        **{field: reader.name(label) for field, label in _NAMES.items()},
        "case_status": one_line(hints.get("firedoor_case_status", ""), 128) or None,
        "review_state": one_line(hints.get("firedoor_review_state", ""), 64) or None,
        "match_algorithm": reader.word("firedoor_match_algorithm", list(HASH_LENGTHS)),
        "match_distance": reader.whole("firedoor_match_distance", 4096),
        "match_quality": reader.whole("firedoor_match_quality", 100),
        "severity": reader.severity(), "severity_raw": one_line(hints.get("severity", ""), 64) or None,
    }  # fmt: skip
    return make_alert(
        item.problems, item.path, **values,
        source=SOURCE.id, source_id=item.text("fingerprint") or digest(labels)[:16],
        fingerprint=digest([SOURCE.id, labels]),
        episode=starts.isoformat() if starts else "", occurred_at=starts, status=status,
        title=_title(hints), labels=_bounded(labels), notes=(*notes, *reader.notes)[:20], raw_sha256=raw,
    )  # fmt: skip


_NAMES = {
    "model": "model", "dataset": "dataset", "endpoint": "firedoor_endpoint", "detector": "detector",
    "bank": "firedoor_bank",
}  # fmt: skip


class _Hints:
    """Reads our words out of labels; what cannot be read becomes a note."""

    def __init__(self, hints: dict[str, str]) -> None:
        self.hints = hints
        self.notes: list[str] = []

    def word(self, label: str, known: list[str]) -> str | None:
        given = self.hints.get(label, "").strip()
        if given and given not in known:
            self.notes.append(f"The label {label} is not one of: {', '.join(known)}. It was not used.")
            return None
        return given or None

    def name(self, label: str) -> str | None:
        return one_line(self.hints.get(label, ""), 256) or None

    def whole(self, label: str, highest: int) -> int | None:
        given = self.hints.get(label, "").strip()
        if not given:
            return None
        if not (given.isascii() and given.isdigit()) or len(given) > 9 or int(given) > highest:
            self.notes.append(f"The label {label} is not a whole number from 0 to {highest}. It was not used.")
            return None
        return int(given)

    def severity(self) -> str | None:
        given = self.hints.get("severity", "")
        read = severity_of(given)
        if given and read is None:
            self.notes.append("The label severity is not a word that is known; the severity is unknown.")
        return read


def _texts(item: Fields, name: str, *, required: bool = True) -> dict[str, str]:
    inner = item.object(name, required=required)
    if inner is None:
        return {}
    for key, value in inner.value.items():
        if not isinstance(value, str):
            inner.problem("D111", key, "must be a string", "Prometheus labels and annotations are strings")
    return {key: value for key, value in inner.value.items() if isinstance(value, str)}


def _title(hints: dict[str, str]) -> str:
    names = (one_line(hints.get(name, ""), 200) for name in ("summary", "alertname"))
    return next(filter(None, names), "Alert without a name")


def _bounded(labels: dict[str, str]) -> dict[str, str]:
    kept = sorted(labels)[:MAXIMUM_LABELS]
    return {one_line(name, 128) or "_": one_line(labels[name], 256) for name in kept}


SOURCE = AlertSource(
    id="alertmanager",
    title="Prometheus Alertmanager",
    content_types=("application/json",),
    authentication=("bearer",),
    parse=parse,
    examples=(Example("alertmanager.json", "Two firing alerts and one resolved, in one group"),),
    retries="sends again on 5xx and on connection errors, not on 4xx; repeats a firing group every repeat_interval",
)
