"""Examinations: people and not rows, distances in bits, thresholds that count, rules that fit, marks that agree."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firedoor.core.canonical import canonical
from firedoor.core.examinations import EXAMINATIONS, Finding
from firedoor.core.examinations.hashes import distance
from firedoor.core.examinations.provenance import PNG, embedded
from firedoor.core.problems import InvalidInput

PDQ = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
SHA = "2f0d2a7a7d1f4f0b5c8a6a7e3bb1f2c9d04e5f66778899aabbccddeeff001122"


def examine(name: str, **inputs: Any) -> Finding:
    """Examine; the report must fit into the journal's canonical form."""
    finding = EXAMINATIONS[name].examine(inputs)
    assert set(finding.facts) in (set(), set(EXAMINATIONS[name].sets))  # one statement: all of its facts or none
    assert canonical(finding.report)
    return finding


def consent(
    entries: list[dict[str, Any]], records: list[dict[str, Any]], cut_off: str = "2026-05-01T00:00:00Z"
) -> Finding:
    """Compare a ledger with a manifest."""
    return examine("consent", consent_ledger=entries, training_manifest={"cut_off": cut_off, "records": records})


def entry(
    subject: str, purpose: str = "training", given: str = "2026-01-01T00:00:00Z", withdrawn: str | None = None
) -> dict[str, Any]:
    """A line of the ledger."""
    return {"subject": subject, "purpose": purpose, "given_at": given, "withdrawn_at": withdrawn}


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([], "never asked"),
        ([entry("p", "service")], "agreed to another purpose only"),
        ([entry("p", given="2026-06-01T00:00:00Z")], "agreed after the cut-off"),
        ([entry("p", withdrawn="2026-04-30T23:59:59Z")], "withdrawn before the cut-off"),
        ([entry("p", withdrawn="2026-05-01T02:00:00+02:00")], "withdrawn before the cut-off"),
        ([entry("p", withdrawn="2026-05-01T00:00:01Z")], ""),
        ([entry("p", withdrawn="2026-02-01T00:00:00Z"), entry("p", given="2026-03-01T00:00:00Z")], ""),
        ([entry("p", given="2026-05-01T00:00:00Z")], ""),
    ],
)
def test_consent_counts_as_it_stood_at_the_cut_off(entries: list[dict[str, Any]], reason: str) -> None:
    """Given before, for training, and not withdrawn by then; consent that was given anew counts again."""
    report = consent(entries, [{"record": "r", "subject": "p"}]).report
    assert report["reasons"] == ({reason: 1} if reason else {})


def test_people_are_counted_and_not_rows() -> None:
    """Three records of one person are one person; records about nobody count for nobody."""
    finding = consent(
        [entry("a")], [{"record": str(n), "subject": "b"} for n in range(3)] + [{"record": "own", "subject": None}]
    )
    assert finding.facts == {"people_affected": 1, "records_affected": 3}
    assert finding.people == [{"subject": "b", "reason": "never asked", "records": ["0", "1", "2"]}]


def test_a_record_about_nobody_knows_whom_leaves_the_number_open() -> None:
    """Without a subject key the upper bound is unknown, and the sentence says so."""
    finding = consent([], [{"record": "1", "subject": "a"}, {"record": "2"}])
    assert finding.facts["people_affected"] == {"min": 1, "max": None}
    assert "1 records name nobody" in finding.summary


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.booleans(), st.integers(1, 9), st.integers(0, 9)), max_size=12),
    st.lists(st.sampled_from("abcd"), max_size=8),
)
def test_consent_agrees_with_asking_each_person_in_turn(
    ledger: list[tuple[str, bool, int, int]], subjects: list[str]
) -> None:
    """The join gives what a slow clerk would find who looks up every person on the day of the cut-off (day 5)."""
    entries = [
        entry(
            who,
            "training" if trains else "service",
            f"2026-01-0{day}T00:00:00Z",
            f"2026-01-0{end}T00:00:00Z" if end else None,
        )
        for who, trains, day, end in ledger
    ]
    allowed = {who for who, trains, day, end in ledger if trains and day <= 5 and not (end and end <= 5)}
    finding = consent(
        entries, [{"record": str(n), "subject": who} for n, who in enumerate(subjects)], "2026-01-05T00:00:00Z"
    )
    assert finding.report["people_without_consent"] == len(set(subjects) - allowed)
    assert finding.report["records_without_consent"] == sum(who not in allowed for who in subjects)


def flipped(value: str, bits: int) -> str:
    """A PDQ hash that differs in so many bits."""
    return f"{int(value, 16) ^ ((1 << bits) - 1):064x}"


@given(st.integers(0, 256))
def test_a_near_copy_is_one_within_thirty_one_bits(bits: int) -> None:
    """Thirty-one of 256 bits match, thirty-two do not; the distance stands in the report."""
    content = [{"locator": "x", "algorithm": "pdq", "value": flipped(PDQ, bits)}]
    report = examine(
        "hashes", hash_list=[{"algorithm": "pdq", "value": PDQ, "case": "1"}], content_hashes=content
    ).report
    assert report["matched"] == (bits <= 31)
    assert distance(int(PDQ, 16), int(flipped(PDQ, bits), 16)) == bits


def test_withdrawn_cases_match_nothing_and_exact_digests_match_exactly() -> None:
    """A person who took the case back is not matched; a SHA-256 matches itself in either case of letters."""
    listed = [
        {"algorithm": "sha256", "value": SHA, "status": "Withdrawn"},
        {"algorithm": "md5", "value": "a" * 32, "case": "7", "list": "own"},
    ]
    content = [
        {"locator": "a", "algorithm": "sha256", "value": SHA},
        {"locator": "b", "algorithm": "md5", "value": "A" * 32},
    ]
    finding = examine("hashes", hash_list=listed, content_hashes=content)
    assert finding.facts == {"content_locators": ["b"]}
    assert finding.report["left_out_as_withdrawn"] == 1
    assert finding.report["matches"] == [
        {"locator": "b", "algorithm": "md5", "distance": 0, "case": "7", "list": "own"}
    ]


@pytest.mark.parametrize("value", ["", "zz", PDQ[:-1], "data:image/png;base64,AAAA", "../../etc/passwd"])
def test_only_hashes_are_taken_for_hashes(value: str) -> None:
    """What is not a hash of its algorithm is refused: no content travels in its place."""
    with pytest.raises(InvalidInput):
        examine("hashes", hash_list=[], content_hashes=[{"locator": "x", "algorithm": "pdq", "value": value}])


def test_a_score_at_its_threshold_is_over_it() -> None:
    """At least the threshold; each category has its own; a category without one is told."""
    outputs = [
        {"sha256": "1", "request": "r1", "scores": {"sexual": 0.9, "violence": "0.2"}},
        {"sha256": "2", "scores": {"sexual": 0.8999, "satire": 1}},
    ]
    finding = examine("scores", output_scores=outputs, thresholds={"sexual": "0.9", "violence": 0.5})
    assert finding.report["over"] == [
        {"sha256": "1", "category": "sexual", "score": "0.9", "threshold": "0.9", "request": "r1"}
    ]
    assert finding.report["categories_without_a_threshold"] == ["satire"]
    assert finding.summary == "1 of 2 outputs are at or over a threshold; no threshold for satire"


def test_a_rule_is_broken_when_all_that_it_names_fits() -> None:
    """Path, hash, rule, severity, time; the worst first; a rule with two criteria needs both."""
    rules = [
        {
            "id": "public-images",
            "severity": "high",
            "paths": ["public/*"],
            "media_types": ["image/*"],
            "says": "no images in public",
        },
        {"id": "known", "severity": "critical", "sha256": [SHA.upper()]},
        {"id": "unlabelled", "severity": "low", "labels": {"consent": ""}},
    ]
    listing = [
        {
            "path": "public/a.png",
            "sha256": SHA,
            "media_type": "image/png",
            "labels": {"consent": "yes"},
            "modified_at": "2026-11-01T00:00:00Z",
        },
        {"path": "public/b.txt", "sha256": "b", "media_type": "text/plain"},
    ]
    report = examine("audit", compliance_rules=rules, content_listing=listing).report
    assert [(line["rule"], line["path"], line["severity"]) for line in report["broken"]] == [
        ("known", "public/a.png", "critical"),
        ("public-images", "public/a.png", "high"),
        ("unlabelled", "public/b.txt", "low"),
    ]
    assert report["broken"][0]["modified_at"] == "2026-11-01T00:00:00Z"
    assert report["by_severity"] == {"critical": 1, "high": 1, "low": 1}


@pytest.mark.parametrize(
    "rule",
    [
        {"id": "x", "severity": "bad", "paths": ["*"]},
        {"id": "x", "severity": "low"},
        {"id": "x", "severity": "low", "labels": ["a"]},
        {"id": "x", "severity": "low", "paths": "*"},
    ],
)
def test_a_rule_that_cannot_be_read_is_refused(rule: dict[str, Any]) -> None:
    """Unknown severities, rules without a criterion and wrong forms are told, with the rule's id."""
    with pytest.raises(InvalidInput) as caught:
        examine("audit", compliance_rules=[rule], content_listing=[])
    assert "rule x" in caught.value.problems[0].message


@pytest.mark.parametrize(
    ("records", "facts"),
    [
        (
            [{"model": "image-gen"}, {"model": "image-gen", "version": "3"}, {}],
            {"endpoint": "image-gen", "attribution": "watermark"},
        ),
        ([{"model": "image-gen"}, {"model": "other"}], {}),
        ([{}], {}),
        ([], {}),
    ],
)
def test_a_model_is_named_only_when_the_marks_agree(records: list[dict[str, str]], facts: dict[str, str]) -> None:
    """One model for all marks that speak; two models, or none, name nobody."""
    assert examine("provenance", provenance=records).facts == facts


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a PNG, checksum included."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


RECORD = json.dumps({"model": "image-gen", "organisation": "Example AI"}).encode()
LONG = json.dumps({"model": "x" * 10**7}).encode()


@pytest.mark.parametrize(
    ("chunks", "model"),
    [
        (chunk(b"tEXt", b"provenance\0" + RECORD), "image-gen"),
        (chunk(b"zTXt", b"provenance\0\0" + zlib.compress(RECORD)), "image-gen"),
        (chunk(b"iTXt", b"provenance\0\0\0en\0Herkunft\0" + RECORD), "image-gen"),
        (chunk(b"iTXt", b"provenance\0\1\0\0\0" + zlib.compress(RECORD)), "image-gen"),
        (
            chunk(b"IHDR", b"0" * 13) + chunk(b"tEXt", b"Title\0x") + chunk(b"tEXt", b"provenance\0" + RECORD),
            "image-gen",
        ),
        (chunk(b"tEXt", b"provenance\0not json"), None),
        (chunk(b"tEXt", b"provenance\0[1]"), None),
        (chunk(b"zTXt", b"provenance\0\0" + b"broken"), None),
        (chunk(b"zTXt", b"provenance\0\0" + zlib.compress(LONG)), None),
        (chunk(b"tEXt", b"provenance\0" + RECORD)[:-9], None),
        (struct.pack(">I4s", 2**32 - 1, b"tEXt") + b"provenance", None),
        (b"", None),
    ],
)
def test_the_mark_is_read_from_a_files_text_and_nothing_else(chunks: bytes, model: str | None) -> None:
    """Text chunks of all three kinds; broken, cut-off, huge or foreign ones are no record and no crash."""
    assert embedded(PNG + chunks).get("model") == model


@given(st.binary(max_size=200))
def test_no_file_whatever_does_harm(content: bytes) -> None:
    """Any bytes behind the signature are read to the end without an error."""
    assert isinstance(embedded(PNG + content), dict)


@pytest.mark.parametrize("name", EXAMINATIONS)
@pytest.mark.parametrize("wrong", [None, "words", 12, {}, [1], [{}], {"records": 1}])
def test_inputs_of_the_wrong_form_are_told(name: str, wrong: object) -> None:
    """Whatever an endpoint sends instead is a problem that names the artefact, or an empty finding; never a crash."""
    inputs = EXAMINATIONS[name].inputs
    told: set[str | None] = set()
    facts: dict[str, Any] = {}
    try:
        facts = EXAMINATIONS[name].examine(dict.fromkeys(inputs, wrong)).facts
    except InvalidInput as error:
        told = {problem.field for problem in error.problems}
    assert facts == {}
    assert told <= {*inputs}
