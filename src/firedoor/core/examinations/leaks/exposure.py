"""What a log of requests and outputs exposes, row by row, counted without keeping a text.

Decides that a value which the same request held is an echo and no leak; that a value which another tenant had brought,
and this one never, crossed tenants; and when outputs repeat each other. Texts are kept as salted hashes only. Leaves
reading to the runtime.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from firedoor.core.examinations.leaks.overlap import Corpus
from firedoor.core.examinations.leaks.patterns import hits
from firedoor.core.json_types import Json

LISTED = 10_000  # values that an answer lists by their hash; the counts are always whole
LONG = 80  # characters: shorter outputs repeat each other by chance


@dataclass(frozen=True, slots=True)
class Row:
    """One request with its output. `time` is ISO 8601 as the log has it; `place` names the file and row."""

    output: str
    prompt: str = ""
    user: str = ""
    tenant: str = ""
    time: str = ""
    place: str = ""


@dataclass(slots=True)
class _Value:
    kind: str
    confidence: str
    count: int = 0
    first: str = ""
    to: set[str] = field(default_factory=set)  # tenants to whom it was told, without those who had brought it
    brought: set[str] = field(default_factory=set)


class Exposure:
    """Counts a log. Values and outputs are held as hashes with a salt of this run."""

    def __init__(self, salt: bytes, canaries: Sequence[str] = (), corpus: Corpus | None = None) -> None:
        self._salt, self._corpus = salt, corpus
        self._canaries = [one for one in canaries if one]
        self._values: dict[str, _Value] = {}
        self._outputs: dict[str, set[str]] = {}
        self._exact: Counter[str] = Counter()
        self._near: Counter[str] = Counter()
        self._seen: Counter[str] = Counter()
        self._users: set[str] = set()
        self._times: list[str] = []
        self._canary_hits: Counter[int] = Counter()
        self._longest: Counter[int] = Counter()
        self._spans: list[Json] = []

    def add(self, row: Row) -> None:
        """Count one row."""
        self._seen["records"] += 1
        brought = {(hit.kind, hit.value) for hit in hits(row.prompt)}
        for kind, value in brought:
            self._value(kind, value, "").brought.add(row.tenant)
        told = self._told(row, brought) | self._planted(row) | self._repeated(row)
        self._same(row)
        if told:
            self._seen["rows"] += 1
            self._users.update([self._hash(row.user)] if row.user else [])
            self._times = _window(self._times, row.time)

    def _told(self, row: Row, brought: set[tuple[str, str]]) -> bool:
        found = False
        for hit in hits(row.output):
            if (hit.kind, hit.value) in brought:
                self._seen["echoes"] += 1
                continue
            value = self._value(hit.kind, hit.value, hit.confidence)
            value.count, value.first, value.confidence = value.count + 1, value.first or row.place, hit.confidence
            value.to.add(row.tenant)
            found = True
        return found

    def _planted(self, row: Row) -> bool:
        found = [number for number, one in enumerate(self._canaries) if one in row.output and one not in row.prompt]
        self._canary_hits.update(found)
        return bool(found)

    def _repeated(self, row: Row) -> bool:
        spans = list(self._corpus.spans(row.output)) if self._corpus else []
        for span in spans:
            self._longest[span.words] += 1
            if len(self._spans) < LISTED:
                self._spans.append({"words": span.words, "document": span.document, "place": row.place})
        return bool(spans)

    def _same(self, row: Row) -> None:
        if len(row.output) < LONG:
            return
        self._exact[self._hash(row.output)] += 1
        folded = self._hash(re.sub(r"\d", "0", " ".join(row.output.casefold().split())))
        self._near[folded] += 1
        self._outputs.setdefault(folded, set()).add(row.tenant)

    def _value(self, kind: str, value: str, confidence: str) -> _Value:
        return self._values.setdefault(self._hash(f"{kind}:{value}"), _Value(kind, confidence))

    def _hash(self, text: str) -> str:
        return hmac.new(self._salt, text.encode(), hashlib.sha256).hexdigest()

    def report(self) -> dict[str, Json]:
        """What was counted."""
        told = {name: value for name, value in self._values.items() if value.count}
        crossed = [name for name, value in told.items() if _crossed(value)]
        shared = sum(len(tenants - {""}) > 1 for tenants in self._outputs.values())
        exact, near = (sum(number - 1 for number in counts.values()) for counts in (self._exact, self._near))
        return {
            "records": self._seen["records"], "exposing_records": self._seen["rows"],
            "kinds": _kinds(told.values()), "distinct_values": len(told), "echoes": self._seen["echoes"],
            "users_exposed_to": len(self._users), "window": list(self._times),
            "across_tenants": {"values": len(crossed), "outputs": shared},
            "repeats": exact, "near_repeats": near - exact,
            "canaries": [{"canary": self._hash(one), "count": self._canary_hits[number]}
                         for number, one in enumerate(self._canaries)],
            "overlap": {"corpus_words": self._corpus.words, "spans": sum(self._longest.values()),
                        "longest_words": max(self._longest, default=0), "found": list(self._spans)}
            if self._corpus else None,
            "values": [
                {"hash": name, "kind": value.kind, "confidence": value.confidence, "count": value.count,
                 "tenants": len(value.to), "crossed": name in crossed, "first": value.first}
                for name, value in list(told.items())[:LISTED]
            ],
            "values_not_listed": max(0, len(told) - LISTED),
        }  # fmt: skip


def _crossed(value: _Value) -> bool:
    return bool(value.brought - {""}) and bool(value.to - value.brought - {""})


def _kinds(values: Iterable[_Value]) -> Mapping[str, Json]:
    found: dict[str, dict[str, Json]] = {}
    for value in values:
        one = found.setdefault(value.kind, {"count": 0, "distinct": 0, "confidence": value.confidence})
        one["count"] = int(str(one["count"])) + value.count
        one["distinct"] = int(str(one["distinct"])) + 1
    return dict(sorted(found.items()))


def _window(times: list[str], time: str) -> list[str]:
    return [min([time, *times]), max([time, *times])] if time else times
