"""A real mail server (aiosmtpd) on the loopback, with certificates made for the test.

Decides who may log in, what the server is called in its certificate, and what of TLS it offers. Keeps the letters, and
every command word, so that a test can say what was not sent.
"""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

USER, PASSWORD, TOKEN = "firedoor", "open sesame", "ya29.of-the-hour"


class Authority:
    """A certificate authority of one's own. `file` is what has to be trusted."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self.folder, self.file = folder, folder / f"{name}.pem"
        self._key, self._name = generate_private_key(SECP256R1()), _named(f"the {name} of a test")
        made = self._certificate(self._name, self._key, x509.BasicConstraints(ca=True, path_length=0))
        self.file.write_bytes(made.public_bytes(Encoding.PEM))

    def context(self, *, host: str = "", address: str = "127.0.0.1") -> ssl.SSLContext:
        """What a server of this name shows."""
        key = generate_private_key(SECP256R1())
        names: list[x509.GeneralName] = [x509.DNSName(host)] if host else [x509.IPAddress(IPv4Address(address))]
        made = self._certificate(_named("a server"), key, x509.SubjectAlternativeName(names))
        file = self.folder / f"server-{made.serial_number:x}.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(private + made.public_bytes(Encoding.PEM))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(file)
        return context

    def _certificate(
        self, subject: x509.Name, key: EllipticCurvePrivateKey, extension: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        ours = self._key.public_key()
        builder = x509.CertificateBuilder(self._name, subject, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=2))
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ours), critical=False)
        return builder.add_extension(extension, critical=True).sign(self._key, SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


class RealMail:
    """The server. `security` is `tls`, `starttls`, or `none`: then it offers no encryption, whatever is asked for."""

    def __init__(self, security: str = "none", context: ssl.SSLContext | None = None, *, login: bool = False) -> None:
        self.security, self.context, self.login = security, context, login
        self.letters: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.said: list[str] = []  # the command words that arrived
        self.secured: list[bool] = []  # for each letter, whether its line was encrypted
        self.password = PASSWORD

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        context = self.context if self.security == "tls" else None
        self._server = await loop.create_server(self._line, "127.0.0.1", 0, ssl=context)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    def _line(self) -> SMTP:
        heard, starttls = self.said, self.security == "starttls"

        class Line(SMTP):
            async def _handle_client(self) -> None:
                for name, method in list(self._smtp_methods.items()):
                    self._smtp_methods[name] = _noting(name, method, heard)
                await super()._handle_client()

        return Line(
            self, hostname="mail.test", loop=asyncio.get_running_loop(), enable_SMTPUTF8=False,
            tls_context=self.context if starttls else None, require_starttls=starttls,
            authenticator=self._known if self.login else None, auth_required=self.login,
            auth_require_tls=False, auth_exclude_mechanism=["LOGIN"],
        )  # fmt: skip

    def _known(self, server: Any, session: Session, envelope: Envelope, mechanism: str, given: Any) -> AuthResult:
        right = isinstance(given, LoginPassword) and (given.login.decode(), given.password.decode()) == (
            USER, self.password,
        )  # fmt: skip
        return AuthResult(success=right, handled=False)

    async def auth_XOAUTH2(self, server: SMTP, words: list[str]) -> AuthResult:  # noqa: N802 - the name of the mechanism
        """As Google documents it: one answer, or a challenge with what is wrong."""
        import base64

        given = base64.b64decode(words[1]).decode()
        if given == f"user={USER}\x01auth=Bearer {TOKEN}\x01\x01":
            return AuthResult(success=True, auth_data=given)
        await server.challenge_auth('{"status":"401"}')
        return AuthResult(success=False, handled=False)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - the name of the hook
        """Keep the letter."""
        assert isinstance(envelope.content, bytes)
        self.raw.append(envelope.content)
        self.letters.append(message_from_bytes(envelope.content, policy=policy.default))
        self.secured.append(session.ssl is not None or self.security == "tls")
        return "250 kept"


def _noting(name: str, method: Any, heard: list[str]) -> Any:
    async def noted(argument: str) -> None:
        heard.append(name)
        await method(argument)

    return noted
