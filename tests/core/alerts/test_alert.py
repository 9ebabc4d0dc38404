"""The record of a detection, the strict reading of what strangers send, and the signatures on it."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from firedoor.core.alerts.alert import HASH_LENGTHS, Alert, ContentHash, Method, Strength, severity_of
from firedoor.core.alerts.hash_banks import WELL_KNOWN, judged
from firedoor.core.alerts.matching import THRESHOLDS, Review, TrustedBank
from firedoor.core.alerts.signatures import FIREDOOR, SignatureScheme, sign, verify
from firedoor.core.facts import Count
from firedoor.core.language.json_fields import Fields
from firedoor.core.language.json_payload import instant, one_line, read_json
from firedoor.core.problems import InvalidInput, NotPermitted, Problem
from firedoor.core.severity import Severity
from firedoor.core.ternary import UNKNOWN
from firedoor.runtime.config.inventory import Organisation

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
OLD, NEW = b"the old secret, 32 bytes or more", b"the new secret, 32 bytes or more"
BODY = b'{"id": "1"}'


def an_alert(**changes: Any) -> Alert:
    """Return a small alert."""
    digest = hashlib.sha256(b"").hexdigest()
    base = {"source": "generic", "source_id": "1", "fingerprint": digest, "title": "Something", "raw_sha256": digest}
    return Alert(**{**base, **changes})


def problems_of(text: str) -> list[str]:
    """Return code and field of every problem in a JSON text."""
    with pytest.raises(InvalidInput) as caught:
        read_json(text.encode("utf-8"), maximum_bytes=1000, maximum_depth=4)
    return [f"{problem.code} {problem.field or ''}".strip() for problem in caught.value.problems]


def test_an_alert_says_only_what_the_sender_said() -> None:
    """Severity, incident, people and minors are unknown until somebody says so."""
    alert = an_alert()
    assert (alert.severity, alert.incident_type, alert.subjects) == (None, None, None)
    assert alert.possible_minor is UNKNOWN


def test_an_alert_keeps_instants_in_utc_and_refuses_one_without_a_zone() -> None:
    """03:00 in Berlin is 02:00 UTC; 03:00 somewhere is no instant."""
    berlin = datetime.fromisoformat("2026-11-21T03:00:00+01:00")
    assert an_alert(occurred_at=berlin).occurred_at == datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
    with pytest.raises(ValidationError):
        an_alert(occurred_at=berlin.replace(tzinfo=None))


def test_an_episode_is_another_detection_and_a_resolution_is_not() -> None:
    """The key for the unique index changes with the episode, and not with the status."""
    first = an_alert(episode="2026-11-21T02:00:00+00:00")
    assert first.detection_key == an_alert(episode=first.episode, status="resolved").detection_key
    assert first.detection_key != an_alert(episode="2026-11-22T02:00:00+00:00").detection_key


@pytest.mark.parametrize(
    ("algorithm", "value"),
    [("sha256", "the leaked text"), ("sha256", "ab" * 20), ("pdq", "AB" * 32), ("best", "ab" * 32)],
)
def test_a_hash_is_a_hash(algorithm: str, value: str) -> None:
    """Words, a wrong length, capitals and an unknown algorithm do not pass for a hash."""
    with pytest.raises(ValidationError):
        ContentHash(algorithm=algorithm, value=value)


def test_the_record_writes_fractions_as_text_and_reads_them_back() -> None:
    """The journal's canonical form holds no floating-point number."""
    alert = an_alert(score=0.97, confidence=1.0, subjects=Count(minimum=2), severity="high", labels={"a": "b"})
    assert (alert.record()["score"], alert.record()["confidence"]) == ("0.97", "1.0")
    assert Alert.model_validate(alert.record()) == alert


def test_strength_follows_from_the_method() -> None:
    """A canary is strong, membership inference is weak, and what has no method is ordinary."""
    assert an_alert(method=Method.CANARY).strength is Strength.STRONG
    assert an_alert(method=Method.MEMBERSHIP_INFERENCE).strength is Strength.WEAK
    assert an_alert().strength is Strength.ORDINARY


MATCH: dict[str, Any] = {
    "method": Method.HASH_MATCH, "review_state": "manual", "match_algorithm": "pdq", "match_distance": 12,
    "match_quality": 91,
}  # fmt: skip
BANKS = (
    *(TrustedBank(name) for name in WELL_KNOWN), TrustedBank("our-list", Review.AUTOMATIC),
    TrustedBank("poisoned-list", suspended="poisoned in October"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("said", "strong"),
    [
        ({"bank": "StopNCII"}, True),
        ({"bank": "StopNCII", "case_status": "Active"}, True),
        ({"bank": "StopNCII", "case_status": "Disputed"}, False),  # a word that is not known counts for nothing
        ({"bank": "NCMEC"}, True),
        ({"bank": "poisoned-list"}, False),
        ({"bank": "StopNCII", "match_distance": 31}, True),
        ({"bank": "StopNCII", "match_distance": 32}, False),
        ({"bank": "StopNCII", "match_distance": None}, False),
        ({"bank": "StopNCII", "match_quality": 50}, True),
        ({"bank": "StopNCII", "match_quality": 49}, False),
        ({"bank": "StopNCII", "match_quality": None}, False),
        ({"bank": "StopNCII", "match_algorithm": None}, False),
        ({"bank": "StopNCII", "match_algorithm": "photodna", "match_distance": 0}, False),
        ({"bank": "StopNCII", "match_algorithm": "phash", "match_distance": 0}, False),
        ({"bank": "StopNCII", "match_algorithm": "dhash", "match_distance": 0}, False),
        ({"bank": "StopNCII", "match_algorithm": "md5", "match_distance": 0}, False),
        ({"bank": "StopNCII", "match_algorithm": "sha1", "match_distance": 0}, False),
        ({"bank": "StopNCII", "match_algorithm": "sha256", "match_distance": None, "match_quality": None}, True),
        ({"bank": "StopNCII", "match_algorithm": "sha256", "match_distance": 1}, False),
        ({"bank": "StopNCII", "review_state": "REVIEWED_MANUALLY"}, True),
        ({"bank": "StopNCII", "review_state": "automatic"}, False),
        ({"bank": "StopNCII", "review_state": "pending"}, False),
        ({"bank": "StopNCII", "review_state": "unreviewed"}, False),
        ({"bank": "StopNCII", "review_state": "excellent"}, False),
        ({"bank": "StopNCII", "review_state": None}, False),
        ({"bank": "our-list", "review_state": "automatic"}, True),
        ({"bank": "our-list", "review_state": "pending"}, False),
        ({"bank": "stopncii"}, False),  # by its exact name
        ({"bank": "somebody's list"}, False),
        ({}, False),
        ({"trusted_bank": True}, False),  # a sender cannot say so
        ({"bank": "StopNCII", "case_status": "Withdrawn"}, False),
        ({"bank": "StopNCII", "case_status": "deleted"}, False),
        ({"bank": "StopNCII", "method": Method.CONTENT_CLASSIFIER, "trusted_bank": True}, False),
    ],
)
def test_only_a_living_case_of_a_trusted_bank_is_strong(said: dict[str, Any], *, strong: bool) -> None:
    """And where a match is not enough, the alert says why to whoever is asked."""
    alert = judged(an_alert(**{**MATCH, **said}), BANKS)
    assert (alert.strength is Strength.STRONG) is strong
    assert bool(alert.notes) is (not strong and alert.method is Method.HASH_MATCH)
    assert judged(Alert.model_validate(alert.record()), BANKS).strength is alert.strength


def test_an_organisation_names_the_banks_that_it_trusts() -> None:
    """Its own list counts when it is named; the well-known ones do not when they are not, and without a file none."""
    alert = an_alert(**MATCH, bank="our-list")
    assert judged(alert, (TrustedBank("our-list"),)).strength is Strength.STRONG
    assert judged(alert.model_copy(update={"bank": "NCMEC"}), (TrustedBank("our-list"),)).strength is Strength.ORDINARY
    assert (
        judged(alert.model_copy(update={"bank": "NCMEC"}), Organisation().trusted_banks).strength is Strength.ORDINARY
    )


def test_every_kind_of_hash_has_a_threshold_with_its_source() -> None:
    """A kind that is added without one proves nothing, and this names it."""
    assert set(THRESHOLDS) == set(HASH_LENGTHS)
    assert all(one.source and one.bits == 4 * HASH_LENGTHS[name] for name, one in THRESHOLDS.items())


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("page", Severity.CRITICAL),
        (" Warning ", Severity.MEDIUM),
        ("P1", Severity.CRITICAL),
        ("sev0", None),
        ("", None),
    ],
)
def test_words_for_severity_that_vendors_share_are_read(word: str, severity: Severity | None) -> None:
    """A scale that one vendor counts up and another counts down is not guessed at."""
    assert severity_of(word) is severity


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": {"b": NaN, "c": [1, -Infinity]}}', ["D106 a.b", "D106 a.c[1]"]),
        ('{"a": 1e400, "b": ' + "1" * 50 + "}", ["D106 a", "D106 b"]),
        ('{"a": 1, "b": {"c": 1, "c": 2}, "a": 3}', ["D105 a", "D105 b.c"]),
        ('["\\ud800", {"\\udfff": "fine"}]', ["D107 [0]", 'D107 [1]."(a key)"']),
        ('{"a b": NaN}', ['D106 "a b"']),
        ("[[[[[]]]]]", ["D102"]),
        ("{]", ["D104"]),
        ('"' + "x" * 1000 + '"', ["D101"]),
    ],
)
def test_all_that_is_unsound_in_json_is_named_with_its_path(text: str, found: list[str]) -> None:
    """Every problem of one kind is listed at once, each with where it stands."""
    assert problems_of(text) == found


def test_brackets_inside_strings_are_not_depth() -> None:
    """A long text full of brackets is one string; what nests is counted, escaped quotes or not."""
    text = b'{"a": "[[[[[[[[\\"{{{{", "b": [[[]]]}'
    assert read_json(text, maximum_bytes=1000, maximum_depth=4) == {"a": '[[[[[[[["{{{{', "b": [[[]]]}


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T03:00:00",
        "2026-11-21",
        "2026-W47-6T03:00Z",
        "20261121T030000Z",
        "soon",
        "",
    ],
)
def test_what_is_no_instant_with_a_zone(text: str) -> None:
    """No zone, no time, and forms that RFC 3339 does not have."""
    assert instant(text) is None


def test_nanoseconds_are_cut_to_microseconds() -> None:
    """Go writes nine digits."""
    assert instant("2026-11-21T03:00:00.123456789Z") == datetime(2026, 11, 21, 3, 0, 0, 123456, tzinfo=UTC)


def test_one_line_is_one_line() -> None:
    """Line ends, control characters and half characters go; what is too long is cut."""
    assert one_line("a\nb\u0000c\ud800  d", 20) == "a b c d"
    assert one_line("x" * 30, 10) == "x" * 9 + "…"


def test_fields_collect_every_problem_with_its_path() -> None:
    """A reader goes on after a problem, so that the sender corrects all at once."""
    problems: list[Problem] = []
    fields = Fields({"n": True, "w": "hgih", "t": "a\nb", "m": "2026-11-21", "l": ["x", 3], "o": 1}, "top", problems)
    read = (fields.number("n"), fields.word("w", ["high"]), fields.text("t"), fields.moment("m"), fields.object("o"))
    assert read == (None,) * 5
    assert fields.texts("l", 5) == ("x",)
    assert [problem.field for problem in problems] == ["top.n", "top.w", "top.t", "top.m", "top.o", "top.l[1]"]
    assert 'did you mean "high"' in problems[1].do


def test_a_signature_of_either_live_secret_is_accepted() -> None:
    """While a secret is replaced both are live; the answer says which one signed."""
    for index, secret in enumerate((NEW, OLD)):
        headers = {"x-firedoor-signature": sign(secret, BODY, NOW)}
        assert verify(FIREDOOR, (NEW, OLD), BODY, headers, NOW + timedelta(minutes=4)) == index


def refused(
    headers: dict[str, str], *, body: bytes = BODY, now: datetime = NOW, secrets: tuple[bytes, ...] = (NEW,)
) -> str:
    """Return the code of a refusal."""
    with pytest.raises(NotPermitted) as caught:
        verify(FIREDOOR, secrets, body, headers, now)
    return caught.value.problems[0].code


def test_a_changed_body_time_or_secret_is_refused() -> None:
    """One byte more, a time that was not signed, or a secret that is no longer live."""
    header = sign(NEW, BODY, NOW)
    later = header.replace(f"t={int(NOW.timestamp())}", f"t={int(NOW.timestamp()) + 60}")
    assert refused({"X-Firedoor-Signature": header}, body=BODY + b" ") == "D305"
    assert refused({"X-Firedoor-Signature": later}) == "D305"
    assert refused({"X-Firedoor-Signature": sign(OLD, BODY, NOW)}) == "D305"


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_signature_outside_the_window_is_refused(minutes: int) -> None:
    """Five minutes to either side; a recorded delivery cannot be sent again tomorrow."""
    headers = {"X-Firedoor-Signature": sign(NEW, BODY, NOW)}
    assert refused(headers, now=NOW + timedelta(minutes=minutes)) == "D303"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "D301"), ("", "D301"), ("t=1,v1=zz", "D301"), (f"v1={'0' * 64}", "D302"), ("v1=" + "0" * 63, "D301"),
        (f"t=now,v1={'0' * 64}", "D302"), (f"t=1,t=2,v1={'0' * 64}", "D302"), (f"t={'9' * 12},v1={'0' * 64}", "D303"),
    ],
)  # fmt: skip
def test_a_header_that_is_no_signature_is_refused(value: str | None, code: str) -> None:
    """Missing, empty, not hexadecimal, without a time, or with two."""
    assert refused({} if value is None else {"X-Firedoor-Signature": value}) == code


def test_no_secret_a_short_one_and_too_many_are_refused() -> None:
    """An empty configuration must not accept everything."""
    headers = {"X-Firedoor-Signature": sign(b"", BODY, NOW)}
    for secrets in ((), (b"",), (b"short",), (NEW, OLD, NEW)):
        assert refused(headers, secrets=secrets) == "D304"


def test_the_schemes_of_other_senders_are_data() -> None:
    """The time in a header of its own, as Grafana signs; no time and a prefix, as GitHub does."""
    seconds = str(int(NOW.timestamp()))
    grafana = SignatureScheme("X-Grafana-Alerting-Signature", "", None, "X-Time", b":")
    mac = hmac.new(NEW, seconds.encode() + b":" + BODY, hashlib.sha256).hexdigest()
    assert verify(grafana, [NEW], BODY, {"X-Grafana-Alerting-Signature": mac, "X-Time": seconds}, NOW) == 0
    github = SignatureScheme("X-Hub-Signature-256", "sha256=", None, None)
    plain = hmac.new(NEW, BODY, hashlib.sha256).hexdigest()
    assert verify(github, [NEW], BODY, {"X-Hub-Signature-256": f"sha256={plain}"}, NOW) == 0


def test_headers_that_the_signature_does_not_cover_are_refused_where_they_carry_meaning() -> None:
    """A CloudEvent in binary mode says what it is in headers that anyone on the way could change."""
    headers = {"X-Firedoor-Signature": sign(NEW, BODY, NOW), "Ce-Type": "dev.firedoor.training.canary"}
    scheme = SignatureScheme(refused_headers="ce-")
    with pytest.raises(NotPermitted, match="D306"):
        verify(scheme, [NEW], BODY, headers, NOW)
