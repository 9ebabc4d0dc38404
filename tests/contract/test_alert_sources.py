"""What every source of alerts must keep, ours and outsiders'. A new source is tested by being found."""

from __future__ import annotations

import contextlib
import copy
import gzip
import json
import re
import tracemalloc
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firedoor.alerts import registry
from firedoor.alerts.shipped import shipped
from firedoor.alerts.source import AlertSource, Example
from firedoor.core.alerts.alert import Alert
from firedoor.core.problems import InvalidInput

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "send-alerts.md"
CANARY = "Zuckerrübe canary 7731"
SOURCES = list(registry.sources().values())
OURS = [source for source in SOURCES if all(shown.package.startswith("firedoor.") for shown in source.examples)]
WRITTEN = [source for source in OURS if source.id not in shipped()]  # in code, with a section of the how-to each
# All mappings are read by the same code: what concerns the bytes is tried with two of them.
BY_BYTES = [source for source in SOURCES if source.id not in shipped() or source.id in ("guardduty", "trufflehog")]
EXAMPLES = [(source, example) for source in SOURCES for example in source.examples]

every_reader = pytest.mark.parametrize("source", BY_BYTES, ids=lambda source: source.id)
every_source = pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.id)
every_example = pytest.mark.parametrize(
    ("source", "example"),
    EXAMPLES,
    ids=lambda item: getattr(item, "file", item.id if isinstance(item, AlertSource) else None),
)

# Keys under which a payload carries words of people or of a model, whatever the source.
TEXTS = (
    "text", "output", "prompt", "completion", "quote", "description", "message", "runbook_url", "analysis_explanation",
    "recognition_metadata", "anything", "comment", "body", "details",
)  # fmt: skip
# Objects that identify or configure, in which every key is the sender's own name for something.
IDENTITIES = ("labels", "groupLabels", "commonLabels", "thresholds", "content_hashes", "subjects")


class Lines(list[Any]):
    """JSON values of which each is a line."""


def payloads(example: Example) -> Lines:
    """The JSON values of an example: one, or one on each line."""
    body = registry.example_body(example)
    try:
        return Lines([json.loads(body)])
    except json.JSONDecodeError:
        return Lines(json.loads(line) for line in body.splitlines())


def parsed(source: AlertSource, example: Example, payload: Any = None) -> tuple[Alert, ...]:
    """Parse an example, or something put in its place, under the example's headers."""
    lines = payload if isinstance(payload, Lines) else [payload]
    body = registry.example_body(example) if payload is None else "\n".join(map(json.dumps, lines)).encode()
    return source.parse(body, example.headers)


def objects(value: Any, skip: tuple[str, ...] = ()) -> Iterator[dict[str, Any]]:
    """Yield every object inside a JSON value, the outer ones first, without those under certain names."""
    if isinstance(value, dict):
        yield value
        for name, inner in value.items():
            yield from objects(inner, skip) if name not in skip else ()
    for inner in value if isinstance(value, list) else ():
        yield from objects(inner, skip)


def turned(value: Any) -> Any:
    """Return the same JSON with the keys of every object in reverse order."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(value)}
    return [turned(item) for item in value] if isinstance(value, list) else value


def identities(alerts: tuple[Alert, ...]) -> list[tuple[str, str]]:
    """Return what tells each detection from another."""
    return [(alert.fingerprint, alert.episode) for alert in alerts]


def refuses(source: AlertSource, body: bytes, headers: Mapping[str, str]) -> InvalidInput:
    """Return the InvalidInput that a body must lead to; every problem has a code and something to do."""
    with pytest.raises(InvalidInput) as caught:
        source.parse(body, headers)
    assert all(problem.code and problem.message for problem in caught.value.problems)
    return caught.value


def test_the_sources_of_the_house_are_found() -> None:
    """A source is found because its file is there, and listed under its own id."""
    assert set(registry.sources()) >= {"alertmanager", "cloudevents", "generic", "presidio"}
    assert all(name == source.id for name, source in registry.sources().items())


@every_source
def test_a_source_describes_itself(source: AlertSource) -> None:
    """Each has a title, examples, media types, and a way to authenticate that it fully describes."""
    assert all((source.title, source.examples, source.content_types, source.authentication))
    assert (source.signature is not None) == ("hmac" in source.authentication)


@pytest.mark.parametrize("source", WRITTEN, ids=lambda source: source.id)
def test_a_source_is_documented(source: AlertSource) -> None:
    """The how-to has a section for each that is code, names its address and every example that ships."""
    text = DOCUMENT.read_text(encoding="utf-8")
    wanted = [f"(`{source.id}`)", f"/api/v1/alerts/{source.id}", *(example.file for example in source.examples)]
    assert not [words for words in wanted if words not in text]


def test_no_example_is_orphaned() -> None:
    """Every payload that ships belongs to a source, so the suite has read it."""
    lying = {file.name for file in files("firedoor.alerts.examples").iterdir() if file.name.endswith(".json")}
    assert lying == {example.file for source, example in EXAMPLES if source in WRITTEN}


@every_example
def test_an_example_is_at_least_one_alert(source: AlertSource, example: Example) -> None:
    """What we show people to send is understood: one alert at least has a severity, a place and a kind of incident."""
    alerts = parsed(source, example)
    assert {alert.source for alert in alerts} == {source.id}
    assert any(alert.severity and alert.incident_type and (alert.model or alert.dataset) for alert in alerts)
    assert source in WRITTEN or not [alert.notes for alert in alerts if alert.notes]


@every_example
def test_the_same_bytes_give_the_same_alerts(source: AlertSource, example: Example) -> None:
    """Parsing reads no clock and no chance."""
    assert parsed(source, example) == parsed(source, example)


@every_example
def test_an_alert_survives_the_journal(source: AlertSource, example: Example) -> None:
    """The record holds no fraction, which the canonical form refuses, and reads back as the same alert."""
    for alert in parsed(source, example):
        text = json.dumps(alert.record(), allow_nan=False)
        assert not any(isinstance(value, float) for inner in objects(json.loads(text)) for value in inner.values())
        assert Alert.model_validate(json.loads(text)) == alert


@every_example
def test_another_order_of_keys_is_the_same_detection(source: AlertSource, example: Example) -> None:
    """A sender whose maps have no order delivers the same detection twice, not two detections."""
    payload = Lines(turned(one) for one in payloads(example))
    assert identities(parsed(source, example, payload)) == identities(parsed(source, example))


@every_example
def test_detections_differ_in_their_fingerprints(source: AlertSource, example: Example) -> None:
    """Two detections in one example are two fingerprints."""
    alerts = parsed(source, example)
    assert len({alert.fingerprint for alert in alerts}) == len({alert.detection_key for alert in alerts}) == len(alerts)


def test_sources_do_not_share_fingerprints() -> None:
    """The same id from two sources is two detections; every example of every source differs."""
    fingerprints = [alert.fingerprint for source, example in EXAMPLES for alert in parsed(source, example)]
    assert len(set(fingerprints)) == len(fingerprints)


@every_example
def test_no_text_gets_into_the_alert(source: AlertSource, example: Example) -> None:
    """Words put under every name that carries words, in every object, are nowhere in the alert, not even in part."""
    payload = payloads(example)
    for inner in list(objects(payload, skip=IDENTITIES)):
        inner.update(dict.fromkeys(TEXTS, CANARY))
    shown = "".join(alert.model_dump_json() for alert in parsed(source, example, payload))
    assert not [part for part in ("canary 7731", "Zucker") if part in shown]


@every_example
def test_a_refusal_does_not_quote_what_was_sent(source: AlertSource, example: Example) -> None:
    """The message of a problem names fields: a value may be what leaked."""
    payload = payloads(example)
    for inner in list(objects(payload)):
        inner.update(dict.fromkeys(inner, f"{CANARY}\n" + "x" * 3000))
    with contextlib.suppress(InvalidInput):
        parsed(source, example, payload)
        return
    assert "canary 7731" not in str(refuses(source, json.dumps(payload).encode(), example.headers))


HOSTILE: Mapping[str, bytes] = {
    "nothing": b"",
    "no JSON": b"alert!",
    "half of it": b'{"version": "4", "alerts": [',
    "a string": b'"alert"',
    "a number": b"4",
    "null": b"null",
    "an array of numbers": b"[1, 2]",
    "nested arrays": b"[" * 100_000,
    "nested objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "nesting behind quotes": b'{"a\\"": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "quotes without end": b"[" + b"[]," * 20 + b'"' + b'\\"' * 300_000,
    "brackets in strings": b'["' + b"[{" * 10_000 + b'"]',
    "NaN": b'{"id": "1", "score": NaN}',
    "infinity": b'{"id": "1", "score": 1e999}',
    "a number without end": b'{"id": "1", "score": ' + b"9" * 100_000 + b"}",
    "a key twice": b'{"id": "1", "id": "2", "version": "4", "version": "4"}',
    "many keys twice": b"{" + b",".join(b'"%d":1' % (index % 40_000) for index in range(60_000)) + b"}",
    "not UTF-8": b'{"id": "\xff"}',
    "UTF-16": '{"id": "1"}'.encode("utf-16"),
    "two byte order marks": b'\xef\xbb\xbf\xef\xbb\xbf{"id": "1"}',
    "a bomb": gzip.compress(mtime=0, data=b" " * (64 * 1024 * 1024)),
    "half of a gzip stream": gzip.compress(mtime=0, data=b'{"id": "1"}')[:-4],
    "two gzip streams": gzip.compress(mtime=0, data=b'{"id": "1"}') * 2,
    "half a surrogate pair": b'{"id": "\\ud800", "a": "\\udc00"}',
    "half a pair as a key": b'{"\\ud800": 1}',
    "control characters": b'{"id": "\x00"}',
    "too large": b'{"id": "' + b"x" * (1024 * 1024) + b'"}',
    "many wrong values": b"[" + b",".join([b'"\\ud800"'] * 90_000) + b"]",
    "a date without a zone": b'{"id": "1", "occurred_at": "2026-11-21T03:00:00", "version": "4", "alerts": '
                             b'[{"labels": {"a": "b"}, "startsAt": "2026-11-21T03:00:00"}]}',
}  # fmt: skip


@every_reader
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bytes_are_refused_in_little_memory(source: AlertSource, name: str) -> None:
    """Whatever the bytes, the answer is an InvalidInput that says what to do: no crash, no heap."""
    tracemalloc.start()
    error = refuses(source, HOSTILE[name], source.examples[0].headers)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200 * 1024 * 1024
    assert 1 <= len(error.problems) <= 51


@every_source
def test_another_media_type_is_refused(source: AlertSource) -> None:
    """XML is not guessed at; a media type with parameters is the same media type."""
    body = registry.example_body(source.examples[0])
    error = refuses(source, body, {"Content-Type": "application/xml"})
    assert error.problems[0].code == "D100"
    assert source.parse(body, {"Content-Type": f"{source.content_types[0]}; charset=utf-8"})


@every_source
def test_a_file_without_headers_is_read(source: AlertSource) -> None:
    """`firedoor alert parse` has a file and no request."""
    assert source.parse(registry.example_body(source.examples[0]), {})


WRONG: tuple[Any, ...] = (7, [], None, {}, [[]], True, "", "\u0000", -1.5)


@every_example
def test_no_value_may_be_of_another_type(source: AlertSource, example: Example) -> None:
    """Each value in turn becomes a number, a list, null, an object: an alert or an InvalidInput, and nothing else.

    A vendor's alert is never lost over it, unless it is by this value that the mapping tells what an alert is.
    """
    given, told = payloads(example), len(parsed(source, example))
    tells = _telling(source)
    for index, inner in enumerate(objects(given)):
        for key, value in inner.items():
            for wrong in WRONG if source in WRITTEN else (*WRONG[:4], "not-a-word", "x" * 3000, "2026-13-45 25:61"):
                payload = copy.deepcopy(given)
                list(objects(payload))[index][key] = wrong
                found = _alerts(source, example, payload)
                lost = source not in WRITTEN and not isinstance(value, (dict, list)) and found != told
                assert not lost or key in tells, (key, wrong)


def _telling(source: AlertSource) -> set[str]:
    """The names of fields by which a mapping tells what is an alert, and where the alerts are."""
    mapping = shipped().get(source.id)
    written = [*mapping.alert_when, mapping.alerts_at or ""] if mapping else []
    return {name for one in written for name in re.findall(r"[\w@/-]+", one)} | {"Message"}


def _alerts(source: AlertSource, example: Example, payload: Any) -> int:
    try:
        return len(parsed(source, example, payload))
    except InvalidInput:
        return 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.sampled_from(TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)


@every_example
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_mutations_of_an_example_raise_nothing_else(source: AlertSource, example: Example, data: st.DataObject) -> None:
    """Values replaced, fields dropped and added, bytes flipped: an alert or an InvalidInput, and nothing else."""
    payload = payloads(example)
    for _ in range(data.draw(st.integers(1, 3))):
        inner = data.draw(st.sampled_from(list(objects(payload))))
        key = data.draw(st.sampled_from(sorted(inner)) | st.text(max_size=8)) if inner else "x"
        inner.pop(key, None) if data.draw(st.booleans()) else inner.update({key: data.draw(JSON)})
    body = bytearray("\n".join(map(json.dumps, payload)).encode())
    if data.draw(st.booleans()):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InvalidInput):
        for alert in source.parse(bytes(body), example.headers):
            alert.model_dump_json()


def test_an_outsiders_source_joins_and_cannot_replace_ours() -> None:
    """An entry point adds a source; one that takes the name of ours, or is none, is refused with both problems."""
    ours = registry.find("generic")
    other = AlertSource(id="other", title="Other", content_types=ours.content_types, authentication=("bearer",),
                        parse=ours.parse, examples=ours.examples)  # fmt: skip
    assert list(registry.collected([ours], [("other", other)])) == ["generic", "other"]
    with pytest.raises(InvalidInput) as caught:
        registry.collected([ours], [("mine", ours), ("wrong", "a string")])
    assert [problem.code for problem in caught.value.problems] == ["D212", "D211"]
