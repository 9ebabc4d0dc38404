"""What further alerts add to an incident: a higher severity, more people, other targets, and what was not known yet.

Decides that what a person has said stands, that a resolved alert and weak evidence add nothing, that no alert lowers
or narrows anything, and that the source of the alert stands in the journal as the one that said so. A count becomes
wide enough for both, a list holds what either names, and a second endpoint joins the other targets, about which people
are asked. Leaves to `recheck` what is then suspended without asking.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from firedoor.core.alerts.alert import Method, Strength
from firedoor.core.entries.run import AlertSaid, AttachedAlert, FactsSet
from firedoor.core.facts import Count, FactDefinition, FactType, read, show, write
from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Draft, Kind
from firedoor.core.json_types import Json, JsonObject
from firedoor.core.problems import InvalidInput
from firedoor.core.severity import Severity

SEVERITY, PERSON = "severity", "person:"
ENDPOINT, OTHERS, MINOR = "endpoint", "other_targets", "minor"
Definitions = Mapping[str, FactDefinition]


def raised(view: IncidentView, definitions: Definitions) -> list[Draft]:
    """Return the entry with what the alerts add since the facts were set; mostly none."""
    if view.alerted_seq <= view.learned_seq:
        return []
    view.learned_seq = view.alerted_seq
    worst = max(_worse(view), key=lambda record: Severity(str(record["severity"])).rank, default=None)
    more, source = _more(view, definitions)
    if worst is None and not more:
        return []
    values: dict[str, Json] = {**({SEVERITY: str(worst["severity"])} if worst else {}), **more}
    why = "; ".join(filter(None, (_severe(view, worst), _told(view, more, definitions))))
    source = (worst and worst.get("source")) or source
    return [Draft(Kind.FACTS, f"source:{source}", FactsSet(values=values, why=why))]


def _severe(view: IncidentView, worst: AlertSaid | None) -> str:
    if worst is None:
        return ""
    title = f' "{worst["title"]}"' if worst.get("title") else ""
    if not view.severity_known:
        return f"a further alert{title} says how severe it is: {worst['severity']}"
    return f"a further alert{title} is more severe: {worst['severity']}, and the incident was {view.severity}"


def _told(view: IncidentView, more: JsonObject, definitions: Definitions) -> str:
    """What was added, in words; a sealed fact by its name only."""
    said = []
    for name, value in more.items():
        before = view.facts.get(name)
        words = f": {_words(definitions[name], value)}" if not definitions[name].sealed else ""
        was = f" (was {_words(definitions[name], before)})" if before is not None and words else ""
        said.append(f"{name}{words}{was}")
    return f"a further alert adds {', '.join(said)}" if said else ""


def _words(definition: FactDefinition, value: object) -> str:
    return show(read(definition, value))


def _worse(view: IncidentView) -> Iterator[AlertSaid]:
    """The alerts since the severity was set that are more severe than the incident."""
    setter, since = view.fact_sources.get(SEVERITY, ("", 0))
    for alert in _telling(view):
        record, severity = alert["alert"], alert["alert"].get("severity")
        worse = severity and (not view.severity_known or Severity(severity) > view.severity)
        if worse and alert["seq"] > since and not setter.startswith(PERSON):
            yield record


def _more(view: IncidentView, definitions: Definitions) -> tuple[JsonObject, str]:
    """The facts that further alerts add, as JSON, and the source of the last one that adds any."""
    held, added, source = dict(view.facts), dict[str, Json](), "unknown"
    for alert in _telling(view):
        for name, value in _placed(alert.get("facts", {}), held, definitions):
            setter, since = view.fact_sources.get(name, ("", 0))
            if name == SEVERITY or setter.startswith(PERSON) or alert["seq"] <= since or name not in definitions:
                continue
            joined = _joined(definitions[name], held.get(name), value)
            if joined is not None and joined != held.get(name):
                held[name] = added[name] = joined
                source = str(alert["alert"].get("source", source))
    return added, source


def _placed(facts: JsonObject, held: JsonObject, definitions: Definitions) -> Iterator[tuple[str, Json]]:
    """The facts of an alert; another endpoint than the incident's own is one of the other targets."""
    own, other = held.get(ENDPOINT), facts.get(ENDPOINT)
    for name, value in facts.items():
        if name != ENDPOINT or own in (None, value):
            yield name, value
    if other is not None and own not in (None, other) and OTHERS in definitions:
        yield OTHERS, [other]


def _joined(definition: FactDefinition, before: Json, value: Json) -> Json:
    """What is known when both are said; None where what was said first stands."""
    try:
        old, new = read(definition, before), read(definition, value)
    except InvalidInput:
        return None
    if before is None or (definition.name == MINOR and value == "yes"):
        return write(new)
    if isinstance(old, Count) and isinstance(new, Count):
        ends = None if old.maximum is None or new.maximum is None else max(old.maximum, new.maximum)
        return write(Count(minimum=max(old.minimum, new.minimum), maximum=ends))
    if definition.type is FactType.LIST and isinstance(old, tuple) and isinstance(new, tuple):
        return list(dict.fromkeys((*old, *new)))
    return None


def _telling(view: IncidentView) -> Iterator[AttachedAlert]:
    """The alerts that say something by themselves."""
    for alert in view.alerts:
        record = alert.get("alert", AlertSaid())  # an entry of an old journal may hold none
        method = record.get("method")
        weak = method in tuple(Method) and Method(str(method)).strength is Strength.WEAK
        if record.get("status") != "resolved" and not weak:
            yield {**alert, "alert": record}
