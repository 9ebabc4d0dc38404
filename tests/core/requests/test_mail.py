"""What is read of an e-mail, what stays unknown, and that no attachment leaves more than its kind."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from firedoor.core.problems import InvalidInput
from firedoor.core.requests.mail import MAXIMUM_MESSAGE, read_mail
from firedoor.core.requests.submission import read

PLANTED = b"\x89PNG\r\n\x1a\n" + b"PLANTED-BYTES" * 50
WORDS = """Hello,

there is a nude picture of me at https://example.org/post/8812, and at
https://example.org/post/8813). I did not agree to it. I say this in good faith.

Kind regards,
Invented Person
"""


def mail(text: str = WORDS, **headers: str) -> EmailMessage:
    message = EmailMessage()
    given = {
        "From": "Invented Person <person@example.org>",
        "Message-ID": "<1@example.org>",
        "Subject": "Please",
    }
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    for name, value in given.items():
        message[name] = value
    message.set_content(text)
    return message


def test_places_signature_and_sentences_are_found() -> None:
    """And the submission is one that can be read."""
    found = read_mail(mail().as_bytes())
    said = read(found.body, ours=True)
    assert said.locators == ("https://example.org/post/8812", "https://example.org/post/8813")
    assert (said.contact, said.signature) == ("person@example.org", "Invented Person")
    assert {name for name, answer in said.elements.items() if answer == "yes"} == {
        "request_in_writing", "request_signed", "request_locates_content", "request_gives_contact",
        "request_states_no_consent", "request_declares_intimate", "request_declares_standing",
        "request_declares_truth", "complaint_by_person_shown",
    }  # fmt: skip
    assert read(said.record(), ours=True) == said


def test_what_no_pattern_finds_stays_unknown_and_is_never_a_no() -> None:
    """A law's clock must not wait because a program did not understand a sentence."""
    said = read(read_mail(mail("Take it away, it is on my old account.").as_bytes()).body, ours=True)
    assert set(said.elements) == {"request_in_writing", "request_gives_contact"}


def test_attachments_leave_their_kind_by_their_bytes() -> None:
    """Whatever they are called; a second text is none of the request."""
    message = mail()
    message.add_attachment(PLANTED, maintype="text", subtype="plain", filename="notes.txt")
    message.add_attachment(PLANTED, maintype="image", subtype="png", filename="me.png")
    found = read_mail(message.as_bytes())
    assert found.attachments == {"picture": 2}
    assert "PLANTED" not in str(found)
    assert "me.png" not in str(found)


def test_html_is_read_as_its_words_and_links() -> None:
    """No script, no style."""
    message = EmailMessage()
    message["From"] = "a@example.org"
    message.set_content("<p>See <a href='https://example.org/x'>this</a></p><script>PLANTED</script>", subtype="html")
    found = read_mail(message.as_bytes())
    assert found.body["locators"] == ["https://example.org/x"]
    assert "PLANTED" not in str(found.body)


def test_it_was_received_when_our_server_had_it() -> None:
    """By the topmost line of the way; the sender's own date says nothing."""
    way = "from a by b; Fri, 20 Nov 2026 10:00:00 +0100"
    at = read_mail(mail(Received=way, Date="Fri, 01 Jan 2100 00:00:00 +0000").as_bytes()).received_at
    assert at is not None
    assert at.isoformat() == "2026-11-20T09:00:00+00:00"
    assert read_mail(mail(Date="Fri, 20 Nov 2026 10:00:00 +0100").as_bytes()).received_at is None
    assert read_mail(mail(Received="nonsense").as_bytes()).received_at is None


def test_the_same_message_has_the_same_key() -> None:
    """And another one another."""
    assert read_mail(mail().as_bytes()).key == read_mail(mail().as_bytes()).key
    assert read_mail(mail().as_bytes()).key != read_mail(mail(Message_ID="<2@example.org>").as_bytes()).key


@pytest.mark.parametrize(
    "raw",
    [b"", b"\x89PNG\r\n\x1a\n" + bytes(500), b"x" * (MAXIMUM_MESSAGE + 1),
     b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\nContent-Type: image/png\n\nx\n" * 400 + b"--b--",
     b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(2000)) + b"x"],
    ids=["empty", "a picture", "too large", "too many parts", "too deep"],
)  # fmt: skip
def test_what_is_no_message_is_refused(raw: bytes) -> None:
    """In words, and at once."""
    with pytest.raises(InvalidInput):
        read_mail(raw)


def test_a_file_that_is_no_e_mail_opens_no_request() -> None:
    """Any bytes parse as a message without headers; a request must not come of a file that was named by mistake."""
    with pytest.raises(InvalidInput, match="no From"):
        read_mail(b"\xff\xfe bad")
