"""A mail server for tests, on the loopback: as much of SMTP (RFC 5321) as a client that hands a letter in needs."""

from __future__ import annotations

import asyncio
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Self


class MailHouse:
    """Keeps letters. `answers` are given to the next DATA, one each; `drop` breaks the connection after a letter."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.answers: list[str] = []
        self.unknown: set[str] = set()
        self.drop = 0
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.test\r\n")
        while line := (await reader.readline()).decode().strip():
            word = line.partition(" ")[0].upper()
            if word == "DATA":
                writer.write(b"354 go on\r\n")
                content = await reader.readuntil(b"\r\n.\r\n")
                answer = self.answers.pop(0) if self.answers else "250 kept"
                if answer.startswith("250"):
                    self.letters.append(message_from_bytes(content[:-5], policy=policy.default))
                if self.drop:
                    self.drop -= 1
                    break
                writer.write(f"{answer}\r\n".encode())
            elif word == "RCPT" and line.partition("<")[2].rstrip(">") in self.unknown:
                writer.write(b"550 nobody here\r\n")
            elif word == "QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 ok\r\n")
        writer.close()
