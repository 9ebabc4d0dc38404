"""What strangers send: what is read of it, what is known from it, and what is refused."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from firedoor.core.problems import InvalidInput
from firedoor.core.requests.submission import MAXIMUM_HASHES, MAXIMUM_PLACES, Declaration, Standing, read
from firedoor.core.tasks.request_actions import MAXIMUM_PLACES as OF_A_REQUEST
from firedoor.core.ternary import NO, UNKNOWN, YES

WHOLE: dict[str, Any] = {
    "person": {"is": "parent", "contact": "parent@example.org"}, "locators": ["https://example.org/post/1"],
    "statement": "It shows my child.", "signature": "Invented Person", "age_under_18": True, "language": "fr",
    "declares": ["no_consent", "intimate", "standing", "truth"],
    "hashes": [{"algorithm": "pdq", "value": "AB" * 32}],
}  # fmt: skip
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8).decode()


def codes(body: object, *, further: bool = False) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        read(body, further=further)
    return [problem.code for problem in caught.value.problems]


def test_a_whole_one_comes_back_as_it_was_read() -> None:
    """What is kept sealed is read again after a restart."""
    said = read(WHOLE)
    assert (said.standing, said.under_18, said.language, said.hashes[0].value) == (
        Standing.PARENT,
        YES,
        "fr",
        "ab" * 32,
    )
    assert said.declared == frozenset(Declaration)
    assert read(said.record()) == said
    nothing_ticked = read({"person": {"is": "me"}, "locators": ["album 7"], "declares": []})
    assert read(nothing_ticked.record()) == nothing_ticked


def test_what_a_form_asked_and_somebody_left_out_is_a_no() -> None:
    """A tick that was offered and not made; a signature and a contact that are empty."""
    said = read({"person": {"is": "me"}, "locators": ["album 7"], "declares": ["truth"]})
    assert said.elements == {
        "request_in_writing": "yes", "request_signed": "no", "request_locates_content": "yes",
        "request_gives_contact": "no", "request_states_no_consent": "no", "request_declares_intimate": "no",
        "request_declares_standing": "no", "request_declares_truth": "yes", "complaint_by_person_shown": "no",
    }  # fmt: skip


def test_what_nobody_was_asked_stays_unknown() -> None:
    """A program may send a statement alone: people read it, and nothing is taken for a no."""
    said = read({"person": {"is": "me"}, "statement": "I never agreed to this, it is at album 7."})
    assert not {name for name in said.elements if "declares" in name or "consent" in name}
    assert said.under_18 is UNKNOWN
    assert read({"person": {"is": "me"}, "locators": ["a"], "age_under_18": False}).under_18 is NO


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"person": None}, ["D110"]),
        ({"person": {"is": "friend"}}, ["D113"]),
        ({"person": {"is": "me", "contact": "x" * 301}}, ["D112"]),
        ({"locators": ["x"] * 10_000}, ["D116"]),
        ({"locators": "https://example.org"}, ["D111"]),
        ({"locators": ["data:image/png;base64,AAAA"]}, ["Q111"]),
        ({"statement": f"look: {PNG}"}, ["Q111"]),
        ({"statement": "x" * 5001}, ["D112"]),
        ({"hashes": [{"algorithm": "pdq", "value": PNG}]}, ["D112"]),
        ({"hashes": [{"algorithm": "pdq", "value": "ab"}]}, ["D117"]),
        ({"hashes": [{"algorithm": "jpeg", "value": "ab"}]}, ["D113"]),
        ({"declares": ["everything"]}, ["D113"]),
        ({"language": "tlh"}, ["D113"]),
        ({"age_under_18": "perhaps"}, ["D113"]),
        ({"picture": PNG}, ["D113"]),
        ({"locators": [], "hashes": [], "statement": " "}, ["Q110"]),
        ([], ["D111"]),
    ],
)
def test_what_does_not_fit_is_named_and_not_repeated(change: Any, expected: list[str]) -> None:
    """Each with its field; the problem never quotes what was sent."""
    body = {**WHOLE, **change} if isinstance(change, dict) else change
    assert codes(body) == expected
    with pytest.raises(InvalidInput) as caught:
        read(body)
    assert PNG[:20] not in str(caught.value)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    """A person corrects a form once."""
    assert codes({"person": {"is": "x"}, "locators": ["javascript:x"], "language": "x"}) == ["D113", "Q111", "D113"]


def test_something_further_need_not_say_again_what_is_meant() -> None:
    """A signature that comes later, alone; a picture is refused there as well."""
    assert read({"person": {"is": "me"}, "signature": "Invented Person"}, further=True).signature == "Invented Person"
    assert codes({"person": {"is": "me"}, "statement": PNG}, further=True) == ["Q111"]


def test_one_request_fits_into_what_an_incident_takes() -> None:
    """The most places and hashes that may be sent are fewer than a request of an incident may have."""
    assert MAXIMUM_PLACES + MAXIMUM_HASHES <= OF_A_REQUEST
