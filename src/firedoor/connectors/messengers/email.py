"""E-mail over SMTP (RFC 5321), one letter to each person, over TLS.

Decides that the Message-ID is made from the delivery's key, so that a letter sent twice after a broken connection is
known as one, and which answers of a server are worth another attempt (RFC 5321, section 4.2.1). SMTP has no way to
look whether a letter was taken. Leaves the words to `words`.
"""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import ClassVar, Literal

from firedoor.connectors.messengers.words import as_html, as_text
from firedoor.core.notices import sentence
from firedoor.core.ports import Notice, Told
from firedoor.core.problems import FiredoorError, InDoubt, Problem, Refused, Unanswered

PATIENCE = 20.0  # seconds for the server to answer one line


@dataclass(frozen=True)
class Server:
    """Where letters are handed in. `password` is asked for at each connection, and kept nowhere."""

    host: str
    port: int
    sender: str
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: Callable[[], str] = str
    certificates: Path | None = None


class Email:
    """The messenger."""

    name: ClassVar[str] = "email"
    personal: ClassVar[bool] = True

    def __init__(self, server: Server) -> None:
        self.server = server

    def address_of(self, email: str, slack_id: str) -> str:  # noqa: ARG002 - the port's
        """The account's address."""
        return email if _plain(email) else ""

    async def find(self, notice: Notice) -> Told | None:  # noqa: ARG002 - the port's
        """Nobody can know; the Message-ID is the same, so that the receiving side can tell."""
        return None

    async def send(self, notice: Notice) -> Told:
        """Hand the letter in."""
        letter = compose(notice, self.server.sender)
        await asyncio.to_thread(self._hand_in, letter)
        return Told(reference={"message_id": str(letter["Message-ID"])})

    def _hand_in(self, letter: EmailMessage) -> None:
        session: smtplib.SMTP | None = None
        try:
            session = self._open()
            session.send_message(letter)
        except smtplib.SMTPRecipientsRefused as error:
            raise _refused(next(iter(error.recipients.values()))[0], "the recipient") from None
        except smtplib.SMTPDataError as error:
            raise _refused(error.smtp_code, "the letter") from None
        except smtplib.SMTPResponseException as error:  # of us, not of the letter: that can be mended
            raise Unanswered(_problem(f"the mail server answered {error.smtp_code}")) from None
        except (OSError, smtplib.SMTPException) as error:
            problem = _problem(f"the mail server broke off: {type(error).__name__}")
            raise (Unanswered if session is None else InDoubt)(problem) from None
        finally:
            if session is not None:
                with contextlib.suppress(OSError, smtplib.SMTPException):  # the letter's fate is known by now
                    session.quit()

    def _open(self) -> smtplib.SMTP:
        server, trust = self.server, ssl.create_default_context()
        if server.certificates is not None:
            trust.load_verify_locations(cafile=server.certificates)
        if server.security == "tls":
            session: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=PATIENCE, context=trust)
        else:
            session = smtplib.SMTP(server.host, server.port, timeout=PATIENCE)
        try:
            if server.security == "starttls":
                session.starttls(context=trust)
            if server.user:
                session.login(server.user, server.password())
        except BaseException:
            session.close()
            raise
        return session


def compose(notice: Notice, sender: str) -> EmailMessage:
    """The letter: plain text with the same in HTML, threaded by incident."""
    domain = parseaddr(sender)[1].partition("@")[2] or "firedoor.invalid"
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = sender, notice.address, sentence(notice)[:150]
    letter["Date"] = format_datetime(notice.made_at)
    letter["Message-ID"] = f"<{notice.handle}@{domain}>"
    letter["References"] = letter["In-Reply-To"] = f"<{notice.incident.lower()}@{domain}>"
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence note answers it
    letter.set_content(as_text(notice))
    letter.add_alternative(as_html(notice), subtype="html")
    return letter


def _refused(code: int, what: str) -> FiredoorError:
    """4yz is worth another attempt, 5yz is not."""
    problem = _problem(f"the mail server refused {what} with {code}")
    return Unanswered(problem) if 400 <= code < 500 else Refused(problem)


def _problem(message: str) -> Problem:
    return Problem(code="M102", message=message, do="see FIREDOOR_SMTP_HOST and the account's address")


def _plain(address: str) -> bool:
    return "@" in address and address.isprintable() and not set(address) & set(' ,;<>"()')
