"""How notices, summaries and questions look in Slack (Block Kit): pure functions from values to JSON.

Decides the layout, that every limit of Slack's is kept, and that buttons carry a handle and a number and nothing else.
What may be said at all is decided in `core.notices`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from firedoor.core.notices.subject_lines import headline, written
from firedoor.core.ports import Line, Notice, Standing

Block = dict[str, object]

# Slack's limits, from its reference of Block Kit.
BLOCKS = 50
SECTION = 3000  # characters
BUTTON_TEXT = 75
BUTTON_VALUE = 2000
OPTION_TEXT = 75
OPTION_VALUE = 150
OPTIONS = 100
MODAL_TITLE = 24
METADATA = 3000
REASON = 3000  # characters of an input; our own limit of a reason is larger

BUTTONS = 5  # with more choices than that a list is easier to read
LINE = 120  # characters of one line of a list: twelve of them, with their times, are one section
PARAGRAPH = 1500  # characters of a question or a consequence
NEWS = 10  # lines of what is new
OTHERS = 7  # other choices whose consequences are shown
PEOPLE = 20  # people who are named in one message
DECIDE = "firedoor_decide"  # the first part of the action's name; Slack wants each to be unique in a message
REASON_MODAL = "firedoor_reason"
REASON_INPUT = "why"
_BROKEN = re.compile("&[a-z]*$")


def clip(text: str, limit: int) -> str:
    """The text within a limit, with an ellipsis where something was cut off."""
    return text if len(text) <= limit else text[: limit - 1] + "\N{HORIZONTAL ELLIPSIS}"


def escape(text: str) -> str:
    """Words as words: without Slack's three control characters nothing mentions or links by itself."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def clip_markup(text: str, limit: int) -> str:
    """Markup within a limit; no entity, mention, time or link is cut in two, which Slack would show as it stands."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    if cut.rfind("<") > cut.rfind(">"):
        cut = cut[: cut.rfind("<")]
    return _BROKEN.sub("", cut) + "\N{HORIZONTAL ELLIPSIS}"


def marked(text: str, limit: int) -> str:
    """Words as words within a limit."""
    return clip_markup(escape(text), limit)


def section(text: str) -> Block:
    """A paragraph of Slack's markup."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": clip_markup(text, SECTION) or " "}}


def context(text: str) -> Block:
    """A line in small print."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": clip_markup(text, SECTION) or " "}]}


def post(notice: Notice) -> list[Block]:
    """A notice: what waits for whom, the playbook's question where it may be shown, and the choices."""
    words = [f"*{marked(headline(notice), LINE)}*"]
    if notice.people and not notice.became:
        words.append(" ".join(f"<@{escape(person)}>" for person in notice.people[:PEOPLE]))
    if notice.due_at and not notice.became:
        words.append(f"Due {_moment(notice.due_at)}")
    blocks = [section("\n".join(words))]
    if not notice.became and (notice.question or notice.what):
        asked = "The playbook asks: " if notice.question else ""
        blocks.append(section(asked + marked(notice.question or notice.what, SECTION - len(asked))))
    if notice.choices and not notice.became:
        blocks.append(choices(notice.handle, [label for _, label in notice.choices]))
    return [*blocks, context(_console(notice.link, answerable=bool(notice.choices) or not notice.task))]


def alone(notice: Notice) -> list[Block]:
    """What one person is told alone: its words, and where its link leads."""
    return [section(marked(notice.text, SECTION)), section(f"<{escape(notice.link)}|Open the link>")]


def choices(handle: str, labels: Sequence[str]) -> Block:
    """Buttons, or a list where there are many."""
    values = [f"{handle}.{number}" for number in range(len(labels))][:OPTIONS]
    if len(values) <= BUTTONS:
        elements: list[Block] = [
            {"type": "button", "action_id": f"{DECIDE}_{number}", "value": value, "text": _plain(label, BUTTON_TEXT)}
            for number, (value, label) in enumerate(zip(values, labels, strict=True))
        ]
    else:
        options = [
            {"value": value, "text": _plain(label, OPTION_TEXT)} for value, label in zip(values, labels, strict=False)
        ]
        placeholder = _plain("Choose", OPTION_TEXT)
        elements = [{"type": "static_select", "action_id": DECIDE, "placeholder": placeholder, "options": options}]
    return {"type": "actions", "elements": elements}


def summary(standing: Standing) -> list[Block]:
    """The pinned message of a channel: where the incident stands, what waits, what is due."""
    about = f"*{standing.incident}*: {escape(standing.state)}, severity {escape(standing.severity)}"
    limits = [f"{line.name}, {line.who}" for line in standing.clocks]
    blocks = [section(about)]
    blocks += _listed("Waiting", (f"{line.name} for {line.who}" for line in standing.tasks), standing.tasks)
    blocks += _listed("Legal limits", limits, standing.clocks)
    return [*blocks, context(_console(standing.link, answerable=True))][:BLOCKS]


@dataclass(frozen=True, slots=True)
class Question:
    """What a form says before somebody decides: the choice, what it and the others lead to, and what is new."""

    notice: Notice
    label: str
    consequence: str = ""
    others: tuple[tuple[str, str], ...] = ()  # label and consequence of each other choice
    known: str = ""
    news: tuple[str, ...] = ()  # since this person opened the form


def reason_modal(question: Question, metadata: str) -> Block:
    """Asks for the reason of a choice, before it counts."""
    reason = {"type": "plain_text_input", "action_id": REASON_INPUT, "multiline": True, "max_length": REASON}
    note = "The answer and its reason stand in the journal under your name. Write no names of people concerned here."
    return {
        "type": "modal", "callback_id": REASON_MODAL, "private_metadata": clip(metadata, METADATA),
        "title": _plain("Decide", MODAL_TITLE), "submit": _plain("Record", MODAL_TITLE),
        "close": _plain("Cancel", MODAL_TITLE),
        "blocks": [
            *_new(question.news), *_about(question),
            {"type": "input", "block_id": REASON_INPUT, "label": _plain("Why", BUTTON_TEXT), "element": reason},
            context(note),
        ],
    }  # fmt: skip


def _new(news: Sequence[str]) -> list[Block]:
    if not news:
        return []
    lines = [f"\N{BULLET} {marked(line, LINE)}" for line in news[:NEWS]]
    lines += [f"\N{BULLET} and {len(news) - NEWS} more"] if len(news) > NEWS else []
    head = "*The record has changed since you opened this form. Nothing was recorded yet.*"
    return [section("\n".join([head, *lines, "Read it in the console; record your answer if it stays the same."]))]


def _about(question: Question) -> list[Block]:
    notice, chosen = question.notice, [f"Your answer: *{marked(question.label, LINE)}*"]
    if question.consequence:
        chosen.append(f"Then: {marked(question.consequence, PARAGRAPH)}")
    due = [f"Due {_moment(notice.due_at)}"] if notice.due_at else []
    head = [f"*{notice.incident}, task {notice.task}*", marked(notice.question, PARAGRAPH), *due]
    others = [
        f"\N{BULLET} {marked(label, LINE)}" + (f": {marked(then, LINE * 2)}" if then else "")
        for label, then in question.others[:OTHERS]
    ]
    shown = [section("\n".join(head)), section("\n".join(chosen))]
    shown += [section("\n".join(["Instead of it:", *others]))] if others else []
    return [*shown, context(f"{marked(question.known, PARAGRAPH)}. {link(notice.link, 'Read them in the console')}")]


def words_modal(text: str) -> Block:
    """What came of it, for the one who asked."""
    title, close = _plain("Firedoor", MODAL_TITLE), _plain("Close", MODAL_TITLE)
    return {"type": "modal", "title": title, "close": close, "blocks": [section(escape(text))]}


def listing(lines: Sequence[str]) -> list[Block]:
    """Lines for one person, as many as a message holds."""
    shown = lines[: BLOCKS - 1]
    more = [context(f"and {len(lines) - len(shown)} more")] if len(lines) > len(shown) else []
    return [*(section(line) for line in shown), *more] or [section("Nothing.")]


def link(address: str, words: str) -> str:
    """A link in Slack's markup."""
    return f"<{address}|{escape(words)}>"


def _listed(title: str, lines: Iterable[str], of: Sequence[Line]) -> list[Block]:
    """A part of the summary, with the times as Slack shows them to each reader in their own zone."""
    said = [f"\N{BULLET} {marked(words, LINE)}, {_moment(line.due_at)}" for words, line in zip(lines, of, strict=True)]
    return [section(f"*{title}*\n" + "\n".join(said))] if said else []


def _moment(instant: datetime | None) -> str:
    """As Slack shows it to each reader in their own zone; in UTC where it cannot."""
    if instant is None:
        return "no limit"
    return f"<!date^{int(instant.timestamp())}^{{date_num}} {{time}}|{written(instant)}>"


def _console(address: str, *, answerable: bool) -> str:
    return link(address, "Open in the console") if answerable else link(address, "Read and answer it in the console")


def _plain(text: str, limit: int) -> Block:
    return {"type": "plain_text", "text": clip(text, limit) or "-", "emoji": False}
