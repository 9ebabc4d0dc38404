"""`request import`: requests that came by e-mail, from `.eml` files and mailboxes.

Decides that a message is read here, where it lies, and that only what was read of it is sent on: no attachment leaves
the file. Nobody is written to. Leaves what is read of a message to `core.requests.mail`.
"""

from __future__ import annotations

import mailbox
from collections.abc import Iterator
from pathlib import Path

from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.requests.mail import MailedRequest, read_mail
from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.client import call
from firedoor.interfaces.shapes.records import MailedReceipt

MAXIMUM_MESSAGES = 1000  # of one call


def take_in(files: list[Path]) -> None:
    """Take in every message of the files. Raises InvalidInput at the end for those that are none; the others are in."""
    problems: list[Problem] = []
    for count, (name, raw) in enumerate(_messages(files)):
        if count >= MAXIMUM_MESSAGES:
            message = f"more than {MAXIMUM_MESSAGES} messages; {MAXIMUM_MESSAGES} were read"
            problems.append(Problem(code="Q131", field=name, message=message, do="import the rest from here"))
            break
        try:
            _taken_in(name, read_mail(raw))
        except InvalidInput as error:
            problems += [one.model_copy(update={"field": name}) for one in error.problems]
    if problems:
        raise InvalidInput(problems)


def _messages(files: list[Path]) -> Iterator[tuple[str, bytes]]:
    for file in files:
        if file.suffix.lower() != ".mbox":
            yield file.name, file.read_bytes()
            continue
        box = mailbox.mbox(file, create=False)
        try:
            for number, key in enumerate(box.keys(), 1):
                yield f"{file.name}, message {number}", box.get_bytes(key)
        finally:
            box.close()


def _taken_in(name: str, mail: MailedRequest) -> None:
    at = mail.received_at.isoformat() if mail.received_at else None
    body = {"key": mail.key, "received_at": at, "submission": mail.body}
    receipt = call(lambda api: api.post("/mailed-requests", body, MailedReceipt))
    render.line(f"{render.escape(name)}: [bold]{receipt['number']}[/]  {receipt['status_url']}")
    dropped = ", ".join(f"{count} {kind}" for kind, count in mail.attachments.items())
    if dropped:
        render.line(f"    dropped without being kept: {dropped}")
    for note in mail.notes:
        render.line(f"    [yellow]{render.escape(note)}[/]")
    render.line("    read the message for what no pattern finds; send the person the address, and what is missing")
