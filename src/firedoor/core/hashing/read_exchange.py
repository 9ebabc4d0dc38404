"""A hash bank in JSON as Meta's ThreatExchange gives it (`/threat_updates`) or as an HMA keeps it (a bank's contents).

Decides what their words mean here. An update that `should_delete`, or that has no descriptors left, withdraws the
indicator; a descriptor that is `NON_MALICIOUS`, or to which somebody reacted with DISAGREE_WITH_TAGS, disputes it; the
best `review_status` of its descriptors is its review. A content of an HMA's bank has a signal for each algorithm and
counts unless it is disabled; an HMA does not say whether anybody reviewed it.

Source: python-threatexchange 1.2.17 (`clients/fb_threatexchange`) and the bank contents of HMA's curation API.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from firedoor.core.alerts.matching import REVIEW_WORDS, Review
from firedoor.core.hashing.entry import Batch, Bounds, Entry, Status, checked, each_row, instant
from firedoor.core.json_types import Json, JsonObject, array_at, as_array, as_object, as_objects, object_at, text_at

KINDS = {
    "HASH_PDQ": "pdq", "HASH_MD5": "md5", "HASH_VIDEO_MD5": "md5", "HASH_SHA1": "sha1", "HASH_SHA256": "sha256",
    "HASH_VIDEO_SHA256": "sha256",
}  # fmt: skip
SIGNALS = {"pdq": "pdq", "video_md5": "md5", "md5": "md5", "sha256": "sha256"}
DISAGREE = "DISAGREE_WITH_TAGS"


def recognised(value: Json) -> bool:
    """Whether a JSON value is a page of updates or the contents of a bank, or several."""
    return all(isinstance(page.get("data"), list) or "signals" in page for page in _pages(value))


def read(value: Json, file: str, source: str, bounds: Bounds, now: datetime) -> Batch:
    """Read pages. A wrong update is a problem of the batch. `now` tells which contents of an HMA are disabled."""
    rows = [row for page in _pages(value) for row in (array_at(page, "data") if "data" in page else (page,))]
    left_out: Counter[str] = Counter()
    entries, problems = each_row(file, rows, lambda row: _entries(row, source, now, left_out), bounds)
    return Batch(source, tuple(entries), left_out=left_out, problems=tuple(problems))


def _pages(value: Json) -> Sequence[JsonObject]:
    return [as_object(page) for page in as_array(value) or (value,)]


def _entries(raw: Json, source: str, now: datetime, left_out: Counter[str]) -> Iterator[Entry]:
    row = as_object(raw)
    if "signals" in row:
        yield from _of_a_content(row, source, now, left_out)
    elif not text_at(row, "type"):
        raise ValueError("it is neither an update with a type nor a content with signals")
    elif text_at(row, "type") in KINDS:
        yield _of_an_update(row, source)
    else:
        left_out[text_at(row, "type")[:40]] += 1


def _of_a_content(row: JsonObject, source: str, now: datetime, left_out: Counter[str]) -> Iterator[Entry]:
    until = row.get("disable_until_ts") or 0
    disabled = bool(until) and (until == 1 or (instant(until) or now) > now)  # 1 is HMA's word for "for good"
    status = Status.WITHDRAWN if disabled else Status.ACTIVE
    bank = text_at(object_at(row, "bank"), "name") or source
    for kind, signal in object_at(row, "signals").items():
        if kind not in SIGNALS:
            left_out[kind[:40]] += 1
            continue
        algorithm, value, case, _ = checked(SIGNALS[kind], signal, row.get("id"))
        yield Entry(algorithm, value, case, status=status, source=bank[:200])


def _of_an_update(update: JsonObject, source: str) -> Entry:
    changed = instant(update.get("last_updated"))
    descriptors = list(as_objects(array_at(object_at(update, "descriptors"), "data")))
    gone = bool(update.get("should_delete")) or not descriptors
    algorithm, value, case, _ = checked(KINDS[text_at(update, "type")], update.get("indicator"), update.get("id"))
    added = [at for one in descriptors if (at := instant(one.get("added_on")))]
    status, left = (Status.WITHDRAWN, changed) if gone else (Status.ACTIVE, None)
    disputed = any(_disputes(one) for one in descriptors)
    return Entry(
        algorithm,
        value,
        case,
        None,
        status,
        _review(descriptors),
        disputed,
        min(added, default=None),
        changed,
        left,
        source,
    )


def _review(descriptors: list[JsonObject]) -> Review:
    said = [REVIEW_WORDS.get(text_at(one, "review_status").lower(), Review.UNREVIEWED) for one in descriptors]
    return max(said, key=list(Review).index, default=Review.UNREVIEWED)


def _disputes(descriptor: JsonObject) -> bool:
    reactions = [*array_at(descriptor, "my_reactions"), *array_at(descriptor, "reactions")]
    named = any(one == DISAGREE or (isinstance(one, dict) and DISAGREE in one) for one in reactions)
    return named or text_at(descriptor, "status") == "NON_MALICIOUS"
