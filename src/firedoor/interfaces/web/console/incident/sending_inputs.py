"""The inputs of the sending dialogue, for the page of a task and that of a clock: which text, by which way, when.

Decides that nothing is chosen beforehand, and that only what may stand as sent is offered. Leaves what a sending must
say to `core.sending`, and whether it may be so to whoever keeps the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Body
from firedoor.core.notices import versions as rules
from firedoor.core.tasks.sending import CHANNEL, CHANNELS, SENT_AT, VERSION
from firedoor.interfaces.web.console import forms
from firedoor.runtime.config.container import World

NAMES = (VERSION, CHANNEL, SENT_AT)
LABELS = {VERSION: "Which text was sent", CHANNEL: "By which channel", SENT_AT: "When it was sent"}
Given = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Sending:
    """The clock that something is sent for: its id, the channel that its duty names, and the zone that is shown."""

    clock: str
    channel: str = ""
    zone: str = ""


def field(world: World, view: IncidentView, about: Sending, name: str, prefix: str, given: Given) -> Body:
    """One input: its kind (select, instant, or words), its choices, and what was typed before."""
    key = f"{prefix}{name}"
    shown: Body = {"name": key, "field": name, "label": LABELS[name], "value": given.get(key, ""), "long": False}
    if name == VERSION:
        return {**shown, "kind": "select", "options": _texts(view, about.clock)}
    if name == CHANNEL:
        known = (about.channel, *CHANNELS)
        return {**shown, "kind": "words", "options": [one for one in dict.fromkeys(known) if one]}
    zones = forms.zones(world, about.zone)
    return {**shown, "kind": "instant", "zones": zones, "zone": given.get(f"{key}{forms.ZONE}", "")}


def read(given: Given, prefix: str, words: Mapping[str, str]) -> dict[str, str]:
    """The instant with its offset, where one was put in. Raises InvalidInput for one that never was."""
    key = f"{prefix}{SENT_AT}"
    return {SENT_AT: forms.read_instant(key, given).isoformat()} if words.get(SENT_AT) else {}


def _texts(view: IncidentView, clock: str) -> list[tuple[str, str]]:
    """What may stand as sent: the version approved last, a file that was handed in, or nothing that is kept here."""
    found = [one for one in view.evidence if one.get("kind") in rules.KINDS and one.get("clock") == clock]
    approved = next((one for one in reversed(found) if one["kind"] == rules.APPROVED), None)
    handed = rules.handed_in_before(found)
    offered = []
    if approved:
        offered.append(("approved", f"the version that {approved['by']} approved"))
    if handed:
        offered.append((rules.FILE, "the file that was handed in as sent"))
    return [*offered, (rules.NOT_KEPT, "a text of which no copy is kept here; the report names that as a weakness")]
