"""Where the record has what a form asks: facts, words of the organisation, places, hashes, the answer to a request.

Decides that places and hashes are named and nothing is ever looked up by a hash, that a person's name or contact is
taken from nowhere, and that what no record holds stays unknown. Leaves the forms to `forms`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from firedoor.core.facts import Count, Value
from firedoor.core.facts import show as shown
from firedoor.core.incident.view import IncidentView
from firedoor.core.notices.forms import NOT_KNOWN, Field, Form, missing
from firedoor.core.requests.request import RemovalRequest, RequestKind
from firedoor.core.ternary import UNKNOWN, YES, Ternary

HASHES = ("sha256", "sha1", "md5", "pdq")
Facts = Mapping[str, Value]


class FormLines(Mapping[str, Sequence[str]]):
    """What a template reads under `form`: the lines of each field, or its mark."""

    def __init__(self, form: Form, view: IncidentView, facts: Facts, words: Mapping[str, str], notice: str) -> None:
        self._fields = {one.id: one for one in form.fields}
        self._record = (view, facts, words, notice)

    def __getitem__(self, key: str) -> Sequence[str]:
        one = self._fields[key]
        values = [_one_line(value) for value in value_of(one, *self._record)]
        return values or [missing(one) if one.required else NOT_KNOWN]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


def value_of(one: Field, view: IncidentView, facts: Facts, words: Mapping[str, str], notice: str) -> list[str]:
    """The values of one field as the record has them; none where it does not. `notice` names the request, if any."""
    if one.when and not all(facts.get(name, UNKNOWN) is YES for name in one.when):
        return []
    if one.value:
        return [one.value]
    kind, _, name = one.take.partition(":")
    match kind:
        case "fact":
            return _words(facts.get(name, UNKNOWN))
        case "organisation":
            return [words[name]] if words.get(name) else _words(facts.get(f"organisation_{name}", UNKNOWN))
        case "request":
            return _of_request(name, view, request_of(view, notice))
        case "record":
            return _RECORD[name](view)
        case _:
            return []


def request_of(view: IncidentView, notice: str) -> RemovalRequest | None:
    """The request that a notice is about: its name ends in the request's, such as `statement-of-reasons-R2`."""
    name = notice.rpartition("-")[2]
    return next((one for one in view.requests.values() if one.name == name), None)


def places(view: IncidentView) -> list[str]:
    """Every place that alerts and requests name, once each, in their order."""
    found = [str(place) for alert in view.alerts for place in alert.get("alert", {}).get("locators") or ()]
    found += [place for one in view.requests.values() for place in one.locators]
    return [place for place in dict.fromkeys(found) if place.partition(":")[0] not in HASHES]


def hashes(view: IncidentView) -> list[str]:
    """Every hash that alerts and requests name, as `algorithm:hexadecimal`."""
    named = (one for alert in view.alerts for one in alert.get("alert", {}).get("content_hashes") or ())
    found = [f"{one['algorithm']}:{one['value']}" for one in named]
    found += [place for one in view.requests.values() for place in one.locators]
    return [one for one in dict.fromkeys(found) if one.partition(":")[0] in HASHES]


def _of_request(name: str, view: IncidentView, one: RemovalRequest | None) -> list[str]:
    """What the answer to a request says; nothing of who asked, and nothing of the words that they were told."""
    if one is None or one.closing is None:
        return []
    at = one.closing.at
    found = {
        "outcome": str(one.closing.outcome), "decided_at": at.isoformat(timespec="seconds"),
        "decided_on": at.date().isoformat(), "received_at": one.received_at.isoformat(timespec="seconds"),
        "notice": "a notice was received" if one.kind is RequestKind.REMOVAL else "",
        "number": f"{_platform_id(view)}-{one.name}",
    }  # fmt: skip
    return [found[name]] if found[name] else []


def _platform_id(view: IncidentView) -> str:
    return "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in view.id)


def _when(view: IncidentView) -> list[str]:
    """When the content was there: what a fact says, else what the first alert says that knows it."""
    told = (alert.get("alert", {}).get("occurred_at") for alert in view.alerts)
    found = view.facts.get("occurred_at") or next((at for at in told if at), None)
    return [str(found)] if found else []


def _sources(view: IncidentView) -> list[str]:
    """How it came to be known: the sources of the alerts and what each detected by."""
    told = (alert.get("alert", {}) for alert in view.alerts)
    return list(dict.fromkeys(f"{one.get('source')}: {str(one.get('method')).replace('_', ' ')}" for one in told))[:10]


_RECORD: Mapping[str, Callable[[IncidentView], list[str]]] = {
    "incident": lambda view: [view.id], "places": places, "hashes": hashes,
    "occurred_at": _when, "sources": _sources,
}  # fmt: skip


def _words(value: Value) -> list[str]:
    match value:
        case Ternary():
            return [] if value is UNKNOWN else [str(value)]
        case datetime():
            return [value.isoformat(timespec="seconds")]
        case tuple():
            return list(value)
        case Count():
            return [shown(value)]
        case _:
            return [shown(value)] if value not in ("", None) else []


def _one_line(value: str) -> str:
    """A value on a line of its own: nothing in it can look like another field."""
    return " ".join(value.split())
