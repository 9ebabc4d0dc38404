"""How the demonstration is told: scenes, rows, and nothing that blinks.

Decides the look only. Leaves what is said to `demo`.
"""

from __future__ import annotations

import textwrap
import time
from collections.abc import Mapping
from typing import Any

from firedoor.interfaces.cli import render

WIDTH = 100
FIRST, SECOND = 12, 24  # columns


class Script:
    """Writes the story, line by line."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.scenes = 0

    def opening(self) -> None:
        """What this is."""
        render.line("[bold]Firedoor[/]: a whole incident on this machine, in about a minute. Nothing leaves it.")
        render.line("[dim]Every figure below is read back from the running system. Only the people are invented.[/]")

    def scene(self, title: str) -> None:
        """The heading of a scene, with the seconds since the beginning."""
        self.scenes += 1
        seconds = f"{time.monotonic() - self.began:5.1f} s"
        number = f"{self.scenes}"
        render.line(
            f"\n[bold]{number}  {title}[/]{' ' * max(1, WIDTH - len(title) - len(number) - 2 - len(seconds))}[dim]{seconds}[/]"
        )

    def row(self, what: str, value: str, words: str = "", *, wide: bool = False) -> None:
        """One thing that was seen. `value` may hold markup; `words` wrap under themselves."""
        from rich.text import Text

        first, second = (34, 18) if wide else (FIRST, SECOND)
        lead = Text("   ").append(what.ljust(first), style="dim" if not wide else "").append("  ")
        cell = Text.from_markup(value)
        if words:
            cell.pad_right(max(0, second - cell.cell_len))
            lead.append_text(cell).append("  ")
            self._wrapped(lead, Text.from_markup(words))
        else:
            self._wrapped(lead, cell)

    def _wrapped(self, lead: Any, words: Any) -> None:  # noqa: ANN401 - rich's Text, imported late
        from rich.text import Text

        out, indent = render.console(), lead.cell_len
        for number, part in enumerate(words.wrap(out, max(30, WIDTH - indent))):
            part.rstrip()
            out.print((lead.copy() if number == 0 else Text(" " * indent)).append_text(part))

    def note(self, words: str) -> None:
        """A remark."""
        render.line(f"   [dim]{render.escape(words)}[/]")

    def clock(self, clock: Mapping[str, Any]) -> None:
        """A clock that has started."""
        sure = "provisional: " if clock["state"] == "provisional" else ""
        due = (
            f"{render.instant(clock['due'])}, {render.left(clock['due'])}" if clock["due"] else "no outer limit in law"
        )
        self.row("   clock starts", f"[yellow]{clock['id']}[/]", f"{sure}due {due}" if clock["due"] else due, wide=True)

    @staticmethod
    def settled(clock: Mapping[str, Any]) -> str:
        """How a clock ended."""
        word = {"submitted": "sent", "not_applicable": "does not apply"}.get(clock["state"], clock["state"])
        reference = (clock.get("settlement") or {}).get("reference", "")
        return f"[green]{word}[/]" + (f" {reference}" if reference else "")

    @staticmethod
    def question(text: str) -> str:
        """A question in one line."""
        return render.escape(textwrap.shorten(text, 72, placeholder=" ..."))

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
            render.line(
                f"\n[bold green]Done[/] in {seconds}. Nothing is left running: both servers and Prefect have ended, their ports are free."
            )
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
