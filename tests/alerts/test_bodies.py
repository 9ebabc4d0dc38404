"""Forms of bodies: gzip, a byte order mark, lines, a form, text; each within its bounds."""

from __future__ import annotations

import gzip
import json
from urllib.parse import urlencode

import pytest

from firedoor.alerts import registry
from firedoor.alerts.mapped_item import mapped_source
from firedoor.alerts.mapping import read_mapping
from firedoor.core.alerts.alert import Alert
from firedoor.core.problems import InvalidInput


def packed(body: bytes) -> bytes:
    """Compressed, the same on every call."""
    return gzip.compress(body, mtime=0)


ITEM = {"id": "7", "severity": "high", "incident": "data_leakage_in_ai_models"}
TEXT = json.dumps(ITEM).encode()
SOURCE = mapped_source(read_mapping({"source": "paging", "fields": {"id": "id", "severity": "severity"}}))


def read(body: bytes, kind: str = "application/json", encoding: str = "") -> tuple[Alert, ...]:
    """Parse a body of the mapped source."""
    headers = {"content-type": kind, **({"content-encoding": encoding} if encoding else {})}
    return SOURCE.parse(body, headers)


@pytest.mark.parametrize(
    ("body", "kind", "encoding"),
    [
        (TEXT, "application/json", ""),
        (TEXT, "text/plain; charset=UTF-8", ""),
        (b"\xef\xbb\xbf" + TEXT, "application/json", ""),
        (packed(TEXT), "application/json", "gzip"),
        (packed(TEXT), "application/json", ""),
        (packed(b"\xef\xbb\xbf" + TEXT), "application/x-ndjson", "gzip"),
        (TEXT, "application/json", "gzip"),  # a proxy has unpacked it and left the header
        (b"[" + TEXT + b"]", "application/json", ""),
        (b"\n" + TEXT + b"\r\n", "application/x-ndjson", ""),
        (urlencode({"token": "x", "payload": TEXT}).encode(), "application/x-www-form-urlencoded", ""),
    ],
    ids=range(10),
)  # fmt: skip
def test_one_alert_in_every_form(body: bytes, kind: str, encoding: str) -> None:
    """It is the same alert, but for the digest of the bytes as they came."""
    (alert,) = read(body, kind, encoding)
    assert (alert.source_id, alert.severity, alert.notes) == ("7", "high", ())


def test_our_own_form_takes_lines_and_gzip_as_well() -> None:
    """A line that is none is named on the others."""
    lines = TEXT + b"\n" + TEXT.replace(b"7", b"8") + b"\n{no\n"
    alerts = registry.find("generic").parse(packed(lines), {"content-type": "application/x-ndjson"})
    assert [one.source_id for one in alerts] == ["7", "8"]
    assert all("line 3" in one.notes[0] for one in alerts)


@pytest.mark.parametrize(
    ("body", "encoding", "code"),
    [
        (packed(b" " * (64 * 1024 * 1024)), "gzip", "D101"),
        (packed(TEXT)[:-3], "gzip", "D108"),
        (packed(TEXT) + b"more", "gzip", "D108"),
        (packed(packed(TEXT)), "gzip", "D103"),
        (TEXT, "br", "D108"),
        ("{}".encode("utf-16"), "", "D103"),
        (b"{}\n" * 501, "", "D116"),
        (b'{"a":' * 20 + b"1" + b"}" * 20, "", "D102"),
    ],
    ids=range(8),
)  # fmt: skip
def test_what_is_out_of_bounds_is_refused(body: bytes, encoding: str, code: str) -> None:
    """A bomb, half a stream, two, another compression, too many lines, too deep."""
    with pytest.raises(InvalidInput) as caught:
        read(body, "application/json", encoding)
    assert caught.value.problems[0].code == code
