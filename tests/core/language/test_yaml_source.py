"""YAML as people write it, and YAML as attackers write it: what is read, and where each refusal points."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from firedoor.core.json_types import as_object
from firedoor.core.language.yaml_source import MAXIMUM_BYTES, Source, read_yaml
from firedoor.core.problems import InvalidInput
from firedoor.core.text import clean_text


def refusal(text: str | bytes) -> tuple[str, int, int]:
    """The code, line and column of the first problem of a text that must be refused."""
    with pytest.raises(InvalidInput) as caught:
        read_yaml(text, "p.yaml")
    place = caught.value.problems[0].place
    assert place is not None
    return caught.value.problems[0].code, place.line, place.column


def test_plain_values_are_read_as_yaml_1_2_reads_them() -> None:
    """Numbers and true/false are themselves; yes, no, on, dates, times and octals are words."""
    source = read_yaml("a: 12\nb: true\nc: yes\nd: no\ne: on\nf: 2026-11-21\ng: 0o17\nh: 12:30\ni: ~\nj: '7'", "p.yaml")
    assert source.data == {
        "a": 12,
        "b": True,
        "c": "yes",
        "d": "no",
        "e": "on",
        "f": "2026-11-21",
        "g": "0o17",
        "h": "12:30",
        "i": None,
        "j": "7",
    }


def test_every_part_knows_its_place() -> None:
    """Keys and items carry line and column; a part that is not there is at the nearest part around it."""
    source = read_yaml("a:\n  - b: 1\n    c: 2\n", "p.yaml")
    assert str(source.place(("a", 0, "c"))) == "p.yaml:3:5"
    assert str(source.place(("a", 0, "missing"))) == "p.yaml:2:5"
    assert str(source.place(())) == "p.yaml:1:1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: &x 1\nb: *x", ("Y105", 1, 4)),
        ("a: [&x [1], *x]", ("Y105", 1, 5)),
        ("b: *nothing", ("Y105", 1, 4)),
        ("a: 1\nb: !!python/object/apply:os.system [id]", ("Y105", 2, 4)),
        ("a: !!int '1'", ("Y105", 1, 4)),
        ("a: 1\n<<: {b: 2}", ("Y105", 2, 1)),
        ("a: 1\nb: 2\na: 3", ("Y107", 3, 1)),
        ("a:\n  x: 1\n  x: 2", ("Y107", 3, 3)),
        ('a: 1\nb: "\\ud800"', ("Y101", 2, 7)),
        ("? [a, b]\n: 1", ("Y106", 1, 3)),
        ("a: 1\n--- \nb: 2", ("Y101", 2, 1)),
        ("a: 1\nb: ]", ("Y101", 2, 4)),
        ("a:\n\tb: 1", ("Y101", 2, 1)),
        ("", ("Y102", 1, 1)),
        ("# only a comment", ("Y102", 1, 1)),
    ],
)
def test_what_is_refused_says_where(text: str, expected: tuple[str, int, int]) -> None:
    """Aliases, anchors, tags, merge keys, doubled keys, odd keys and broken syntax, each with line and column."""
    assert refusal(text) == expected


def test_ten_megabytes_are_not_even_decoded() -> None:
    """Size is looked at before anything else."""
    assert refusal(b"a" * 10_000_000) == ("Y103", 1, 1)
    assert read_yaml("a: " + "b" * (MAXIMUM_BYTES - 3), "p.yaml").data["a"]


def test_a_bomb_of_aliases_is_refused_at_its_first_anchor() -> None:
    """The classic bomb never expands: its first line is already refused."""
    bomb = "a: &a [x, x]\n" + "".join(f"{n}: &{n} [*{p}, *{p}]\n" for p, n in zip("abcdefgh", "bcdefghi", strict=True))
    assert refusal(bomb) == ("Y105", 1, 4)


def test_nesting_is_limited() -> None:
    """Forty levels are read, forty-one are refused where the forty-first begins."""
    assert read_yaml("[" * 40 + "]" * 40, "p.yaml").data
    assert refusal("[" * 41 + "]" * 41) == ("Y105", 1, 41)
    assert refusal("[" * 100_000)[0] == "Y105"


def test_the_number_of_parts_is_limited() -> None:
    """A long list of small things is refused before a tree is built from it."""
    assert refusal("[" + "1," * 60_000 + "]")[0] == "Y105"


def test_text_that_is_not_utf_8_says_on_which_line() -> None:
    """A Latin-1 file is refused at the line of its first wrong byte; a byte-order mark is fine."""
    assert refusal(b"a: 1\nb: caf\xe9")[:2] == ("Y104", 2)
    assert read_yaml(b"\xef\xbb\xbfa: 1", "p.yaml").data == {"a": 1}


def test_all_doubled_keys_are_named_at_once() -> None:
    """Problems are collected, so that one visit repairs the file."""
    with pytest.raises(InvalidInput) as caught:
        read_yaml("a: 1\na: 2\nb: 1\nb: 2", "p.yaml")
    assert [problem.place.line for problem in caught.value.problems if problem.place] == [2, 4]


_words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12).filter(
    lambda word: word != "<<"
)
_data = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | _words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_words, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(_words, _data, min_size=1, max_size=5))
def test_what_is_quoted_comes_back(data: dict[str, object]) -> None:
    """Whatever a YAML writer quotes is read back as it was, but for what no reader sees, and every key has a place."""
    source = read_yaml(yaml.safe_dump(data, default_style=None, allow_unicode=True), "p.yaml")
    assert _comparable(source.data) == _comparable(_cleaned(data))
    assert all((key,) in source.places for key in as_object(source.data))


@given(st.binary(max_size=300))
def test_no_bytes_whatever_cause_anything_but_a_problem(content: bytes) -> None:
    """Any bytes are read or refused as a problem with a place; nothing else is ever raised."""
    try:
        problems: tuple[str, ...] = () if isinstance(read_yaml(content, "p.yaml"), Source) else ("not a source",)
    except InvalidInput as error:
        problems = tuple(problem.message for problem in error.problems if problem.place is None)
    assert problems == ()


def _cleaned(value: object) -> object:
    """The data with every value as the one cleaner leaves it; keys are names, which models compare."""
    if isinstance(value, dict):
        return {key: _cleaned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    return clean_text(value, lines=True) if isinstance(value, str) else value


def _comparable(value: object) -> object:
    """Words that only a YAML 1.1 writer leaves unquoted differ by style, not by meaning: compare as text."""
    if isinstance(value, dict):
        return {str(key): _comparable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    return str(value)
