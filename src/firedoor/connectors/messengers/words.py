"""A notice as plain text, HTML and JSON.

Decides the order of the few things that are said. What may be said at all is decided in `core.notices`.
"""

from __future__ import annotations

from html import escape

from firedoor.core.json_types import JsonObject
from firedoor.core.notices.subject_lines import headline, sentence, written
from firedoor.core.ports import Notice

KEEP = "Where the journals stood when this was sent (keep it; `firedoor head compare` checks it):"
ABOUT = "This message names an incident and nothing of what it is about. Sign in to read it."


def lines(notice: Notice) -> list[str]:
    """What is said, one line each."""
    if notice.text:
        return notice.text.splitlines()
    said = [headline(notice) + "."]
    if notice.question:
        said.append(f"The playbook asks: {notice.question}")
    elif notice.what and not notice.became:
        said.append(f"About: {notice.what}")
    if notice.due_at and not notice.became:
        said.append(f"Due: {written(notice.due_at)}")
    return said


def as_text(notice: Notice) -> str:
    """Plain text."""
    proof = ["", KEEP, notice.proof] if notice.proof else []
    return "\n".join([*lines(notice), "", notice.link, *(["", ABOUT] if notice.incident else []), *proof]) + "\n"


def as_html(notice: Notice) -> str:
    """A page without anything that is loaded from elsewhere."""
    if notice.text:
        said, about = f"<pre>{escape(notice.text)}</pre>", ""
    else:
        said, about = (
            "".join(f"<p>{escape(line)}</p>" for line in lines(notice)),
            f"<p><small>{escape(ABOUT)}</small></p>",
        )
    link = f'<p><a href="{escape(notice.link)}">{escape(notice.link)}</a></p>'
    proof = f"<p><small>{KEEP}<br><code>{escape(notice.proof)}</code></small></p>" if notice.proof else ""
    return f'<!doctype html><html lang="en"><body>{said}{link}{about}{proof}</body></html>'


def as_json(notice: Notice) -> JsonObject:
    """For a program. `id` is the same for every attempt."""
    return {
        "id": notice.handle, "kind": notice.kind, "incident": notice.incident, "roles": list(notice.roles),
        "severity": notice.standing.severity,
        "text": sentence(notice), "task": notice.task or None, "clock": notice.clock or None,
        "due_at": notice.due_at.isoformat() if notice.due_at else None, "became": notice.became or None,
        "at": notice.made_at.isoformat(), "link": notice.link, "head": notice.proof or None,
    }  # fmt: skip
