"""Somebody else's JSON: a mapping takes our fields out of it, and makes a source of its own."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from firedoor.alerts import registry
from firedoor.alerts.expressions import first, wrong_with
from firedoor.alerts.generic import parse as parse_generic
from firedoor.alerts.mapped_item import mapped_source
from firedoor.alerts.mapping import read_mapping
from firedoor.alerts.paths import Delivered, look_up
from firedoor.core.alerts.alert import Alert
from firedoor.core.problems import InvalidInput
from firedoor.core.severity import Severity

MAPPING = {
    "source": "paging",
    "alerts_at": "/data/alerts",
    "fields": {"id": "alert.alertId", "title": "alert.message", "severity": "alert.priority", "status": "alert.state",
               "occurred_at": "alert.createdAt", "model": "alert.details.model", "score": "/alert/details/score~1raw"},
    "constants": {"incident": "data_leakage_in_ai_models", "method": "personal_data_detector"},
    "severities": {"P0": "critical"},
    "statuses": {"closed": "resolved"},
    "instants": "ms",
    "labels": {"team": "alert.teams[0].name"},
}  # fmt: skip
FOREIGN = {
    "alertId": 7731, "message": "Line one\nline two", "priority": "P0", "state": "open", "createdAt": 1795230000123,
    "details": {"model": "m", "score/raw": 0.4}, "teams": [{"name": "safety"}], "note": "words of a person",
}  # fmt: skip


def read(changes: dict[str, Any] | None = None, **mapping: Any) -> Alert:
    """Parse one foreign alert."""
    source = mapped_source(read_mapping({**MAPPING, **mapping}))
    body = {"data": {"alerts": [{"alert": {**FOREIGN, **(changes or {})}}]}}
    (alert,) = source.parse(json.dumps(body).encode(), {})
    return alert


def test_a_foreign_alert_is_read_through_its_mapping() -> None:
    """Numbers become texts where we name things, milliseconds an instant, line ends a space."""
    alert = read()
    assert (alert.source, alert.source_id, alert.title) == ("paging", "7731", "Line one line two")
    assert (alert.severity, alert.severity_raw, alert.status) == (Severity.CRITICAL, "P0", "firing")
    assert (str(alert.occurred_at), alert.score) == ("2026-11-21 03:00:00.123000+00:00", 0.4)
    assert (alert.labels, alert.incident_type) == ({"team": "safety"}, "data_leakage_in_ai_models")


def test_what_is_not_mapped_is_not_kept() -> None:
    """Only the paths that the operator wrote are looked at."""
    assert "words of a person" not in read().model_dump_json()


def test_a_severity_that_is_not_mapped_is_unknown_with_a_note() -> None:
    """The alert is not lost; words that all vendors mean alike are read."""
    alert = read({"priority": "gold"})
    assert (alert.severity, alert.severity_raw, len(alert.notes)) == (None, "gold", 1)
    assert read({"priority": "Warning"}).severity is Severity.MEDIUM
    assert read({"state": "closed"}).status == "resolved"


def test_a_constant_holds_where_the_payload_is_silent() -> None:
    """And what the payload says goes before it."""
    constants = {**MAPPING["constants"], "model": "default", "severity": "low"}  # type: ignore[dict-item]
    assert read({"details": {}}, constants=constants).model == "default"
    assert read(constants=constants).model == "m"
    assert read({"priority": None}, constants=constants).severity is Severity.LOW


def test_a_foreign_form_in_a_field_that_may_be_left_out_loses_no_alert() -> None:
    """The field is unknown, and a note says so by our name and the sender's path, without what was sent."""
    alert = read({"createdAt": 10**30, "details": {"model": "m" * 300, "score/raw": "a person's words"}})
    assert (alert.occurred_at, alert.score, alert.model) == (None, None, None)
    said = "\n".join(alert.notes)
    for name in ("alert.createdAt (our occurred_at)", "/alert/details/score~1raw (our score)", "(our model)"):
        assert name in said
    assert "words" not in alert.model_dump_json()


def test_what_has_no_id_is_told_by_what_it_says() -> None:
    """The same item again is a copy; another is another. An item with nothing of ours in it is refused."""
    first, again, other = read({"alertId": None}), read({"alertId": None}), read({"alertId": None, "message": "x"})
    assert first.fingerprint == again.fingerprint != other.fingerprint
    source = mapped_source(read_mapping({**MAPPING, "alerts_at": None}))
    with pytest.raises(InvalidInput, match="D110"):
        source.parse(b'{"hello": 1}', {})


def test_a_path_that_leads_nowhere_is_refused() -> None:
    """`alerts_at` without alerts is not an empty delivery: the mapping is wrong, or the sender changed."""
    with pytest.raises(InvalidInput, match="D116"):
        mapped_source(read_mapping(MAPPING)).parse(b'{"data": {}}', {})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a.b[1].c", 3),
        ("/a/b/1/c", 3),
        ("/x.y", 4),
        ("/s~1t", 5),
        ("/u~0v", 6),
        ("a.b.1.c", 3),
        ("a.b[9]", None),
        ("a.c.d", None),
    ],
)
def test_paths(path: str, value: int | None) -> None:
    """JSON pointers (RFC 6901) with their escapes, and dotted paths with indices."""
    assert look_up({"a": {"b": [0, {"c": 3}]}, "x.y": 4, "s/t": 5, "u~v": 6}, path) == value


def test_every_problem_of_a_mapping_is_named() -> None:
    """A field that is not ours with the nearest, a path that is none, a severity that is none, a missing id."""
    with pytest.raises(InvalidInput) as caught:
        read_mapping(
            {"source": "X", "fields": {"sevrity": "a"}, "labels": {"a": "a..b"}, "severities": {"P1": "bad"}, "a": 1}
        )
    assert len(caught.value.problems) == 5
    assert 'did you mean "severity"?' in str(caught.value)


def test_a_mapped_source_joins_and_cannot_take_a_name() -> None:
    """It is a source like the others, with its own way to authenticate."""
    known = registry.sources()
    mapping = read_mapping({**MAPPING, "authentication": ["hmac"]})
    joined = registry.with_mapped(known, [mapping])
    assert joined["paging"].signature is not None
    with pytest.raises(InvalidInput, match="D212"):
        registry.with_mapped(known, [mapping.model_copy(update={"source": "generic"})])


def test_our_own_form_names_all_problems_and_notes_what_it_does_not_know() -> None:
    """A wrong value is refused; a field that is not known is left out with a note and the nearest name."""
    wrong = {
        "severity": "hot",
        "subjects": {"min": 3, "max": 1},
        "content_hashes": [{"algorithm": "md5", "value": "x"}],
    }
    with pytest.raises(InvalidInput) as caught:
        parse_generic(json.dumps(wrong).encode(), {})
    fields = [problem.field for problem in caught.value.problems]
    assert fields == ["id", "severity", "subjects.max", "content_hashes[0].value"]
    (alert,) = parse_generic(b'{"id": "1", "sevrity": "high", "what someone said": 1}', {})
    assert "sevrity is not known" in alert.notes[0]
    assert "what someone said" not in alert.model_dump_json()


def small(body: object, headers: dict[str, str] | None = None, **mapping: Any) -> tuple[Alert, ...]:
    """Parse a body, or text, with a small mapping."""
    source = mapped_source(read_mapping({"source": "paging", "fields": {"id": "id"}, **mapping}))
    given = body if isinstance(body, str) else json.dumps(body)
    return source.parse(given.encode(), headers or {})


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("classes[?class=nsfw].score", 0.9),
        ("classes[?flag=true].score", 0.1),
        ("classes[?level=3].score", 0.9),
        ("classes[?class=other].score", None),
        ("classes[*].class", "fine"),
        ("inner.name", "from the text"),
        ("/inner/name", "from the text"),
        ("tags[tag:model]", "chat"),
        ("list[tag:model]", "big:1"),
        ("tags[tag:team]", None),
        ("header:X-Request-Id", "r-7"),
        ("plain.name", None),
    ],
)
def test_paths_by_name_into_texts_and_headers(path: str, found: object) -> None:
    """The order of a list decides nothing; JSON in a text is read; a text that is none is a text."""
    value = {
        "classes": [{"class": "fine", "score": 0.1, "flag": True}, {"class": "nsfw", "score": 0.9, "level": 3}],
        "inner": '{"name": "from the text"}', "plain": "{no", "tags": "env:prod, model:chat", "list": ["model:big:1"],
    }  # fmt: skip
    assert look_up(value, path, {"x-request-id": "r-7"}) == found


def test_conditions_tell_what_is_an_alert() -> None:
    """A value, one of several, or a range. Where the payload does not say it, the alert counts, with a note."""
    for condition, taken in (({"flagged": True}, [True]), ({"level": "2.."}, [2, 9]), ({"kind": ["a", "b"]}, ["a"])):
        (name,) = condition
        none = False if name == "flagged" else 0 if name == "level" else "c"
        assert small({"id": 1, name: none}, alert_when=condition) == ()
        for value in taken:
            (alert,) = small({"id": 1, name: value}, alert_when=condition)
            assert alert.notes == ()
        (silent,) = small({"id": 1}, alert_when=condition)
        assert "does not say" in silent.notes[0]


def test_severities_by_range() -> None:
    """Both ends count; a level between ranges is unknown, with a note."""
    ranges = {"0..3": "info", "4..11": "medium", "12..": "critical"}
    mapping = {"fields": {"id": "id", "severity": "level"}, "severities": ranges}
    read_as = [small({"id": 1, "level": level}, **mapping)[0].severity for level in (0, 3, 4, "11", 12.5, 3.5, "x")]
    assert read_as == ["info", "info", "medium", "medium", "critical", None, None]


def test_times_without_a_zone_and_numbers_in_quotes() -> None:
    """The mapping says the zone; without it the time is unknown and a note says so. An hour that is twice is too."""
    fields = {"fields": {"id": "id", "occurred_at": "at", "occurrences": "n", "score": "s"}}
    (alert,) = small({"id": 1, "at": "2026-07-01 12:00:00", "n": "7", "s": "0.5"}, zone="Europe/Berlin", **fields)
    assert (str(alert.occurred_at), alert.occurrences, alert.score) == ("2026-07-01 10:00:00+00:00", 7, 0.5)
    (naive,) = small({"id": 1, "at": "2026-07-01 12:00:00"}, **fields)
    assert (naive.occurred_at, "names no zone" in naive.notes[0]) == (None, True)
    (twice,) = small({"id": 1, "at": "2026-10-25 02:30:00"}, zone="Europe/Berlin", **fields)
    assert (twice.occurred_at, "happens twice" in twice.notes[0]) == (None, True)
    (counted,) = small({"id": 1, "at": "1795230000123"}, instants="ms", **fields)
    assert str(counted.occurred_at) == "2026-11-21 03:00:00.123000+00:00"


def test_a_status_that_nobody_has_explained_ends_nothing() -> None:
    """Words that mean a beginning or an end need no entry; any other is unknown, unless the mapping says what it is."""
    mapping = {"fields": {"id": "id", "status": "state"}, "statuses": {"0": "resolved"}}
    read_as = [
        small({"id": 1, "state": word}, **mapping)[0] for word in ("Triggered", 0, "resolved", "OK", "NODATA", None)
    ]
    assert [alert.status for alert in read_as] == ["firing", "resolved", "resolved", "resolved", "unknown", "firing"]
    assert [len(alert.notes) for alert in read_as] == [0, 0, 0, 0, 1, 0]
    told = small({"id": 1, "state": "NODATA"}, **{**mapping, "statuses": {"*": "firing"}})[0]
    assert (told.status, told.notes) == ("firing", ())


def test_a_line_each_and_a_form() -> None:
    """What is neither JSON nor lines of JSON is refused with the place in the whole body."""
    assert [one.source_id for one in small('{"id": 1}\n\n{"id": 2}\n')] == ["1", "2"]
    with pytest.raises(InvalidInput, match="line 1, column 1"):
        small("no\nno")
    (alert,) = small('{"id": 1}\nno')
    assert "1 of 2 alerts of this delivery could not be read and are lost: line 2" in alert.notes[0]
    form = {"content-type": "application/x-www-form-urlencoded"}
    types = {"content_types": ["application/x-www-form-urlencoded"]}
    (alert,) = small("payload=%7B%22id%22%3A1%7D&token=x", form, **types)
    assert alert.source_id == "1"
    with pytest.raises(InvalidInput, match="form_field"):
        small("other=%7B%7D", form, **types)


@pytest.mark.parametrize(
    "wrong",
    [{"zone": "Berlin"}, {"severities": {"9..2": "low"}}, {"severities": {"..": "low"}}, {"alert_when": {"a..b": 1}},
     {"fields": {"id": "header:Authorization"}}, {"fields": {"id": "header:x y"}},
     {"fields": {"id": "header:x"}, "authentication": ["hmac"]}],
)  # fmt: skip
def test_a_mapping_that_cannot_be_meant_is_refused(wrong: dict[str, Any]) -> None:
    """A zone that is none, a range without ends, a secret as a field, and what no signature covers."""
    with pytest.raises(InvalidInput, match="D201"):
        read_mapping({"source": "paging", "fields": {"id": "id"}, **wrong})


def test_lists_take_everything_that_a_path_finds() -> None:
    """As identifiers; doubles once."""
    fields = {"id": "id", "entity_types": "found[?hit=true].type", "locators": "where"}
    found = [{"type": "pii/email", "hit": True}, {"type": "x", "hit": False}, {"type": "pii/email", "hit": True}]
    (alert,) = small({"id": 1, "found": found, "where": ["post/1", "post/2"]}, fields=fields)
    assert (alert.entity_types, alert.locators) == (("pii/email",), ("post/1", "post/2"))


def test_one_item_that_cannot_be_read_loses_none_of_its_neighbours() -> None:
    """Whatever it is; each neighbour says that it is missing. Where nothing can be read, everything is refused."""
    strange: tuple[Any, ...] = (7, None, "text", [], {"other": 1})
    for bad in strange:
        alerts = small([{"id": 1}, bad, {"id": 3}])
        assert [one.source_id for one in alerts] == ["1", "3"], bad
        assert all("1 of 3 alerts" in one.notes[0] for one in alerts), bad
    with pytest.raises(InvalidInput, match="D110"):
        small([{"other": 1}, {"other": 2}])
    with pytest.raises(InvalidInput, match="D116"):
        small([{"id": number} for number in range(501)])


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("missing || b.title", "T"),
        ("empty || b.title", "T"),
        ("{b.title}#{n}", "T#7"),
        ("{missing}", None),
        ("{missing}#{n}", "#7"),
        ("digest:{b.title} {n}", hashlib.sha256(b"T 7").hexdigest()),
        ("digest:missing || n", 7),
        ("max:list[*].s", 0.9),
        ("count:list[?s>=0.5]", 1),
        ("count:missing[*]", 0),
        ("$.top", "root"),
        ("list[?k=='b'].s", "0.9"),
        ("list[?k!='a' && s>0.5].k", "b"),
        ("list[?deep.er=='x'].k", "a"),
        ("scores[?@value>=0.5].@key", "sexual"),
        ("flags[?on=true].@key", "hate"),
        ("max:scores[*].@value", 0.8),
    ],
)
def test_expressions(written: str, found: object) -> None:
    """Fallbacks, joins, digests, the largest and how many, from the root, and objects by their keys."""
    item = {
        "b": {"title": "T"}, "n": 7, "empty": "",
        "list": [{"k": "a", "s": 0.1, "deep": {"er": "x"}}, {"k": "b", "s": "0.9"}],
        "scores": {"hate": 0.1, "sexual": 0.8}, "flags": {"hate": {"on": True}, "sexual": {"on": False}},
    }  # fmt: skip
    assert wrong_with(written) == ""
    assert first(Delivered(item, {"top": "root"}), written) == found


@pytest.mark.parametrize(
    "written", ["a..b", "a[?b]", "{a..b}", "digest:", "max:a..b", " || a", "a || " * 9 + "a", "a" * 600]
)
def test_what_is_no_expression_is_refused(written: str) -> None:
    """When the mapping is read, not when an alert comes."""
    with pytest.raises(InvalidInput, match="D201"):
        read_mapping({"source": "paging", "fields": {"id": "id", "title": written}})


@pytest.mark.parametrize(
    ("given", "more"),
    [
        (1795230000, {}), ("1795230000", {}), (1795230000000, {}), ("1795230000000000", {}), (1795230000000000000, {}),
        ("2026-11-21T03:00:00.123456789Z", {}), ("2026-11-21 03:00:00 UTC", {}),
        ("Sat, 21 Nov 2026 03:00:00 +0000", {}),
        ("2026-11-21T03:00:00.000+0000", {}),
        ("21/11/2026 04:00", {"time_formats": ["%d/%m/%Y %H:%M"], "zone": "Europe/Berlin"}),
        (1795230000, {"instants": "s"}),
    ],
)  # fmt: skip
def test_times_in_every_form(given: object, more: dict[str, Any]) -> None:
    """The size of a number says its unit; a form of one's own needs a pattern, and a zone where it names none."""
    (alert,) = small({"id": 1, "at": given}, fields={"id": "id", "occurred_at": "at"}, **more)
    assert alert.notes == ()
    assert str(alert.occurred_at).startswith("2026-11-21 03:00:00")


def test_a_number_of_no_likely_size_is_no_time() -> None:
    """Neither a count nor a year; and where texts alone are times, no number is."""
    for given, more in ((2026, {}), (10**11, {}), (1795230000, {"instants": "rfc3339"})):
        (alert,) = small({"id": 1, "at": given}, fields={"id": "id", "occurred_at": "at"}, **more)
        assert (alert.occurred_at, "says in which unit" in alert.notes[0]) == (None, True)


def test_categories_by_name() -> None:
    """The first that the table explains counts; an unknown one leaves what always holds, and a note."""
    mapping: dict[str, Any] = {
        "fields": {"id": "id", "incident": "found[*].name", "entity_types": "found[*].name"},
        "incidents": {"Sexual": "nonconsensual_content_generation"},
        "constants": {"incident": "data_leakage_in_ai_models"},
        "minor_when": {"found[*].name": "sexual/minors"},
    }
    (alert,) = small({"id": 1, "found": [{"name": "Hate"}, {"name": "sexual"}]}, **mapping)
    assert (alert.incident_type, alert.possible_minor) == ("nonconsensual_content_generation", "unknown")
    (other,) = small(
        {"id": 1, "found": [{"name": "Credit Card"}, {"name": "a sentence that somebody said"}]}, **mapping
    )
    assert (other.incident_type, other.entity_types) == ("data_leakage_in_ai_models", ("Credit_Card",))
    assert [("our incident" in note, "our entity_types" in note) for note in other.notes] == [
        (True, False),
        (False, True),
    ]
    (child,) = small({"id": 1, "found": [{"name": "sexual/minors"}]}, **mapping)
    assert child.possible_minor == "yes"


def test_a_long_id_counts_by_its_digest() -> None:
    """Two that differ at their ends are two detections."""
    one, other = (small({"id": "x" * 400 + end})[0] for end in "ab")
    assert (len(one.source_id), one.fingerprint != other.fingerprint) == (64, True)
