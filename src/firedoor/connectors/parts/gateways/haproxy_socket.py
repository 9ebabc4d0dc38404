"""The Runtime API of HAProxy: one line asked over a UNIX socket or TCP, one answer, and the connection ends.

Decides how a line is quoted, what an answer or a silence means, and how maps, entries and servers are read. Leaves
what to do about it to the connector. Source: HAProxy Management Guide 2.6, section 9.3 ("Unix Socket commands").
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from firedoor.core.problems import InDoubt, Problem, Unanswered

_MAXIMUM = 16 * 1024 * 1024  # bytes of an answer
_SPECIAL = re.compile(r"([\\;#\s])")  # the socket's command line splits at these
_MAINTENANCE = 0x01 | 0x02 | 0x04 | 0x20 | 0x40  # srv_admin_state: forced, inherited, by configuration, DNS, health
_DRAINING = 0x08 | 0x10


@dataclass(frozen=True)
class Entry:
    """One entry of a map; `reference` tells it from another one with the same key."""

    reference: str
    key: str
    value: str


class Socket:
    """One instance, at `unix:/path` or `host:port`."""

    def __init__(self, address: str, timeout_seconds: float) -> None:
        self.address = address
        self._seconds = timeout_seconds

    async def level(self) -> str:
        """Return the level of this socket: user, operator or admin."""
        return (await self._ask("show cli level")).strip()

    async def entries(self, map_name: str) -> list[Entry]:
        """Return the entries of a map, in the order in which they are searched. Raises Unanswered for no such map."""
        lines = (await self._ask(f"show map {quoted(map_name)}")).splitlines()
        found = [line.split(" ", 2) for line in lines if line]
        if any(len(parts) < 3 or not parts[0].startswith("0x") for parts in found):
            raise self._wrong(f"show map {map_name}", lines[0])
        return [Entry(parts[0], parts[1], parts[2]) for parts in found]

    async def add(self, map_name: str, key: str, value: str) -> None:
        """Add an entry. HAProxy adds it twice when it is asked twice: look before."""
        await self._change(f"add map {quoted(map_name)} {quoted(key)} {quoted(value)}")

    async def delete(self, map_name: str, entry: Entry) -> None:
        """Take one entry away, and no other of the same key."""
        await self._change(f"del map {quoted(map_name)} #{entry.reference}")

    async def states(self, backend: str) -> dict[str, str]:
        """Return the state of each server of a backend: maint, drain or ready."""
        said = (await self._ask(f"show servers state {quoted(backend)}")).splitlines()
        if len(said) < 2 or not said[1].startswith("# "):
            raise self._wrong(f"show servers state {backend}", said[0] if said else "")
        columns = said[1][2:].split()
        name, state = columns.index("srv_name"), columns.index("srv_admin_state")
        rows = [line.split() for line in said[2:] if line]
        return {row[name]: _state(int(row[state])) for row in rows}

    async def set_state(self, server: str, state: str) -> None:
        """Set one server (`backend/name`) to maint, drain or ready; doing it again changes nothing."""
        await self._change(f"set server {quoted(server)} state {state}")

    async def _change(self, command: str) -> None:
        said = (await self._ask(command, changes=True)).strip()
        if said and not said.startswith("["):  # a notice such as "[NOTICE] ..." is no refusal
            raise self._wrong(command, said)

    async def _ask(self, command: str, *, changes: bool = False) -> str:
        try:
            async with asyncio.timeout(self._seconds):
                reader, writer = await self._connected()
        except (OSError, TimeoutError) as error:
            do = "see whether HAProxy runs and this process may use its socket; nothing was changed by this call"
            raise Unanswered(Problem(code="K201", message=f"{self.address}: {_why(error)}", do=do)) from None
        try:
            async with asyncio.timeout(self._seconds):
                writer.write(f"{command}\n".encode())
                said = await reader.read(_MAXIMUM)
                while len(said) < _MAXIMUM and (more := await reader.read(_MAXIMUM - len(said))):
                    said += more
        except (OSError, TimeoutError) as error:
            raise self._broken(command, _why(error), changes=changes) from None
        finally:
            writer.close()
        if not said.endswith(b"\n"):
            raise self._broken(command, "the answer has no end", changes=changes)
        return said.decode(errors="replace")

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.address.startswith("unix:"):
            return await asyncio.open_unix_connection(self.address.removeprefix("unix:"))
        host, _, port = self.address.rpartition(":")
        return await asyncio.open_connection(host.strip("[]"), int(port))

    def _broken(self, command: str, why: str, *, changes: bool) -> Unanswered:
        message = f"{self.address}: `{command}` broke off: {why}"
        if changes:
            do = "observe the door before anything is repeated: the command may have had its effect"
            return InDoubt(Problem(code="K202", message=message, do=do))
        return Unanswered(Problem(code="K201", message=message, do="see whether HAProxy answers; nothing was changed"))

    def _wrong(self, command: str, said: str) -> Unanswered:
        code = "K203" if "permission denied" in said.lower() else "K204"
        do = "compare the names in the door with the configuration of HAProxy, and the level of its socket"
        return Unanswered(Problem(code=code, message=f"{self.address}: `{command}` answered: {said:.200}", do=do))


def quoted(text: str) -> str:
    """Write a text as one word of the socket's command line. `#` at the front keeps its meaning: a reference."""
    front, rest = ("#", text[1:]) if re.fullmatch(r"#\d+", text) else ("", text)
    return front + _SPECIAL.sub(r"\\\1", rest)


def _state(bits: int) -> str:
    return "maint" if bits & _MAINTENANCE else "drain" if bits & _DRAINING else "ready"


def _why(error: Exception) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else getattr(error, "strerror", None) or str(error)
