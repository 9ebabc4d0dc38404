"""A hash bank as StopNCII.org gives it to platforms: pages of `hashRecords` in JSON.

Decides what its words mean here: a record is one entry for each of its cases, a case that is `Withdrawn` or `Deleted`
leaves, a platform's `Blocked` says that somebody looked and agreed, `NotBlocked` that somebody looked and did not.
Anybody may submit a hash there, so a record on which no platform has said anything counts as not reviewed.

Source: the client in Meta's python-threatexchange 1.2.17 (`exchanges/clients/stopncii`). That package is not used: it
compares the hash, not the status, with `Withdrawn` and so keeps what was withdrawn, and it drops wrong rows unsaid.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from firedoor.core.alerts.matching import Review
from firedoor.core.hashing.entry import Batch, Bounds, Entry, Status, checked, each_row, instant
from firedoor.core.json_types import Json, JsonObject, as_array, as_object, objects_at, text_at

KINDS = {"ImagePDQ": "pdq", "VideoMD5": "md5"}
STATUSES = {"Withdrawn": Status.WITHDRAWN, "Deleted": Status.DELETED}
LIVING = frozenset(("Received", "Active", "Unknown"))


def recognised(value: Json) -> bool:
    """Whether a JSON value is one page, or several."""
    pages = as_array(value) or (value,)
    return all("hashRecords" in as_object(page) for page in pages)


def read(value: Json, file: str, source: str, bounds: Bounds) -> Batch:
    """Read pages. A wrong record is a problem of the batch."""
    pages = as_array(value) or (value,)
    records = [record for page in pages for record in as_array(as_object(page).get("hashRecords"))]
    left_out: Counter[str] = Counter()
    entries, problems = each_row(file, records, lambda record: _entries(record, source, left_out), bounds)
    return Batch(source, tuple(entries), left_out=left_out, problems=tuple(problems))


def _entries(raw: Json, source: str, left_out: Counter[str]) -> Iterator[Entry]:
    record = as_object(raw)
    if "hashValue" not in record:
        raise ValueError("it is no record with a hashValue")
    named = text_at(record, "signalType") or "ImagePDQ"  # the earlier form of the API had pictures only, and no kind
    if named not in KINDS:
        left_out[named[:40]] += 1
        return
    kind = KINDS[named]
    changed = instant(record.get("lastModtimestamp"))
    review, disputed = _review(record)
    whole = _status(record.get("hashStatus"))
    for case, said in (as_object(record.get("caseNumbers")) or {"": record.get("hashStatus")}).items():
        status = whole if not whole.living else _status(said)
        algorithm, value, name, _ = checked(kind, record.get("hashValue"), case)
        yield Entry(
            algorithm, value, name, None, status, review, disputed, changed_at=changed,
            withdrawn_at=None if status.living else changed, source=source,
        )  # fmt: skip


def _status(said: Json) -> Status:
    if said in STATUSES:
        return STATUSES[str(said)]
    if said is None or said in LIVING:
        return Status.ACTIVE
    raise ValueError("its status is none that is known")


def _review(record: JsonObject) -> tuple[Review, bool]:
    said = {text_at(one, "feedbackValue") for one in objects_at(record, "CSPFeedbacks")}
    disputed = "NotBlocked" in said
    if "Blocked" in said:
        return Review.MANUAL, disputed
    return (Review.PENDING if "PendingReview" in said else Review.UNREVIEWED), disputed
