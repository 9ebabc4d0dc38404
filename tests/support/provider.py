"""A provider of single sign-on for tests, on the loopback: OpenID Connect's code flow, as far as Firedoor uses it.

Written from OpenID Connect Core 1.0 and RFC 7636. It checks what a provider checks (code once, verifier, redirect
address) and can be told to answer wrongly in named ways.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

SECRET = "of the client: 100 %"


class Provider:
    """One issuer with one key. `claims` is who signs in; `wrong` names a fault of the next tokens."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.claims: dict[str, Any] = {"sub": "42", "email": "ann@example.org", "name": "Ann", "groups": ["ir"]}
        self.wrong = ""
        self.codes: dict[str, dict[str, str]] = {}
        self.issuer = ""
        self.methods: list[str] | None = None  # how clients prove themselves, if the description says it

    def allow(self, address: str) -> str:
        """Consent to what the browser was sent with; return where the browser is sent back to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        state = "of ané other" if self.wrong == "state" else asked["state"]
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': state, 'iss': self.issuer})}"

    def token(self, form: dict[str, str], login: str) -> dict[str, str] | None:
        """Change a code for an id token; None where a provider refuses. `login` is the header of HTTP Basic."""
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if asked is None or challenge.rstrip(b"=").decode() != asked["code_challenge"]:
            return None
        if form["redirect_uri"] != asked["redirect_uri"] or not self._is_client(form, login):
            return None
        now = int(time.time())
        claims = {**self.claims, "iss": self.issuer, "aud": asked["client_id"], "nonce": asked["nonce"],
                  "iat": now, "exp": now + 300}  # fmt: skip
        faults: dict[str, dict[str, Any]] = {
            "issuer": {"iss": "https://elsewhere.example"}, "audience": {"aud": "another"},
            "azp": {"aud": [asked["client_id"], "another"], "azp": "another"},
            "nonce": {"nonce": "another"}, "expired": {"exp": now - 3600},
        }  # fmt: skip
        claims |= faults.get(self.wrong, {})
        if self.wrong == "unsigned":
            return {"id_token": jwt.encode(claims, None, algorithm="none", headers={"kid": "1"})}
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048) if self.wrong == "key" else self.key
        return {"id_token": jwt.encode(claims, key, algorithm="RS256", headers={"kid": "1"})}

    def _is_client(self, form: dict[str, str], login: str) -> bool:
        if self.methods == ["client_secret_post"]:
            return (form.get("client_id"), form.get("client_secret"), login) == ("firedoor", SECRET, "")
        pair = f"firedoor:{quote_plus(SECRET)}".encode()
        return "client_secret" not in form and login == f"Basic {base64.b64encode(pair).decode()}"

    def document(self, path: str) -> dict[str, Any] | None:
        """The description and the keys."""
        if path == "/.well-known/openid-configuration":
            methods = {} if self.methods is None else {"token_endpoint_auth_methods_supported": self.methods}
            return {**methods, "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
                    "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys"}  # fmt: skip
        if path == "/keys":
            written = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
            return {"keys": [{**written, "kid": "1", "use": "sig", "alg": "RS256"}]}
        return None


@contextmanager
def provider() -> Iterator[Provider]:
    """Run a provider."""
    built = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(built.document(self.path))

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: values[0] for name, values in parse_qs(text).items()}
            self._answer(built.token(form, self.headers.get("authorization", "")))

        def _answer(self, document: dict[str, Any] | None) -> None:
            self.send_response(404 if document is None else 200)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    built.issuer = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield built
    finally:
        server.shutdown()
        server.server_close()
