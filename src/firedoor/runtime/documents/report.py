"""Renders the report, and hands out the program that verifies an export.

Decides where the files lie in the package, how instants and durations read, and that
everything that came from outside is escaped: as HTML in HTML, as text in Markdown.
Leaves what a report says to `core.report`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from firedoor import templates
from firedoor.core.dates.arithmetic import recorded
from firedoor.core.law.territories import IN_UTC
from firedoor.core.reporting.report import span

FOLDER = Path(templates.__file__).parent
# An underscore within a word is no emphasis (CommonMark 6.2), and names of facts are full of them.
SUBMITTING = "Known: submitted_"  # the note that a notice was sent; its own line and its clock say so already
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)")
_NEEDS = re.compile(r"\(needs: [^)]*\)|\[[a-z_]+ = [^\]]*\]|\b[a-z]+(?:_[a-z0-9]+)+ = ")
_NAME = re.compile(r"[a-z]+(?:_[a-z]+)+")
_SHORT = re.compile(r"(?<![a-z])(?:eu|uk|us|ai|dpo)(?![a-z])")
_MARKDOWN = re.compile(r"[\\`*\[\]<>|#~]|(?<![^\W_])_|_(?![^\W_])")


def render_html(report: Mapping[str, object]) -> str:
    """Return the report as one HTML page that needs nothing else: no script, no font, no picture from elsewhere."""
    return _environment(html=True).get_template("report.html.j2").render(report)


def render_markdown(report: Mapping[str, object]) -> str:
    """Return the report as Markdown."""
    text = _environment(html=False).get_template("report.md.j2").render(report)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def page(template: str, **shown: object) -> str:
    """Return another page of ours as HTML, everything in it escaped."""
    return _environment(html=True).get_template(template).render(shown)


@cache
def verify_script() -> str:
    """The text of `verify_journal.py`."""
    return (FOLDER / "verify_journal.py").read_text(encoding="utf-8")


@cache
def _environment(*, html: bool) -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=html,  # noqa: S701 - Markdown is escaped by `_plain`
        finalize=None if html else _plain,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.tests["submitting"] = lambda said: str(said).startswith(SUBMITTING)
    made.globals["in_utc"] = IN_UTC
    made.filters |= {"when": when, "span": span, "words": words, "prose": prose}
    return made


def when(instant: str | None) -> str:
    """An instant for a reader, in UTC to the second; "unknown" for none."""
    if not instant:
        return "unknown"
    at = recorded(instant)
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else f"{instant[:60]} (no instant: its record was altered)"


def prose(text: object) -> str:
    """A sentence of the record for a reader: every instant in UTC as elsewhere on the page, and facts as words."""
    if _NAME.fullmatch(str(text)):
        return words(str(text))
    said = _INSTANT.sub(lambda found: when(found[0]), str(text))
    return _NEEDS.sub(lambda found: found[0].replace("_", " "), said)


def words(name: str) -> str:
    """A name of ours as words."""
    return _SHORT.sub(lambda found: found[0].upper(), str(name)).replace("_", " ")


def _plain(value: object) -> object:
    """Text of people in Markdown: one line, and no mark-up of their own. A signed head is ours, and stays as it is."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return _MARKDOWN.sub(r"\\\g<0>", re.sub(r"\s+", " ", value))
