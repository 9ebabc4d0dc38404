"""How the demonstration is told: scenes, rows, and nothing that blinks.

Decides the look only. Leaves what is said to `demo`.
"""

from __future__ import annotations

import textwrap
import time

from firedoor.core.history.containment import DoorSeen
from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.shapes.incident import Clock

WIDTH = 100  # columns at most
SEEN, SAID, ENDED = (14, 21), (33, 16), (23, 12)  # the widths of the first two columns, by kind of row


class Script:
    """Writes the story, line by line."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.scenes = 0
        self.width = min(WIDTH, render.terminal_width())

    def opening(self) -> None:
        """What this is."""
        render.line("[bold]Firedoor[/]: a whole incident on this machine, in about a minute. Nothing leaves it.")
        render.line("[dim]Every figure below is read back from the running system. Only the people are invented.[/]")

    def scene(self, title: str) -> None:
        """The heading of a scene, with the seconds since the beginning."""
        self.scenes += 1
        seconds = f"{time.monotonic() - self.began:.1f} s"
        gap = " " * max(2, self.width - len(title) - 3 - len(seconds))
        render.line(f"\n[bold]{self.scenes}  {title}[/]{gap}[dim]{seconds}[/]")

    def row(self, what: str, value: str, words: str = "", widths: tuple[int, int] = SEEN) -> None:
        """One thing that was seen. `value` and `words` may hold markup; the last of them wraps under itself."""
        from rich.text import Text

        lead, cell = Text("   ").append(what.ljust(widths[0])).append("  "), Text.from_markup(value)
        if words:
            cell.pad_right(max(0, widths[1] - cell.cell_len))
            lead.append_text(cell).append("  ")
            cell = Text.from_markup(words)
        out, indent = render.console(), lead.cell_len
        for number, part in enumerate(cell.wrap(out, max(30, self.width - indent))):
            part.rstrip()
            out.print((lead.copy() if number == 0 else Text(" " * indent)).append_text(part))

    @staticmethod
    def address(what: str, url: str) -> None:
        """An address, never wrapped, so that it can be followed."""
        render.line(f"   {what.ljust(SEEN[0])}  {url}")

    def note(self, words: str) -> None:
        """A remark."""
        for line in textwrap.wrap(words, self.width - 3, break_long_words=False):
            render.line(f"   [dim]{render.escape(line)}[/]")

    def answer(self, who: str, what: str, question: str) -> None:
        """What somebody answered to which question, on one line."""
        room = self.width - 3 - sum(SAID) - 4
        self.row(who, what, render.escape(textwrap.shorten(question, max(16, room), placeholder=" ...")), SAID)

    @staticmethod
    def looks(door: DoorSeen) -> str:
        """What the probes of a door saw."""
        words = {"yes": "answers", "no": "refuses"}
        seen = [
            f"{probe['name']} {words.get(probe['serving'], 'unknown')} ({probe['status']})"
            for probe in door["probes"]
            if probe["what"] != "control"
        ]
        return f"door {door['door']}; {', '.join(seen)}"

    def clock(self, clock: Clock) -> None:
        """A clock that has started, with its limit."""
        sure = ", provisionally" if clock["state"] == "provisional" else ""
        limit = f"due {render.left(clock['due'])}" if clock["due"] else "no limit in law"
        self.row("   a legal clock starts", f"[yellow]{clock['id']}[/]", f"{limit}{sure}", SAID)

    def settled(self, clock: Clock) -> None:
        """How a clock ended, and where it stands in the law."""
        word = {"submitted": "sent", "not_applicable": "does not apply"}.get(clock["state"], clock["state"])
        settlement = clock.get("settlement")
        if clock["due"] and clock["state"] == "submitted":
            word += " late" if settlement and settlement.get("late") else " in time"
        reference = settlement.get("reference", "") if settlement else ""
        limit = f"due {render.instant(clock['due'])}; " if clock["due"] else ""
        words = f"{limit}{render.escape(reference)}; [dim]{render.escape(clock['citation'])}[/]"
        self.row(clock["id"], f"[green]{word}[/]", words, ENDED)

    def console(self, command: str, said: str) -> None:
        """A command and what it said."""
        render.line(f"   [dim]$[/] {command}")
        for line in said.strip().splitlines():
            render.line(f"   [green]{render.escape(line)}[/]")

    def fault(self, what: str, log: str = "") -> None:
        """Something that should not be."""
        render.line(f"\n[bold red]the demonstration failed:[/] {render.escape(what)}", error=True)
        if log:
            render.line(f"[dim]{render.escape(log[-3000:])}[/]", error=True)

    def end(self, *, clean: bool, code: int) -> None:
        """The last line."""
        seconds = f"{time.monotonic() - self.began:.0f} s"
        if clean and code == 0:
            left = "Nothing is left running: the servers and Prefect have ended, their ports are free."
            render.line(f"\n[bold green]Done[/] in {seconds}. {left}")
            render.line(
                "[dim]Next: docs/tutorial.md connects your own endpoint; `firedoor up` starts Firedoor to stay.[/]"
            )

    @staticmethod
    def escape(text: object) -> str:
        """Text that is not ours."""
        return render.escape(text)

    @staticmethod
    def size(number: int) -> str:
        """A number of bytes."""
        return render.size(number)
