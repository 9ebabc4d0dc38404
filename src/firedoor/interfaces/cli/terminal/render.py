"""What the terminal shows: aligned, calm, with times that a person can use at 03:00.

Decides how a table, an instant and a problem look, and that a terminal obeys nothing that came from people, alerts or
other systems: all that is written goes through one console or `plain`. Colours and tables only where
a person looks (a terminal, and no NO_COLOR); a pipe gets plain, stable lines.
JSON is what the API answered. Leaves which rows and columns to the commands.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from firedoor.core.problems import Problem

STYLES = {
    **dict.fromkeys(("critical", "overdue", "missed", "failed", "stuck"), "bold red"),
    **dict.fromkeys(("high",), "red"),
    **dict.fromkeys(("medium", "unknown", "waiting", "starting", "away", "taken", "note"), "yellow"),
    **dict.fromkeys(("refuses", "closed", "finished", "done", "kept", "well", "ready", "submitted"), "green"),
    "skipped": "dim",
}
GAP = "  "
_ESCAPED = re.compile(r"[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")  # in JSON
_elsewhere: list[Console] = []  # written to instead of standard output, while something is captured
COUNTED_IN_HOURS = 120  # up to five days the law counts hours


def console(*, error: bool = False) -> Console:
    """A console that knows NO_COLOR and whether anybody looks."""
    if _elsewhere and not error:
        return _elsewhere[-1]
    return _console(stderr=error)


def _console(
    *, stderr: bool = False, file: IO[str] | None = None, force_terminal: bool | None = None, width: int | None = None
) -> Console:
    """A console in whose text no control character is left but its own."""
    from rich.console import Console

    class Harmless(Console):
        """Cleans what it prints; its colours come after that."""

        def print(self, *objects: Any, **options: Any) -> None:  # noqa: ANN401 - as rich takes them
            """Print words and text without anything that a terminal would obey."""
            super().print(*(for_terminal(one) if isinstance(one, str) else one for one in objects), **options)

        def render_str(self, text: str, **options: Any) -> Text:  # noqa: ANN401 - as rich takes them
            """The same for what is rendered on the way."""
            return super().render_str(for_terminal(text), **options)

    return Harmless(
        highlight=False, soft_wrap=True, stderr=stderr, file=file, force_terminal=force_terminal, width=width
    )


def for_terminal(text: object) -> str:
    """Text without anything that a terminal would obey."""
    from firedoor.core.text import for_terminal as cleaned

    return cleaned(str(text))


def captured(write: Callable[[], None]) -> str:
    """What a writer would have written on this terminal, colours included."""
    import io

    colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    text = io.StringIO()
    out = _console(file=text, force_terminal=colours, width=terminal_width())
    _elsewhere.append(out)
    try:
        write()
    finally:
        _elsewhere.pop()
    return text.getvalue()


def line(text: str = "", *, error: bool = False) -> None:
    """Write one line of markup."""
    console(error=error).print(text)


def plain(text: str) -> None:
    """Write text as it is, and nothing in it that a terminal would obey."""
    out = console().file if _elsewhere else sys.stdout
    harmless = for_terminal(text)
    out.write(harmless if harmless.endswith("\n") else f"{harmless}\n")


def as_json(value: object) -> None:
    """Write JSON, for programs: sorted by nothing, as the API answered."""
    written = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    sys.stdout.write(_ESCAPED.sub(lambda found: json.dumps(found[0])[1:-1], written) + "\n")


def escape(text: object) -> str:
    """Text that is not ours, on one line, so that its brackets are no markup and it cannot look like lines of ours."""
    from rich.markup import escape as markup

    return markup(" ".join(for_terminal(text).split("\n")))


def styled(word: object) -> str:
    """A word in the colour of its meaning."""
    style = STYLES.get(str(word))
    return f"[{style}]{escape(word)}[/]" if style else escape(word)


def table(rows: Sequence[Sequence[str]], header: Sequence[str] = (), *, indent: int = 0) -> None:
    """Write rows in aligned columns; the last column wraps under itself. Cells may hold markup."""
    if not rows:
        return
    from rich.text import Text

    out = console()
    cells = [[Text.from_markup(cell) for cell in row] for row in rows]
    heads = [Text(title.upper(), style="dim") for title in header]
    widths = [max(cell.cell_len for cell in column) for column in zip(*cells, *([heads] if heads else []), strict=True)]
    for row in ([heads] if heads else []) + cells:
        _row(out, row, widths, indent)


def _row(out: Console, row: Sequence[Text], widths: Sequence[int], indent: int) -> None:
    from rich.text import Text

    first = Text(" " * indent)
    for cell, width in zip(row[:-1], widths[:-1], strict=True):
        padded = cell.copy()
        padded.pad_right(width - cell.cell_len)
        first.append_text(padded).append(GAP)
    left = first.cell_len
    room = max(24, terminal_width() - left)
    for number, part in enumerate(row[-1].wrap(out, room)):
        part.rstrip()
        out.print((first.copy() if number == 0 else Text(" " * left)).append_text(part))


def terminal_width() -> int:
    """How wide a line may be; a pipe gets long lines, which programs and `grep` like."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 160


def paragraph(text: str, indent: int = 4) -> str:
    """Wrap words under an indent, keeping the author's own lines."""
    width = min(terminal_width(), 110)
    lead = " " * indent
    return "\n".join(
        textwrap.fill(part, width=width, initial_indent=lead, subsequent_indent=lead, break_long_words=False)
        for part in text.strip().splitlines()
    )


def instant(text: str | None) -> str:
    """An instant in the local zone, with its offset."""
    if not text:
        return ""
    local = datetime.fromisoformat(text).astimezone()
    return f"{local:%Y-%m-%d %H:%M} {_offset(local)}"


def clock_time(text: str) -> str:
    """The time of day to the second, for a timeline, with the offset left to its heading."""
    return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M:%S}"


def offset_now() -> str:
    """The local offset, as +01:00."""
    return _offset(datetime.now(UTC).astimezone())


def _offset(local: datetime) -> str:
    written = f"{local:%z}"
    return f"{written[:3]}:{written[3:5]}"


def left(text: str | None, now: datetime | None = None) -> str:
    """How long until an instant, in two units: "in 71 h 58 min", or "overdue by 3 min"."""
    if not text:
        return ""
    gap = datetime.fromisoformat(text) - (now or datetime.now(UTC))
    return f"in {duration(gap)}" if gap >= timedelta() else f"overdue by {duration(-gap)}"


def duration(gap: timedelta) -> str:
    """A duration in at most two units; hours up to five days, because the law counts hours."""
    seconds = int(gap.total_seconds())
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 60:
        return f"{seconds} s"
    if hours < 1:
        return f"{minutes} min"
    if hours < COUNTED_IN_HOURS:
        return _two(hours, "h", minutes % 60, "min")
    return _two(days, "d", hours % 24, "h")


def _two(large: int, unit: str, small: int, smaller: str) -> str:
    return f"{large} {unit} {small} {smaller}" if small else f"{large} {unit}"


def due(text: str | None, now: datetime | None = None) -> str:
    """An instant and how long until then, overdue in red."""
    if not text:
        return "no fixed deadline"
    words = left(text, now)
    style = STYLES["overdue"] if words.startswith("overdue") else ""
    return f"{instant(text)}  [{style}]{words}[/]" if style else f"{instant(text)}  {words}"


def size(number: int) -> str:
    """A number of bytes for people."""
    for unit in ("B", "KB", "MB"):
        if number < 10_000:
            return f"{number} {unit}"
        number = round(number / 1000)
    return f"{number} GB"


def problems(found: Iterable[Problem]) -> None:
    """Write problems to standard error: where, what, the code, and what to do."""
    out = console(error=True)
    for problem in found:
        word = "[bold red]problem[/]" if problem.severity == "error" else "[yellow]warning[/]"
        field = f"{problem.field}: " if problem.field and problem.field not in problem.message else ""
        where = f"{problem.place}: " if problem.place else field
        out.print(f"{word} {escape(where)}{escape(problem.message)} [dim]\\[{escape(problem.code)}][/]")
        if problem.do:
            out.print(f"    {escape(problem.do)}")


def more(page: Mapping[str, object], command: str) -> None:
    """Say that a list was cut, and how it goes on."""
    if page.get("next"):
        line(f"[yellow]more results:[/] firedoor {escape(command)} --after {escape(page['next'])}")
