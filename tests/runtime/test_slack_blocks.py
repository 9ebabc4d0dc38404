"""Whatever an incident holds, what is posted keeps Slack's limits, mentions nobody by itself and opens no link."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from firedoor.core.ports import Line, Notice, Standing
from firedoor.interfaces.slack import blocks
from firedoor.interfaces.slack.signing import is_signed, signature

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
LINK = "https://firedoor.test/incidents/INC-2026-0042"
PLAIN = Standing(incident="INC-2026-0042", state="open", severity="high", restricted=False, link=LINK)
words = st.one_of(
    st.text(max_size=200), st.text(min_size=2900, max_size=4000), st.sampled_from(["<!channel>", "<@U1>"])
)
instants = st.none() | st.just(NOW)
lines = st.lists(st.builds(Line, name=words, who=words, due_at=instants), max_size=3).map(lambda few: tuple(few * 4))
standings = st.builds(
    Standing, incident=st.just("INC-2026-0042"), state=words, severity=words, restricted=st.booleans(),
    link=st.just(LINK), tasks=lines, clocks=lines,
)  # fmt: skip
notices = st.builds(
    Notice, key=st.just("k"), handle=st.just("a" * 32), incident=st.just("INC-2026-0042"), link=st.just(LINK),
    kind=st.sampled_from(["task", "reminder", "escalation", "message", "state"]), made_at=st.just(NOW),
    roles=st.lists(words, max_size=3).map(tuple), people=st.integers(0, 300).map(lambda number: ("U012345",) * number),
    task=st.sampled_from(["", "T1"]), clock=words, due_at=instants, question=words,
    became=st.sampled_from(["", "decided", "withdrawn"]), standing=st.just(PLAIN),
    choices=st.one_of(
        st.lists(st.tuples(st.just("yes"), words), max_size=8), st.integers(0, 150).map(lambda n: [("yes", "Yes")] * n)
    ).map(tuple),
)  # fmt: skip


def kept(content: list[dict[str, Any]]) -> None:
    """Every limit of Slack's that our layouts can meet."""
    assert 1 <= len(content) <= blocks.BLOCKS
    names = [part["action_id"] for part in parts(content) if "action_id" in part]
    assert len(names) == len(set(names))
    for part in parts(content):
        match part.get("type"):
            case "mrkdwn":
                assert 1 <= len(part["text"]) <= blocks.SECTION
            case "button":
                assert 1 <= len(part["text"]["text"]) <= blocks.BUTTON_TEXT
                assert len(part["value"]) <= blocks.BUTTON_VALUE
            case "static_select":
                assert 1 <= len(part["options"]) <= blocks.OPTIONS
                assert all(1 <= len(one["text"]["text"]) <= blocks.OPTION_TEXT for one in part["options"])
                assert all(len(one["value"]) <= blocks.OPTION_VALUE for one in part["options"])
            case "actions":
                assert 1 <= len(part["elements"]) <= 25
            case "context":
                assert 1 <= len(part["elements"]) <= 10


def parts(content: Any) -> Iterator[dict[str, Any]]:
    if isinstance(content, dict):
        yield content
        for inner in content.values():
            yield from parts(inner)
    elif isinstance(content, list):
        for inner in content:
            yield from parts(inner)


def unquoted(content: Any) -> str:
    """The text without what we write between angle brackets ourselves."""
    said = "".join(part["text"] for part in parts(content) if part.get("type") == "mrkdwn")
    for own in (f"<{LINK}|", "<@U012345>", "<!date^"):
        said = said.replace(own, "")
    return said


@settings(max_examples=40)
@given(notices)
def test_a_notice_keeps_the_limits(notice: Notice) -> None:
    """However long the question, however many choices and people; and a button is the handle and a number."""
    content = blocks.post(notice)
    kept(content)
    assert "<" not in unquoted(content)
    values = [part["value"].partition(".") for part in parts(content) if part.get("type") == "button"]
    assert all(handle == notice.handle and number.isdigit() for handle, _, number in values)


@settings(max_examples=40)
@given(standings)
def test_a_summary_keeps_the_limits(standing: Standing) -> None:
    """However much waits."""
    content = blocks.summary(standing)
    kept(content)
    assert "<" not in unquoted(content)


@settings(max_examples=40)
@given(notices, words)
def test_a_form_keeps_the_limits(notice: Notice, label: str) -> None:
    """Its title, its buttons, its metadata and its input."""
    form = blocks.reason_modal(notice, label, "x" * 5000)
    kept(form["blocks"])
    assert len(form["private_metadata"]) <= blocks.METADATA
    assert all(1 <= len(form[name]["text"]) <= blocks.MODAL_TITLE for name in ("title", "submit", "close"))


@settings(max_examples=40)
@given(st.builds(lambda few, times: few * times, st.lists(words, max_size=4), st.integers(1, 40)))
def test_a_list_keeps_the_limits_and_says_how_much_it_leaves_out(said: list[str]) -> None:
    """Fifty blocks are the most."""
    content = blocks.listing(said)
    kept(content)
    if len(said) > blocks.BLOCKS - 1:
        assert f"{len(said) - blocks.BLOCKS + 1} more" in str(content[-1])


@settings(max_examples=40)
@given(st.binary(max_size=300), st.text(max_size=80), st.text(max_size=30))
def test_nothing_but_the_right_signature_passes(body: bytes, given_signature: str, stamp: str) -> None:
    """Any header is a wrong one and no fault, and a changed byte makes the right one wrong."""
    headers = {"x-slack-signature": given_signature, "x-slack-request-timestamp": stamp}
    assert not is_signed("secret", headers, body, NOW)
    time = str(int(NOW.timestamp()))
    right = {"x-slack-signature": signature("secret", time, body), "x-slack-request-timestamp": time}
    assert is_signed("secret", right, body, NOW)
    assert not is_signed("secret", right, body + b"x", NOW)


def test_the_signature_is_slacks_own() -> None:
    """The example of Slack's documentation, "Verifying requests from Slack"."""
    secret, time = "8f742231b10e8888abcd99yyyzzz85a5", "1531420618"
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&"
        b"channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&"
        b"response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    assert signature(secret, time, body) == "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
