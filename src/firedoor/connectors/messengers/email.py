"""E-mail over SMTP (RFC 5321), one letter to each person, over TLS.

Decides that nothing leaves over a line that is not encrypted and checked, except to this same machine where somebody
says so; that the password is never sent otherwise; that a refused login rests, so that no account is locked by us; and
which answers of a server are worth another attempt (RFC 5321, section 4.2.1). Leaves the letter to `letters`.
"""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import ClassVar, Literal

from firedoor.connectors.messengers.letters import compose, is_address
from firedoor.connectors.parts.loopback import is_loopback
from firedoor.core.ports import Notice, Told
from firedoor.core.problems import FiredoorError, InDoubt, InvalidInput, Problem, Refused, Unanswered

PATIENCE = 20.0  # seconds for the server to answer one line
REST = 300.0  # seconds in which a password that was refused is not tried again; another one is, at once
HELP = "see FIREDOOR_SMTP_HOST and its neighbours in docs/how-to/send-messages.md"
UNFIT = frozenset((530, 534, 535, 538))  # of a login (RFC 4954, section 6): the same one fails again


@dataclass(frozen=True)
class Server:
    """Where letters are handed in. `password` is asked for at each connection, and kept nowhere.

    With the login `xoauth2` it is an access token. Raises InvalidInput for a line that others could read.
    """

    host: str
    port: int
    sender: str
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: Callable[[], str] = str
    certificates: Path | None = None
    login: Literal["password", "xoauth2"] = "password"
    reply_to: str = ""

    def __post_init__(self) -> None:
        faults = []
        if self.security == "none" and not is_loopback(self.host):
            faults.append(("FIREDOOR_SMTP_SECURITY", f"letters would go to {self.host} for everybody to read"))
        if self.security == "none" and self.user:
            faults.append(("FIREDOOR_SMTP_USER", "the password would be sent for everybody to read"))
        faults += [
            (name, f"{value[:60]!r} is no address")
            for name, value in (("FIREDOOR_SMTP_FROM", self.sender), ("FIREDOOR_SMTP_REPLY_TO", self.reply_to))
            if value and not is_address(value)
        ]
        if faults:
            do = "use starttls or tls; none is for a server on this machine, without a login"
            raise InvalidInput([Problem(code="H104", field=name, message=said, do=do) for name, said in faults])


class Email:
    """The messenger."""

    name: ClassVar[str] = "email"
    personal: ClassVar[bool] = True

    def __init__(self, server: Server) -> None:
        self.server = server
        self._refused: tuple[int, float, str] = (0, 0.0, "")  # which password, until when, with which words

    def address_of(self, email: str, slack_id: str) -> str:  # noqa: ARG002 - the port's
        """The account's address."""
        return email if _plain(email) else ""

    async def find(self, notice: Notice) -> Told | None:  # noqa: ARG002 - the port's
        """Nobody can know; the Message-ID is the same, so that the receiving side can tell."""
        return None

    async def send(self, notice: Notice) -> Told:
        """Hand the letter in."""
        letter = compose(notice, self.server.sender, self.server.reply_to)
        await asyncio.to_thread(self._hand_in, letter)
        return Told(reference={"message_id": str(letter["Message-ID"])})

    async def tell_alone(self, notice: Notice) -> None:
        """A letter goes to one person anyway."""
        await self.send(notice)

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
            raise Unanswered(_problem(f"answered {error.smtp_code}")) from None
        except smtplib.SMTPNotSupportedError:  # a name with letters beyond ASCII, and a server without SMTPUTF8
            raise Refused(_problem("cannot write to such an address")) from None
        except (OSError, smtplib.SMTPException) as error:
            problem = _problem(_broke(error))
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
                self._encrypt(session, trust)
            if server.user:
                self._log_in(session)
        except BaseException:
            session.close()
            raise
        return session

    @staticmethod
    def _encrypt(session: smtplib.SMTP, trust: ssl.SSLContext) -> None:
        """Raises Unanswered where the server does not offer it, or somebody on the way has taken the offer out."""
        try:
            session.starttls(context=trust)
        except smtplib.SMTPNotSupportedError:
            raise Unanswered(_problem("offers no STARTTLS; nothing was sent to it")) from None

    def _log_in(self, session: smtplib.SMTP) -> None:
        secret = self.server.password()
        which, until, words = self._refused
        if which == hash(secret) and time.monotonic() < until:
            raise Unanswered(_problem(words))
        try:
            if self.server.login == "xoauth2":
                session.ehlo_or_helo_if_needed()
                session.auth("XOAUTH2", lambda challenge=None: "" if challenge else _bearer(self.server.user, secret))
            else:
                session.login(self.server.user, secret)
        except smtplib.SMTPNotSupportedError:
            raise Unanswered(_problem("offers no login; the password was not sent to it")) from None
        except UnicodeEncodeError:  # whose words would quote the password
            raise Unanswered(_problem("cannot be given a password with letters beyond ASCII")) from None
        except smtplib.SMTPAuthenticationError as error:
            words = f"refused our login with {error.smtp_code}"
            if error.smtp_code in UNFIT:
                self._refused = (hash(secret), time.monotonic() + REST, words)
            raise Unanswered(_problem(words)) from None


def _bearer(user: str, token: str) -> str:
    """The first answer of XOAUTH2, which Google and Microsoft document for their servers."""
    return f"user={user}\x01auth=Bearer {token}\x01\x01"


def _broke(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"shows a certificate that is not trusted: {error.verify_message}"
    return f"broke off: {type(error).__name__}"


def _refused(code: int, what: str) -> FiredoorError:
    """4yz is worth another attempt, 5yz is not."""
    problem = _problem(f"refused {what} with {code}")
    return Unanswered(problem) if 400 <= code < 500 else Refused(problem)


def _problem(what: str) -> Problem:
    return Problem(code="H102", message=f"the mail server {what}", do=HELP)


def _plain(address: str) -> bool:
    return "@" in address and address.isprintable() and not set(address) & set(' ,;<>"()')
