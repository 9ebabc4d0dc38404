"""A request that came by e-mail: what is read of the message, and that nothing else of it is kept.

Decides within which bounds a message is read, that only its first text is, which places and sentences are found in it
by pattern, and that an attachment leaves no more than its kind, judged by its bytes. What a pattern does not find stays
unknown: people read the message. Leaves opening files to the command, and what a request is to `submission`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parseaddr, parsedate_to_datetime
from html.parser import HTMLParser

from firedoor.core.canonical import digest
from firedoor.core.content import hidden, judge
from firedoor.core.content.locators import LONGEST_LOCATOR, locator_fault
from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.requests.submission import MAXIMUM_NAME, MAXIMUM_PLACES, MAXIMUM_STATEMENT, Declaration
from firedoor.core.text import clean_text

MAXIMUM_MESSAGE = 30 * 1024 * 1024  # bytes of one message with everything in it
MAXIMUM_PARTS, MAXIMUM_TEXT = 200, 200_000  # parts of a message; characters of a text that are looked at
_PLACE = re.compile(r"https?://[^\s<>\"'\])]{3,2040}", re.IGNORECASE)
_SIGNED = re.compile(
    r"^(?:/s/ *|signed:? *|signature:? *|unterschrift:? *|firma:? *)(?P<name>\S[^\n]{1,200})$"
    r"|^(?:(?:yours )?sincerely|(?:kind |best )?regards|mit freundlichen grüßen|viele grüße|cordialement|bien à vous"
    r"|atentamente|saludos),?\s*\n+\s*(?P<under>\S[^\n]{1,200})$",
    re.IGNORECASE | re.MULTILINE,
)
# A sentence that says so, in the languages of the page. Only what is found counts; the rest is for people.
_SAYS: dict[Declaration, re.Pattern[str]] = {
    Declaration.NO_CONSENT: re.compile(
        r"without (?:my|her|his|their) (?:consent|permission|agreement)|(?:did|do) not (?:consent|agree)|never agreed"
        r"|ohne (?:meine|ihre|seine) (?:zustimmung|einwilligung)|nicht (?:zugestimmt|eingewilligt)"
        r"|sans (?:mon|son) (?:consentement|accord)|sin (?:mi|su) consentimiento", re.IGNORECASE),
    Declaration.INTIMATE: re.compile(
        r"\b(?:nude|naked|intimate|sexual)\b|\bnackt|\bintim|\bnue?s?\b|\bdesnud|\bíntim", re.IGNORECASE),
    Declaration.STANDING: re.compile(
        r"i am the person (?:shown|in)|(?:image|picture|photo|video)s? of me\b|authori[sz]ed to act"
        r"|ich bin die (?:gezeigte|abgebildete) person|(?:bild|foto|video)\w* von mir\b|je suis la personne"
        r"|(?:image|photo|vidéo)s? de moi\b|soy la persona|(?:imagen|foto|vídeo)(?:es|s)? (?:de mí|mía)",
        re.IGNORECASE),
    Declaration.TRUTH: re.compile(
        r"good faith|under penalty of perjury|nach bestem wissen|de bonne foi|de buena fe", re.IGNORECASE),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class MailedRequest:
    """What is read of a message. `received_at` is when our own mail server had it, None where it does not say.

    `body` is the submission as `submission.read` takes it; `attachments` counts what was dropped, by kind. `key` is the
    same for the same message, so that a second import is the same request.
    """

    key: str
    received_at: datetime | None
    body: dict[str, object]
    attachments: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_mail(raw: bytes) -> MailedRequest:
    """Read one message. Raises InvalidInput for one that is too large, too deep or empty, or is none."""
    if len(raw) > MAXIMUM_MESSAGE:
        raise InvalidInput(_problem(f"the message has more than {MAXIMUM_MESSAGE} bytes", "ask for it without files"))
    try:
        message = message_from_bytes(raw, policy=policy.default)
        parts = _leaves(message)
    except RecursionError:
        raise InvalidInput(_problem("the message is nested too deeply", "register it by hand")) from None
    if "From" not in message:  # RFC 5322, 3.6: whatever else is no message parses as one without headers
        raise InvalidInput(_problem("this is no e-mail: it has no From", "save the message whole, as .eml or .mbox"))
    words, dropped = _text_of(parts)
    if not words.strip():
        raise InvalidInput(_problem("no text is in the message", "read it, and register it by hand"))
    return _request(message, words, dropped)


def _request(message: EmailMessage, words: str, dropped: Counter[str]) -> MailedRequest:
    name, address = parseaddr(str(message.get("From", "")))
    places, left_out = _places(words)
    said = _statement(words)
    signed = _signature(words)
    body: dict[str, object] = {
        "person": {"is": "me", "contact": address[:MAXIMUM_NAME] or name[:MAXIMUM_NAME]}, "locators": places,
        "statement": said, "unasked": True,
        "declares": sorted(str(one) for one, says in _SAYS.items() if says.search(words)),
    }  # fmt: skip
    if signed:
        body["signature"] = signed
    notes = [*(["the text is longer than is kept; read the message"] if len(words.strip()) > len(said) else []),
             *([f"{left_out} places are left out; read the message"] if left_out else [])]  # fmt: skip
    own = str(message.get("Message-ID", "")).strip()
    return MailedRequest(
        digest(["mail", own or words, address]), _received(message), body, dict(sorted(dropped.items())), tuple(notes)
    )


def _leaves(message: EmailMessage) -> list[EmailMessage]:
    found = []
    for count, part in enumerate(message.walk()):
        if count >= MAXIMUM_PARTS:
            raise InvalidInput(_problem(f"the message has more than {MAXIMUM_PARTS} parts", "register it by hand"))
        if not part.is_multipart():
            found.append(part)
    return found


def _text_of(parts: Iterable[EmailMessage]) -> tuple[str, Counter[str]]:
    """The first text, as it reads, and the kinds of all else. Nothing of an attachment leaves this function."""
    plain, marked, dropped = "", "", Counter[str]()
    for part in parts:
        content = part.get_payload(decode=True)
        raw = content if isinstance(content, bytes) else b""
        is_text = part.get_content_type() in ("text/plain", "text/html") and not part.get_filename()
        if not is_text or not judge(raw[:MAXIMUM_TEXT]).keep:
            dropped[str(judge(raw).kind)] += 1
        elif part.get_content_type() == "text/plain" and not plain:
            plain = _decoded(part, raw)
        elif not marked:
            marked = _without_marks(_decoded(part, raw))
    return clean_text(plain or marked, lines=True), dropped


def _decoded(part: EmailMessage, raw: bytes) -> str:
    try:
        return raw.decode(part.get_content_charset() or "utf-8", "replace")[:MAXIMUM_TEXT]
    except LookupError:  # an encoding that nobody knows
        return raw.decode("utf-8", "replace")[:MAXIMUM_TEXT]


class _Words(HTMLParser):
    """The text of HTML and where its links lead; scripts and styles are no text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("script", "style")
        if tag in ("p", "br", "div", "li"):
            self.found.append("\n")
        self.found += [f" {value} " for name, value in attrs if tag == "a" and name == "href" and value]

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "style") and self._silent > 0

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.found.append(data)


def _without_marks(text: str) -> str:
    reader = _Words()
    reader.feed(text)
    return "".join(reader.found)


def _places(words: str) -> tuple[list[str], int]:
    """The addresses in the text, each once, and how many there are beyond what one request holds."""
    found = list(dict.fromkeys(place.rstrip(".,;:!?") for place in _candidates(words)))
    good = [place for place in found if not locator_fault(place)]
    return good[:MAXIMUM_PLACES], len(found) - len(good[:MAXIMUM_PLACES])


def _candidates(words: str) -> Iterator[str]:
    return (one.group()[:LONGEST_LOCATOR] for one in _PLACE.finditer(words))


def _statement(words: str) -> str:
    """The text, as far as it is kept; none of a text that hides content."""
    kept = words.strip()[:MAXIMUM_STATEMENT]
    return "" if hidden(kept) else kept


def _signature(words: str) -> str:
    found = _SIGNED.search(words)
    return (found["name"] or found["under"] or "").strip()[:MAXIMUM_NAME] if found else ""


def _received(message: EmailMessage) -> datetime | None:
    """By the topmost line of the way, which our own server wrote; the sender's own date is no proof of receipt."""
    lines = message.get_all("Received") or []
    try:
        at = parsedate_to_datetime(str(lines[0]).rpartition(";")[2].strip()) if lines else None
    except (TypeError, ValueError):
        return None
    return at.astimezone(UTC) if at is not None and at.tzinfo is not None else None


def _problem(message: str, do: str) -> Problem:
    return Problem(code="Q130", message=message, do=do)
