"""The files of docs/deploy at work: a real nginx with TLS in front of a real server, and a unit that systemd reads."""

from __future__ import annotations

import json
import os
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.conftest import require
from tests.parts import free_port
from tests.patience import stop, until

DEPLOY = Path(__file__).parents[2] / "docs" / "deploy"
NAME = "firedoor.example.org"
PASSWORD = "a door that shuts by itself"
OUTSIDE = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  include {folder}/firedoor.conf;
}}
"""
pytestmark = pytest.mark.slow


def certificate(folder: Path) -> None:
    """A certificate for the name, signed by itself."""
    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=True).sign(key, hashes.SHA256())
    )  # fmt: skip
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)
    (folder / "cert.pem").write_bytes(built.public_bytes(serialization.Encoding.PEM))


class Behind:
    """Firedoor behind nginx, as the shipped configuration has it but for ports and the certificate."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.inside, self.outside = folder, free_port(), free_port()
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start both, and wait until the outer one passes requests on."""
        own = {
            "FIREDOOR_DATA_DIR": str(self.folder / "data"), "FIREDOOR_PREFECT": "no",
            "FIREDOOR_PUBLIC_URL": f"https://{NAME}:{self.outside}", "FIREDOOR_TRUSTED_PROXIES": "127.0.0.1",
        }  # fmt: skip
        command = [sys.executable, "-m", "firedoor.interfaces.cli.main", "serve", "--port", str(self.inside)]
        self.processes.append(subprocess.Popen(command, env={**os.environ, **own}, stdout=subprocess.DEVNULL))
        certificate(self.folder)
        text = (DEPLOY / "nginx.conf").read_text()
        for shipped, ours in (
            (r"443 ssl", f"127.0.0.1:{self.outside} ssl"), (r"127\.0\.0\.1:8600", f"127.0.0.1:{self.inside}"),
            (r"/etc/ssl/certs/\S+\.pem", f"{self.folder}/cert.pem"),
            (r"/etc/ssl/private/\S+\.key", f"{self.folder}/key.pem"), (r"allow 127\.0\.0\.1;", "allow 192.0.2.1;"),
        ):  # fmt: skip
            text, times = re.subn(shipped, ours, text)
            assert times, shipped
        (self.folder / "firedoor.conf").write_text(text)
        user = "user root;" if os.geteuid() == 0 else ""  # its workers keep uploads in the test's own folder
        (self.folder / "nginx.conf").write_text(OUTSIDE.format(folder=self.folder, user=user))
        nginx = ["nginx", "-p", str(self.folder), "-c", "nginx.conf", "-e", str(self.folder / "error.log")]
        self.processes.append(subprocess.Popen(nginx))
        until(self._ready, self.processes[0], "Firedoor behind nginx")

    def _ready(self) -> bool:
        try:
            return self.client().get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def client(self, **how: Any) -> httpx.Client:
        """A client that believes the certificate and asks for the name."""
        trust = ssl.create_default_context(cafile=str(self.folder / "cert.pem"))
        client = httpx.Client(
            base_url=f"https://127.0.0.1:{self.outside}", verify=trust, trust_env=False, timeout=20, **how
        )
        client.headers["host"] = f"{NAME}:{self.outside}"
        client.event_hooks["request"] = [lambda request: request.extensions.update(sni_hostname=NAME)]
        return client

    @property
    def local(self) -> dict[str, str]:
        """The headers of this machine's own user."""
        token = json.loads((self.folder / "data" / "server.json").read_text())["token"]
        return {"authorization": f"Bearer {token}"}


@pytest.fixture(name="behind", scope="module")
def _behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    require("nginx")
    behind = Behind(tmp_path_factory.mktemp("behind"))
    try:
        behind.start()
        yield behind
    finally:
        for process in behind.processes:
            stop(process)


def test_people_sign_in_by_tls(behind: Behind) -> None:
    """The cookie is for TLS alone, the form of our own page is believed, and the security headers come through."""
    behind.client().post(
        "/api/v1/accounts", headers=behind.local, json={"name": "ann", "roles": ["responder"], "password": PASSWORD}
    ).raise_for_status()
    with behind.client() as browser:
        own = {"origin": f"https://{NAME}:{behind.outside}", "content-type": "application/x-www-form-urlencoded"}
        answer = browser.post("/sign-in", headers=own, data={"name": "ann", "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        assert "Secure" in answer.headers["set-cookie"]
        session = answer.headers["set-cookie"].partition(";")[0]
        page = browser.get("/", headers={"cookie": session, "accept": "text/html"})
        assert page.status_code == 200
        assert page.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
        assert "default-src 'none'" in page.headers["content-security-policy"]


def test_a_page_lives_through_the_proxy(behind: Behind) -> None:
    """What happens is heard at once: nginx does not collect it first."""
    with behind.client() as client, client.stream("GET", "/api/v1/events", headers=behind.local) as heard:
        lines = heard.iter_lines()
        next(lines)
        opened = {"playbook": "model-data-leakage", "facts": {}, "why": "a test"}
        incident = behind.client().post("/api/v1/incidents", headers=behind.local, json=opened).json()["incident"]
        assert any(incident in line for line in lines)


def test_bounds_are_firedoors_own(behind: Behind) -> None:
    """Two megabytes of evidence pass; an alert of that size is refused in Firedoor's words; counts stay inside."""
    with behind.client() as client:
        opened = {"playbook": "model-data-leakage", "facts": {}, "why": "a test"}
        incident = client.post("/api/v1/incidents", headers=behind.local, json=opened).json()["incident"]
        headers = {**behind.local, "content-type": "application/octet-stream"}
        address = f"/api/v1/incidents/{incident}/evidence?name=log.txt&why=kept"
        assert client.post(address, headers=headers, content=b"x" * 2_000_000).status_code == 201
        large = client.post("/api/v1/alerts/generic", headers=headers, content=b"x" * 2_000_000)
        assert (large.status_code, "problems" in large.json()) == (413, True)
        assert client.get("/metrics").status_code == 403


def test_systemd_reads_the_unit(tmp_path: Path) -> None:
    """Every directive is known to it."""
    require("systemd-analyze")
    unit = tmp_path / "firedoor.service"
    unit.write_text((DEPLOY / "firedoor.service").read_text().replace("/opt/firedoor/bin/firedoor", "/bin/true"))
    run = subprocess.run(["systemd-analyze", "verify", str(unit)], check=False, capture_output=True, text=True)
    assert [line for line in run.stderr.splitlines() if "firedoor.service" in line] == []
