"""What somebody else's answer holds is read without trusting its form."""

from __future__ import annotations

import pytest

from firedoor.core.json_types import array_at, as_array, as_object, as_objects, object_at, objects_at, text_at

ANSWER = {"spec": {"pod": {"name": "chat"}}, "items": [{"id": 1}, "no object", {"id": 2}], "name": "chat", "port": 80}


def test_what_is_there_is_returned_as_it_is() -> None:
    """Objects inside each other, arrays and texts."""
    assert object_at(ANSWER, "spec", "pod") == {"name": "chat"}
    assert array_at(ANSWER, "items") == ANSWER["items"]
    assert list(objects_at(ANSWER, "items")) == [{"id": 1}, {"id": 2}]
    assert text_at(ANSWER, "name") == "chat"


@pytest.mark.parametrize("name", ["name", "port", "items", "absent"])
def test_another_kind_reads_as_an_empty_object(name: str) -> None:
    """A text where an object should stand ends in no traceback, nor does one on the way to it."""
    assert object_at(ANSWER, name) == object_at(ANSWER, name, "deeper") == {}


def test_a_text_is_no_array_and_a_number_no_text() -> None:
    """Letters are no items, and nobody is called 80."""
    assert as_array("chat") == ()
    assert array_at(ANSWER, "name") == ()
    assert text_at(ANSWER, "port") == ""
    assert as_object(["chat"]) == {}
    assert list(as_objects("chat")) == []
