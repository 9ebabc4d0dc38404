"""Letters handed in at a real mail server: nothing leaves over a line that is not encrypted and checked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.real_mail import PASSWORD, TOKEN, USER, Authority, RealMail

from firedoor.connectors.messengers.email import Email, Server
from firedoor.connectors.messengers.letters import compose
from firedoor.core.ports import Notice, Standing
from firedoor.core.problems import FiredoorError, InvalidInput, Refused, Unanswered
from firedoor.runtime.config.settings import Settings
from firedoor.runtime.loops.messengers import messengers

SENDER = "Firedoor <firedoor@house.test>"
HANDLE = "0123456789abcdef" * 2
MADE = datetime(2026, 11, 22, 3, 4, tzinfo=UTC)
STANDING = Standing(incident="INC-2026-0042", state="open", severity="high", restricted=False, link="https://fd.test/x")
NOTICE = Notice(
    key="k", handle=HANDLE, kind="task", incident="INC-2026-0042", roles=("dpo",), made_at=MADE, task="T1",
    link="https://fd.test/x", address="dee@house.test", question="Müssen wir es der Behörde melden?", standing=STANDING,
)  # fmt: skip
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")  # the servers that offer no TLS are the point here
TO_BOTH = pytest.mark.parametrize("security", ["tls", "starttls"])


@pytest.fixture(name="authority")
def _authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def at(mail: RealMail, **more: Any) -> Email:
    return Email(Server("127.0.0.1", mail.port, SENDER, **more))


async def failure(kind: type[FiredoorError], email: Email, notice: Notice = NOTICE) -> str:
    with pytest.raises(kind) as caught:
        await email.send(notice)
    return str(caught.value)


@TO_BOTH
async def test_a_letter_goes_over_tls_with_a_login(authority: Authority, security: Any) -> None:
    """From the first byte, or after STARTTLS; the server's certificate is checked against a file of one's own."""
    async with RealMail(security, authority.context(), login=True) as mail:
        told = await at(
            mail, security=security, user=USER, password=lambda: PASSWORD, certificates=authority.file
        ).send(NOTICE)
    assert mail.secured == [True]
    assert told.reference == {"message_id": f"<{HANDLE}@house.test>"}
    assert mail.letters[0]["To"] == "dee@house.test"


@TO_BOTH
async def test_a_server_of_another_name_gets_nothing(authority: Authority, security: Any) -> None:
    """The certificate is good, and somebody else's."""
    async with RealMail(security, authority.context(host="other.test"), login=True) as mail:
        email = at(mail, security=security, user=USER, password=lambda: PASSWORD, certificates=authority.file)
        assert "certificate that is not trusted" in await failure(Unanswered, email)
    assert not {"AUTH", "MAIL", "DATA"} & set(mail.said)


@TO_BOTH
async def test_a_certificate_of_an_unknown_authority_is_refused(
    authority: Authority, tmp_path: Path, security: Any
) -> None:
    """Also where another authority of one's own is trusted."""
    async with RealMail(security, authority.context(), login=True) as mail:
        for trusted in (None, Authority(tmp_path, "another").file):
            email = at(mail, security=security, user=USER, password=lambda: PASSWORD, certificates=trusted)
            assert "certificate that is not trusted" in await failure(Unanswered, email)
    assert not {"AUTH", "MAIL", "DATA"} & set(mail.said)


async def test_where_starttls_is_taken_out_neither_password_nor_letter_is_sent(authority: Authority) -> None:
    """Somebody between us and the server strips the offer: nothing but greetings leaves."""
    async with RealMail("none", login=True) as mail:
        email = at(mail, user=USER, password=lambda: PASSWORD, certificates=authority.file)
        assert "offers no STARTTLS" in await failure(Unanswered, email)
        assert set(mail.said) <= {"EHLO", "QUIT"}
        assert "offers no STARTTLS" in await failure(Unanswered, at(mail))
        assert set(mail.said) <= {"EHLO", "QUIT"}


async def test_a_password_that_is_refused_rests_until_there_is_another(authority: Authority) -> None:
    """It is held and said, no account gets locked by us, and the right one works at once."""
    given = ["wrong"]
    async with RealMail("tls", authority.context(), login=True) as mail:
        email = at(mail, security="tls", user=USER, password=lambda: given[0], certificates=authority.file)
        for _ in range(3):
            assert "refused our login with 535" in await failure(Unanswered, email)
        assert mail.said.count("AUTH") == 1
        given[0] = PASSWORD
        await email.send(NOTICE)
    assert len(mail.letters) == 1


async def test_a_password_is_in_no_words_of_a_failure(authority: Authority) -> None:
    """Not even one that cannot be sent at all."""
    async with RealMail("tls", authority.context(), login=True) as mail:
        for password in ("sesäme-of-ours", "sesame-of-ours"):
            email = at(mail, security="tls", user=USER, password=lambda: password, certificates=authority.file)  # noqa: B023 - called at once
            words = await failure(Unanswered, email)
            assert "sesame" not in words
            assert "ses" not in words


@pytest.mark.parametrize(("token", "letters"), [(TOKEN, 1), ("stale", 0)])
async def test_an_access_token_in_place_of_a_password(authority: Authority, token: str, letters: int) -> None:
    """XOAUTH2; a token that has run out is said as a refused login."""
    async with RealMail("starttls", authority.context(), login=True) as mail:
        email = at(mail, user=USER, password=lambda: token, login="xoauth2", certificates=authority.file)
        if letters:
            await email.send(NOTICE)
        else:
            assert "refused our login" in await failure(Unanswered, email)
    assert len(mail.letters) == letters


async def test_a_letter_is_ascii_to_the_last_byte_and_says_what_it_is() -> None:
    """No relay has to change it; whoever reads it sees every letter of the alphabet."""
    long = NOTICE.model_copy(update={"kind": "escalation", "question": "Wörter. " * 400, "roles": ("prüfung",)})
    async with RealMail() as mail:
        await at(mail, security="none", reply_to="oncall@house.test").send(long)
    (raw,), (letter,) = mail.raw, mail.letters
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert "prüfung" in str(letter["Subject"])
    assert "Wörter. Wörter." in letter.get_body(("plain",)).get_content()
    assert letter["Date"].datetime == MADE
    wanted = {
        "Message-ID": f"<{HANDLE}@house.test>", "In-Reply-To": "<inc-2026-0042@house.test>", "From": SENDER,
        "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All", "Importance": "high",
        "Reply-To": "oncall@house.test", "List-Unsubscribe": None,
    }  # fmt: skip
    assert {name: letter[name] for name in wanted} == wanted


def test_a_letter_word_for_word() -> None:
    """What somebody reads who opens it at night."""
    letter = compose(NOTICE.model_copy(update={"due_at": MADE.replace(minute=34)}), SENDER)
    assert letter["Subject"] == "[high] INC-2026-0042 T1 by 03:34 UTC, dpo"
    assert letter.get_body(("plain",)).get_content().splitlines() == [
        "[high] INC-2026-0042 T1 by 03:34 UTC, dpo.", "The playbook asks: Müssen wir es der Behörde melden?",
        "Due: 2026-11-22 03:34 UTC", "", "https://fd.test/x", "",
        "This message names an incident and nothing of what it is about. Sign in to read it.",
    ]  # fmt: skip


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "\x0b", "\x85", "\u2028", "\0"])
def test_no_value_becomes_a_header(line_break: str) -> None:
    """A law's title, a role or a task with a line break in it stays where it is."""
    evil = f"dpo{line_break}Bcc: eve@house.test{line_break}{line_break}<b>body</b>"
    update = {"roles": (evil,), "task": evil, "clock": evil, "question": evil}
    for kind in ("task", "reminder", "escalation", "message"):
        letter = compose(NOTICE.model_copy(update={**update, "kind": kind}), SENDER)
        head = letter.as_bytes().partition(b"\r\n\r\n")[0]
        assert letter["Bcc"] is None
        assert b"\nBcc" not in head
        assert b"\rBcc" not in head


@pytest.mark.parametrize("address", ["a@x.test\nBcc: e@x.test", "a@x.test, b@x.test", "<a@x.test>", "a", ""])
def test_whoever_has_no_plain_address_is_not_written_to(address: str) -> None:
    """One account, one address."""
    assert not Email(Server("localhost", 25, SENDER, "none")).address_of(address, "")


async def test_an_address_beyond_ascii_is_given_up_where_the_server_cannot_write_it() -> None:
    """It would not get better within a day."""
    async with RealMail() as mail:
        other = NOTICE.model_copy(update={"address": "dörte@house.test"})
        assert "cannot write to such an address" in await failure(Refused, at(mail, security="none"), other)


def without_end(made: Callable[[], object]) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        made()
    return [str(problem.field) for problem in caught.value.problems]


def test_settings_that_others_could_read_along_with_are_refused() -> None:
    """No letter without TLS to another machine, and no password without TLS anywhere; both are said at once."""
    for host in ("mail.house.test", "10.0.0.1", "localhost.evil.test"):
        assert without_end(lambda: Server(host, 25, SENDER, "none", user="u")) == [  # noqa: B023 - called at once
            "FIREDOOR_SMTP_SECURITY", "FIREDOOR_SMTP_USER",
        ]  # fmt: skip
    for host in ("localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]"):
        assert Server(host, 25, SENDER, "none").security == "none"
    assert without_end(lambda: Server("h", 25, "no address")) == ["FIREDOOR_SMTP_FROM"]
    assert without_end(lambda: Server("h", 25, SENDER, reply_to="a@b.test\nBcc: c@d.test")) == [
        "FIREDOOR_SMTP_REPLY_TO"
    ]


def test_a_login_needs_its_secret_by_reference() -> None:
    """Settings that are set up by half are refused when the process starts."""
    half = Settings(smtp_host="mail.house.test", smtp_from=SENDER, smtp_user="u")
    assert without_end(lambda: messengers(half)) == ["FIREDOOR_SMTP_PASSWORD"]
