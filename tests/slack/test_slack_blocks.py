"""Whatever an incident holds, what is posted keeps Slack's limits, mentions nobody by itself and opens no link."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import block_kit

from firedoor.core.incident.view import IncidentView, TaskView
from firedoor.core.notices.notifications import consequences_of, known_of, notice_of
from firedoor.core.notices.subject_lines import sentence
from firedoor.core.playbook.plan import Ask, Plan, Tell
from firedoor.core.ports import Line, Notice, Standing
from firedoor.duties.catalogue import catalogue
from firedoor.interfaces.slack import blocks
from firedoor.interfaces.slack.signing import is_signed, signature
from firedoor.runtime.config import playbooks

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
LINK = "https://firedoor.test/incidents/INC-2026-0042"
PLAIN = Standing(incident="INC-2026-0042", state="open", severity="high", restricted=False, link=LINK)
words = st.one_of(
    st.text(max_size=60),
    st.sampled_from(["<!channel>", "<@U1>", "&" * 5000]),
    st.builds(lambda part, times: part * times, st.text("<>&aé ", min_size=1, max_size=7), st.integers(1, 700)),
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

questions = st.builds(
    blocks.Question, notices, words, words, st.lists(st.tuples(words, words), max_size=12).map(tuple), words,
    st.lists(words, max_size=14).map(tuple),
)  # fmt: skip


def waiting_for(ask: Ask) -> IncidentView:
    """An incident in which one question of a playbook is open."""
    asked = [{"id": choice.id, "label": choice.label} for choice in ask.choices]
    task = TaskView(
        number=100, id=ask.id, op=ask.id, kind=ask.kind, role=ask.role, question=ask.question, guidance="",
        choices=asked, asks=[], due_at=NOW.isoformat(), escalate_to=ask.escalate_to, approvals=1,
        opened_at=NOW.isoformat(), opened_seq=1,
    )  # fmt: skip
    return IncidentView(id="INC-2026-999999999", tasks={ask.id: task})


def definitions_of(plan: Plan) -> Any:
    return {fact.name: fact for fact in plan.facts}


def told(view: IncidentView, plan: Plan, definitions: Any, kind: Any, about: str) -> Notice:
    """A notice of it, to all roles and twenty people."""
    return notice_of(
        view, plan, definitions, PLAIN, key="k", handle="f" * 32, kind=kind, about=about, seq=1,
        roles=tuple(plan.roles), made_at=NOW, people=tuple(f"U{n:010}" for n in range(30)),
    )  # fmt: skip


def kept(content: list[dict[str, Any]]) -> None:
    """Every limit of Slack's that a message can meet."""
    assert block_kit.message({"text": "Firedoor", "blocks": content}) == []


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
@given(questions)
def test_a_form_keeps_the_limits(question: blocks.Question) -> None:
    """Its title, its buttons, its metadata and its input, whatever is new and however long a consequence is."""
    form = blocks.reason_modal(question, "x" * 5000)
    assert block_kit.view(form) == []
    assert "<" not in unquoted(form["blocks"])


@pytest.mark.parametrize("playbook", playbooks.all_playbooks())
def test_every_question_of_a_playbook_keeps_the_limits(playbook: str) -> None:
    """Each task as a message of each kind and as a form of each choice, told to twenty people and all roles."""
    plan = playbooks.compiled(playbook)
    definitions = definitions_of(plan)
    for ask in (one for one in plan.operations if isinstance(one, Ask)):
        view = waiting_for(ask)
        for kind in ("task", "reminder", "escalation", "message"):
            notice = told(view, plan, definitions, kind, f"task:{ask.id}")
            kept(blocks.post(notice))
            assert len(sentence(notice)) <= 150
        then = consequences_of(plan, view.tasks[ask.id])
        for choice, label in notice.choices:
            others = tuple((other, then.get(name, "")) for name, other in notice.choices if name != choice)
            question = blocks.Question(notice, label, then[choice], others, known_of(view, definitions))
            assert block_kit.view(blocks.reason_modal(question, "x" * 300)) == []


def test_every_step_that_tells_keeps_the_limits() -> None:
    """Its title is all that leaves of it."""
    for playbook in playbooks.all_playbooks():
        plan = playbooks.compiled(playbook)
        for tell in (one for one in plan.operations if isinstance(one, Tell)):
            notice = told(IncidentView(id="INC-2026-0042"), plan, {}, "message", f"op:{tell.id}")
            kept(blocks.post(notice))
            assert notice.what == tell.title


def test_the_longest_names_of_laws_keep_the_limits() -> None:
    """Twelve of them under twelve tasks, the most that a summary shows."""
    titles = sorted((f"{duty.title} ({duty.instrument} {duty.provision})" for duty in catalogue().values()), key=len)[
        -12:
    ]
    assert len(titles) == 12
    limits = tuple(Line(name=title, who="provisional", due_at=NOW) for title in titles)
    tasks = tuple(Line(name=f"T{n}", who="communications or victim_support", due_at=NOW) for n in range(100, 112))
    standing = PLAIN.model_copy(update={"clocks": limits, "tasks": tasks, "incident": "INC-2026-999999999"})
    kept(blocks.summary(standing))
    assert all(title[:60] in str(blocks.summary(standing)).replace("&amp;", "&") for title in titles)


@settings(max_examples=60)
@given(st.lists(st.sampled_from(["<@U012345>", f"<{LINK}|Open>", "&amp;", "word "]), max_size=30), st.integers(2, 80))
def test_markup_is_cut_between_its_parts(said: list[str], limit: int) -> None:
    """No mention, link or entity is cut in two."""
    cut = blocks.clip_markup("".join(said), limit)
    assert len(cut) <= limit
    kept([blocks.section(cut)])


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ([blocks.section("x")] * 51, "51 blocks"),
        ([{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}], "3001 characters"),
        ([{"type": "section", "text": {"type": "mrkdwn", "text": "<!channel>"}}], "broken"),
        ([{"type": "section", "text": {"type": "mrkdwn", "text": "a &am"}}], "broken"),
        ([blocks.choices("h", ["y" * 9]), blocks.choices("h", ["y"])], "twice"),
        ([{"type": "input"}], "cannot stand here"),
        ([{"type": "actions", "elements": []}], "1 to 25"),
        ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "cannot stand here"),
    ],
)
def test_the_checker_finds_what_slack_would_refuse(content: list[dict[str, Any]], fault: str) -> None:
    """A checker that finds nothing proves nothing."""
    assert fault in str(block_kit.message({"text": "x", "blocks": content}))


@settings(max_examples=40)
@given(st.builds(lambda few, times: few * times, st.lists(words.map(blocks.escape), max_size=4), st.integers(1, 40)))
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
