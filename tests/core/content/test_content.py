"""The gate of content: what is refused whatever it is called and however it is dressed, and what is kept."""

from __future__ import annotations

import base64
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.attacks.disguises import DISGUISES, HARMLESS, PLANT, PNG

from firedoor.alerts.registry import example_body, sources
from firedoor.core.content import ContentKind, hidden, judge
from firedoor.core.content.locators import locator_fault
from firedoor.runtime.documents.formats import Paper, on_paper

LETTER = Paper(
    "INC-1", "eu.gdpr.art33.sa", "Notice", "en", "approved", "# Notice\n\nDear *authority*,\n\n- one\n- two\n"
)


def test_there_are_enough_disguises() -> None:
    """At least sixty, so that nobody thins them out unnoticed."""
    assert len(DISGUISES) >= 60


@pytest.mark.parametrize("name", DISGUISES)
def test_no_disguise_is_kept(name: str) -> None:
    """By its bytes alone: no name and no media type is asked for; the reason is in words and quotes nothing."""
    verdict = judge(DISGUISES[name])
    assert not verdict.keep, verdict
    assert verdict.why
    assert PLANT.decode()[:16] not in verdict.why + verdict.what


@pytest.mark.parametrize("name", HARMLESS)
def test_what_responders_need_is_kept(name: str) -> None:
    """Logs, tables, keys, certificates, digests, letters: a gate that refuses these would be opened for good."""
    assert judge(HARMLESS[name]).keep, judge(HARMLESS[name])


@pytest.mark.parametrize("form", ["md", "txt", "html", "pdf", "docx"])
def test_a_letter_that_we_print_is_kept(form: str) -> None:
    """So that it can be handed in as what was sent; it is proved by its bytes as every other one is."""
    assert judge(on_paper(LETTER, form)).keep, judge(on_paper(LETTER, form))


def test_a_picture_in_our_own_letter_is_found() -> None:
    """The same PDF with a picture among its objects."""
    paper = on_paper(LETTER, "pdf")
    picture = b"9 0 obj\n<</Subtype /Image/Length 3>>\nstream\nabc\nendstream\nendobj\n"
    assert "Image" in judge(paper.replace(b"5 0 obj", picture + b"5 0 obj", 1)).why


@given(st.integers(0, 40), st.integers(0, 40), st.sampled_from(["", " ", "\n", '", "', "\\n"]), st.integers(3, 90))
def test_base64_of_a_picture_is_found_wherever_it_begins(junk: int, before: int, gap: str, width: int) -> None:
    """Behind letters of any number, behind bytes of any number, and cut into pieces of any width."""
    encoded = base64.b64encode(bytes(before) + PNG[:300]).decode()
    text = "x" * junk + gap.join(encoded[at : at + width] for at in range(0, len(encoded), width))
    assert judge(text.encode()).kind is ContentKind.PICTURE


@given(st.text(max_size=3000))
def test_text_is_judged_without_an_error(text: str) -> None:
    """Whatever the letters are."""
    assert judge(text.encode("utf-8", "surrogatepass")).kind in ContentKind


@given(st.binary(min_size=1, max_size=3000))
def test_bytes_are_judged_without_an_error(content: bytes) -> None:
    """Also behind the beginnings of documents, which are taken apart."""
    for head in (b"", b"%PDF-1.7\n", b"PK\x03\x04"):
        assert judge(head + content).kind in ContentKind


def test_a_large_text_is_read_to_its_end() -> None:
    """A picture behind five million harmless bytes, also where it lies across two parts."""
    for size in (262_000, 262_140, 5_000_000):
        assert not judge(b"a line\n" * (size // 7) + base64.b64encode(PNG)).keep


def test_runs_that_are_too_short_for_a_picture_cost_no_squares() -> None:
    """What makes a careless pattern read everything again from every place ends at once."""
    for piece in (b"12, ", b"<~", b"0101", "ж".encode(), b"BI ", b"begin ", b"data:", b"AAAA", b"\\\\", b"%4", b"0x"):
        judge(piece * (400_000 // len(piece)))


@pytest.mark.parametrize(
    "text",
    [
        "data:image/png;base64,AAAA",
        " DATA:text/html,x",
        "%64ata:image/png,x",
        "da\u200bta:,x",
        "d\tata:,",
        "blob:https://a/1",
        "javascript:alert(1)",
        "https://a.example/?u=data:image/png;base64,AA",
        "view-source:data:,x",
        "",
        "x" * 2049,
        "s3://b/" + base64.b64encode(PNG[:60]).decode(),
        "k/" + PNG[:40].hex(),
    ],
)
def test_no_locator_is_the_content_itself(text: str) -> None:
    """By its scheme however it is written, by its length, and by what it hides."""
    assert locator_fault(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/post/8812?ref=a%20b",
        "s3://bucket/gallery/2026/11/x.png",
        "log/2026-11-20/8812",
        "urn:uuid:0f8b",
        "C:\\store\\8812",
        "metadata:8812",
        "https://b.s3.example.org/k?X-Amz-Signature=" + "ab" * 32,
        "post/8812 (the second picture)",
    ],
)
def test_an_address_or_a_key_is_a_locator(text: str) -> None:
    """Also one that names a picture: it says where, not what."""
    assert locator_fault(text) == ""


def test_no_example_of_a_source_hides_anything() -> None:
    """What we show others to send is let through."""
    shown = [example for source in sources().values() for example in source.examples]
    assert [example.file for example in shown if hidden(example_body(example).decode())] == []


def test_tokens_of_random_bytes_are_let_through() -> None:
    """A key, a signature or a digest of any usual length, in base64 and in hexadecimal."""
    noise = random.Random(3)  # noqa: S311 - the same bytes in every run
    for size in (16, 20, 32, 48, 64, 96, 128, 144, 256, 384, 512, 1000):
        content = noise.randbytes(size)
        assert judge(base64.b64encode(content)).keep
        assert judge(content.hex().encode()).keep
