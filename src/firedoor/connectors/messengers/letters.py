"""A notice as a letter: its headers, and the same words as plain text and as HTML.

Decides that the Message-ID is made from the delivery's key, so that a letter sent twice after a broken connection is
known as one; that letters of an incident stand together; that no absence note answers; that every byte is ASCII, so
that no relay has to change it; and that no value can become a header. Leaves the words to `words`.
"""

from __future__ import annotations

from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from firedoor.connectors.messengers.words import as_html, as_text
from firedoor.core.notices.subject_lines import sentence
from firedoor.core.ports import Notice

POLICY = SMTP.clone(cte_type="7bit")
SUBJECT = 150  # characters
PRESSING = frozenset(("reminder", "escalation"))


def compose(notice: Notice, sender: str, reply_to: str = "") -> EmailMessage:
    """The letter. It has no List-Unsubscribe: whoever has a role is told of it, and nobody is on a list."""
    domain = parseaddr(sender)[1].partition("@")[2] or "firedoor.invalid"
    letter = EmailMessage(POLICY)
    letter["From"], letter["To"], letter["Subject"] = sender, notice.address, one_line(sentence(notice))[:SUBJECT]
    if reply_to:
        letter["Reply-To"] = reply_to
    letter["Date"] = format_datetime(notice.made_at)
    letter["Message-ID"] = f"<{notice.handle}@{domain}>"
    if notice.incident:
        letter["References"] = letter["In-Reply-To"] = f"<{notice.incident.lower()}@{domain}>"
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence note answers it,
    letter["X-Auto-Response-Suppress"] = "All"  # nor one of Exchange, which has a header of its own for that
    if notice.kind in PRESSING and not notice.became:
        letter["Importance"] = "high"  # RFC 2156, section 5.3.4
    letter.set_content(as_text(notice), cte="quoted-printable")
    letter.add_alternative(as_html(notice), subtype="html", cte="quoted-printable")
    return letter


def one_line(text: str) -> str:
    """Without line breaks and other characters that nobody sees: a value stays within its header."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def is_address(written: str) -> bool:
    """Whether it is one address, perhaps with a name before it."""
    name, address = parseaddr(written)
    try:
        found = Address(name, addr_spec=address)
    except (ValueError, IndexError, MessageError):
        return False
    return written.isprintable() and bool(found.username and found.domain) and "," not in written
