"""Hash banks: every form in which they come, hostile ones too, versions, withdrawal and its proof, feedback."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from firedoor.core.alerts.matching import Review, TrustedBank
from firedoor.core.hashing import feedback, read_csv
from firedoor.core.hashing.bank import Bank, updated
from firedoor.core.hashing.entry import Bounds, Entry, Status
from firedoor.core.hashing.feedback import Feedback, Verdict
from firedoor.core.hashing.gone import absence
from firedoor.core.hashing.read_bank import read_bank
from firedoor.core.problems import InvalidInput

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
ONE, TWO, THREE = "1a" * 32, "2b" * 32, "3c" * 32


def record(value: str = ONE, **more: object) -> dict[str, object]:
    """What StopNCII says of a hash."""
    given = {"lastModtimestamp": 1764500000, "signalType": "ImagePDQ", "hashValue": value, "hashStatus": "Active"}
    return {**given, "caseNumbers": {"c-1": "Active"}, "CSPFeedbacks": [], **more}


def stopncii(*records: object) -> bytes:
    """A page of them."""
    return json.dumps({"count": len(records), "hasMoreRecords": False, "hashRecords": list(records)}).encode()


NCMEC = f"""<?xml version="1.0"?><queryResult xmlns="https://hashsharing.ncmec.org/hashsharing/v2">
<images count="2" maxTimestamp="2026-10-24T15:10:00Z"><image><member id="42">Example</member>
<timestamp>2026-10-24T15:00:00Z</timestamp><id>image1</id><classification>A1</classification>
<fingerprints><md5>{"ab" * 16}</md5><pdq>{ONE}</pdq><pdna>1,2,3</pdna></fingerprints>
<feedback><affirmativeFeedback type="PDQ"><members><member id="7">Other</member></members></affirmativeFeedback>
<negativeFeedback type="Md5"><reasons><reason guid="g" name="n"/><members><member id="9">X</member></members></reasons>
</negativeFeedback></feedback></image>
<deletedImage><member id="43">Gone</member><id>image4</id><timestamp>2026-10-24T15:10:00Z</timestamp></deletedImage>
</images><paging><next></next></paging></queryResult>"""


def read(body: bytes | str, bounds: Bounds = Bounds()):  # noqa: B008 - a frozen value
    """Read a file called bank."""
    return read_bank(body.encode() if isinstance(body, str) else body, "bank", "Source", NOW, bounds)


def test_stopncii_gives_an_entry_for_each_case() -> None:
    """The withdrawn case leaves, the other stays; feedback of platforms is the review."""
    cases = {"c-1": "Active", "c-2": "Withdrawn"}
    blocked = [{"feedbackValue": "Blocked", "source": "A"}]
    batch = read(stopncii(record(caseNumbers=cases, CSPFeedbacks=blocked), record(TWO, caseNumbers=[])))
    told = {(one.value, one.case): (one.status, one.review) for one in batch.entries}
    assert told == {
        (ONE, "c-1"): (Status.ACTIVE, Review.MANUAL), (ONE, "c-2"): (Status.WITHDRAWN, Review.MANUAL),
        (TWO, ""): (Status.ACTIVE, Review.UNREVIEWED),
    }  # fmt: skip
    assert batch.problems == ()


def test_a_withdrawn_record_takes_all_its_cases_along() -> None:
    """Whatever the cases say; the public client of the bank would keep it."""
    (entry,) = read(stopncii(record(hashStatus="Withdrawn"))).entries
    assert entry.status is Status.WITHDRAWN
    assert entry.withdrawn_at == datetime.fromtimestamp(1764500000, UTC)


def test_a_platform_that_did_not_block_disputes() -> None:
    """The entry then proves nothing, however near it is."""
    said = [{"feedbackValue": "Blocked"}, {"feedbackValue": "NotBlocked"}]
    batch = read(stopncii(record(CSPFeedbacks=said)))
    bank = updated(Bank("StopNCII", TrustedBank("StopNCII")), batch, NOW)
    (entry,) = bank.entries.values()
    assert "says that the entry is wrong" in bank.why_no_proof(entry, 3, 90)


def test_kinds_of_signal_that_are_no_hash_here_are_counted() -> None:
    """They are neither a problem nor lost without a word."""
    batch = read(stopncii(record(), record(signalType="VideoTMK"), record(signalType="URL")))
    assert batch.left_out == {"VideoTMK": 1, "URL": 1}
    assert len(batch.entries) == 1


def test_a_wrong_row_is_named_and_the_others_are_taken() -> None:
    """By file and number, without the value."""
    wrong = [record("zz" * 32), record(hashStatus="Odd"), record(lastModtimestamp="soon"), "nothing", {}]
    batch = read(stopncii(record(), *wrong, record(TWO)))
    assert [one.value for one in batch.entries] == [ONE, TWO]
    assert [one.message.partition(":")[0] for one in batch.problems] == [f"row {number}" for number in (2, 3, 4, 5, 6)]
    assert {one.field for one in batch.problems} == {"bank"}
    assert "zz" not in str(batch.problems)


def test_ncmec_gives_fingerprints_votes_and_tombstones() -> None:
    """A fingerprint carries the votes on itself alone; a deleted item names no fingerprint, so its case is told."""
    batch = read(NCMEC)
    told = {one.algorithm: (one.value, one.case, one.review, one.disputed) for one in batch.entries}
    assert told == {
        "md5": ("ab" * 16, "42/image1", Review.UNREVIEWED, True), "pdq": (ONE, "42/image1", Review.MANUAL, False),
    }  # fmt: skip
    assert batch.gone_cases == ("43/image4",)
    assert batch.left_out == {"pdna": 1}


def test_a_tombstone_removes_the_case_from_the_bank() -> None:
    """All its fingerprints leave with it."""
    bank = updated(Bank("NCMEC"), read(NCMEC.replace('id="42"', 'id="43"').replace("image1", "image4", 1)), NOW)
    assert bank.entries == {}
    assert bank.changes[-1].withdrawn == 2


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ('<!DOCTYPE q [<!ENTITY a "x">]><queryResult>&a;</queryResult>', "document type"),
        ('<!DOCTYPE q SYSTEM "file:///etc/passwd"><queryResult/>', "document type"),
        ("<queryResult>" + "<a>" * 40, "levels deep"),
        ("<queryResult><images>", "is no XML"),
        ('{"hashRecords": [', "not JSON"),
        ("[" * 50 + "]" * 50, "nested"),
        ('{"hashRecords": 1, "hashRecords": 2}', "twice"),
        ('{"hello": []}', "no form that is known"),
        ("[]", "no form that is known"),
        ("algorithm,value,colour\n", '"colour" is not known'),
        ("value\n", "no column algorithm"),
        ("algorithm,value,value\n", "stands twice"),
        ('algorithm,value\npdq,"open', "is no CSV"),
        (b"algorithm,value\n\xff\xfe", "not UTF-8"),
        (b"", "no column"),
    ],
)
def test_a_hostile_file_is_refused_by_its_name(body: bytes | str, why: str) -> None:
    """Nothing of it is taken, and the problem names the file."""
    with pytest.raises(InvalidInput) as refused:
        read(body)
    assert why in str(refused.value)
    assert {one.field for one in refused.value.problems} == {"bank"}


def test_an_xml_bomb_costs_nothing() -> None:
    """Entities are refused where they are declared, before any is expanded."""
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    with pytest.raises(InvalidInput, match="entity"):
        read(f'<!DOCTYPE q [<!ENTITY l0 "lol">{lol}]><queryResult>&l9;</queryResult>')


@pytest.mark.parametrize("bounds", [Bounds(bytes=50), Bounds(rows=1)])
def test_a_file_is_bounded(bounds: Bounds) -> None:
    """In bytes and in rows, each with its own message."""
    with pytest.raises(InvalidInput, match="over"):
        read(f"algorithm,value\npdq,{ONE}\npdq,{TWO}\n", bounds)


@pytest.mark.parametrize(
    ("row", "why"),
    [(f"pdq,{ONE[:-1]},c,90,active", "64 hexadecimal"), (f"odd,{ONE},c,90,active", "algorithm"),
     (f"pdq,{ONE},c,101,active", "quality"), (f"pdq,{ONE},c,90,resting", "status"), (f"pdq,{ONE}", "more or fewer"),
     (f"pdq,{ONE},c,90,active,more", "more or fewer"), (f"pdq,{ONE},{'c' * 201},90,active", "case"),
     (f'pdq,{ONE},"a\u202eb",90,active', "case")],
)  # fmt: skip
def test_a_wrong_row_of_our_own_form_is_named(row: str, why: str) -> None:
    """Row 2 is wrong, rows 1 and 3 are taken."""
    batch = read(f"algorithm,value,case,quality,status\npdq,{TWO},,,\n{row}\nsha256,{THREE},c,,active\n")
    assert [one.value for one in batch.entries] == [TWO, THREE]
    (problem,) = batch.problems
    assert problem.message.startswith("row 2: ")
    assert why in problem.message


def test_our_own_form_is_written_as_it_is_read() -> None:
    """Every field comes back."""
    entry = Entry("pdq", ONE, "c", 88, Status.ACTIVE, Review.AUTOMATIC, True, NOW, NOW + timedelta(1), None, "Source")
    assert read(read_csv.write([entry])).entries == (entry,)


def update(**more: Any) -> dict[str, object]:
    """What ThreatExchange says of an indicator."""
    descriptor = {
        "id": "5",
        "status": "MALICIOUS",
        "review_status": "REVIEWED_MANUALLY",
        "added_on": "2026-10-01T10:00:00+0000",
    }
    given = {"id": "4", "indicator": ONE, "type": "HASH_PDQ", "last_updated": 1764500000, "should_delete": False}
    return {**given, "descriptors": {"data": [{**descriptor, **more.pop("descriptor", {})}]}, **more}


@pytest.mark.parametrize(
    ("given", "status", "review", "disputed"),
    [(update(), Status.ACTIVE, Review.MANUAL, False),
     (update(should_delete=True), Status.WITHDRAWN, Review.MANUAL, False),
     (update(descriptors={}), Status.WITHDRAWN, Review.UNREVIEWED, False),
     (update(descriptor={"status": "NON_MALICIOUS"}), Status.ACTIVE, Review.MANUAL, True),
     (update(descriptor={"reactions": [{"DISAGREE_WITH_TAGS": ["9"]}]}), Status.ACTIVE, Review.MANUAL, True),
     (update(descriptor={"review_status": "PENDING"}), Status.ACTIVE, Review.PENDING, False)],
)  # fmt: skip
def test_threat_exchange_says_review_and_dispute(given: dict, status: Status, review: Review, disputed: bool) -> None:
    """An update is one entry, with its number as the case."""
    batch = read(json.dumps({"data": [given, update(type="DOMAIN")]}))
    (entry,) = batch.entries
    assert (entry.status, entry.review, entry.disputed, entry.case) == (status, review, disputed, "4")
    assert batch.left_out == {"DOMAIN": 1}


@pytest.mark.parametrize(
    ("until", "status"),
    [(0, Status.ACTIVE), (1, Status.WITHDRAWN), (NOW.timestamp() + 9, Status.WITHDRAWN), (9, Status.ACTIVE)],
)
def test_an_hma_bank_says_what_is_disabled(until: float, status: Status) -> None:
    """For good, for a time, or no longer."""
    content = {"id": 3, "disable_until_ts": until, "bank": {"name": "OWN"}, "signals": {"pdq": ONE, "odd": "x"}}
    batch = read(json.dumps([content]))
    assert [(one.status, one.case, one.source) for one in batch.entries] == [(status, "3", "OWN")]
    assert batch.left_out == {"odd": 1}


def filled(*records: object) -> Bank:
    """A bank after one file."""
    return updated(Bank("StopNCII", TrustedBank("StopNCII")), read(stopncii(*records)), NOW)


def test_every_file_is_a_version_with_its_counts() -> None:
    """The bank before it is as it was."""
    before = filled(record(), record(TWO))
    after = updated(before, read(stopncii(record(hashStatus="Withdrawn"), record(TWO), record(THREE))), NOW)
    assert (before.version, after.version) == (1, 2)
    assert (after.changes[-1].added, after.changes[-1].replaced, after.changes[-1].withdrawn) == (1, 1, 1)
    assert list(after.values("pdq")) == [TWO, THREE]
    assert list(before.values("pdq")) == [ONE, TWO]


def test_what_was_withdrawn_does_not_come_back_with_an_old_file() -> None:
    """Only with a change after the withdrawal; the bank keeps no hash of it meanwhile."""
    bank = updated(filled(record()), read(stopncii(record(hashStatus="Withdrawn", lastModtimestamp=1764600000))), NOW)
    assert ONE not in repr(bank)
    old = updated(bank, read(stopncii(record())), NOW)
    assert (list(old.values("pdq")), old.changes[-1].kept_out) == ([], 1)
    new = updated(bank, read(stopncii(record(lastModtimestamp=1764700000))), NOW)
    assert (list(new.values("pdq")), new.withdrawn) == ([ONE], {})


def test_a_withdrawal_is_proved_by_searching_everywhere() -> None:
    """A place that still holds it is named; without places nothing is proved."""
    full, empty = filled(record(), record(TWO)), filled(record(TWO))
    assert absence("pdq", ONE, [empty]).proved
    found = absence("pdq", ONE.upper(), [empty, replace(full, name="the old copy")])
    assert not found.proved
    assert found.words == "The hash is still there: the old copy, listed for case c-1."
    assert not absence("pdq", ONE, []).proved


@pytest.mark.parametrize(
    ("change", "distance", "quality", "why"),
    [({}, 31, 50, ""), ({}, 32, 90, "at most 31"), ({}, 3, 49, "at least 50"),
     ({"review": Review.PENDING}, 3, 90, "pending"),
     ({"quality": 12}, 3, 90, "quality of the hash is 12"), ({}, 3, None, "not said")],
)  # fmt: skip
def test_a_match_is_proof_only_when_near_good_and_reviewed(change: dict, distance: int, quality: int, why: str) -> None:
    """By the thresholds that alerts are judged by."""
    bank = Bank("StopNCII", TrustedBank("StopNCII"))
    entry = replace(Entry("pdq", ONE, review=Review.MANUAL), **change)
    said = bank.why_no_proof(entry, distance, quality)
    assert said == "" if not why else why in said


def test_a_bank_that_nobody_trusts_proves_nothing() -> None:
    """Neither one without a word of the organisation, nor a suspended one."""
    entry = Entry("sha256", ONE, review=Review.MANUAL)
    assert "not among the trusted" in Bank("B").why_no_proof(entry, 0, None)
    assert "suspended" in Bank("B", TrustedBank("B", suspended="poisoned")).why_no_proof(entry, 0, None)
    assert Bank("B", TrustedBank("B")).why_no_proof(entry, 0, None) == ""


def given(verdict: Verdict, case: str = "42/image1") -> Feedback:
    """What Ann found."""
    return Feedback(Entry("pdq", ONE, case, source="B"), verdict, "Ann", NOW, "looked at it")


def test_feedback_is_a_draft_in_the_words_of_the_bank() -> None:
    """StopNCII, NCMEC and ThreatExchange each in its own form; a record for the journal beside it."""
    body = json.loads(feedback.stopncii([given(Verdict.TRUE), given(Verdict.FALSE), given(Verdict.REMOVED)]).body)
    assert [one["feedbackValue"] for one in body["hashFeedbacks"]] == ["Blocked", "NotBlocked", "Blocked"]
    assert body["hashFeedbacks"][2]["tags"] == ["removed"]
    draft = feedback.ncmec(given(Verdict.FALSE), "a-<guid>")
    assert draft.path == "v2/entries/42/image1/PDQ/feedback"
    assert "<guid>a-&lt;guid&gt;</guid>" in draft.body
    assert "DISAGREE_WITH_TAGS" in feedback.threat_exchange(given(Verdict.FALSE)).body
    assert given(Verdict.TRUE).record()["by"] == "Ann"


@pytest.mark.parametrize("wrong", [given(Verdict.FALSE), given(Verdict.TRUE, "no-member")])
def test_a_vote_that_ncmec_would_refuse_is_refused_here(wrong: Feedback) -> None:
    """Without a reason, or without an entry to vote on."""
    with pytest.raises(InvalidInput):
        feedback.ncmec(wrong)
