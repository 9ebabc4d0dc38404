"""Another account of this machine, without any credential: a process under uid 65534 that can speak HTTP.

Run with `python -c SOURCE PORT`, reads one JSON list of requests, and prints one JSON list of [status, body].
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

NOBODY = 65534
SOURCE = """
import json, os, sys, time, urllib.error, urllib.request
"x".encode("idna")
asked = json.load(sys.stdin)
os.setgid(65534)
os.setuid(65534)
def send(method, path, body, headers):
    data = None if body is None else json.dumps(body).encode()
    address = "http://127.0.0.1:" + sys.argv[1] + path
    request = urllib.request.Request(address, data, {"content-type": "application/json", **headers}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return [answer.status, answer.read().decode()]
    except urllib.error.HTTPError as error:
        return [error.code, error.read().decode()]
def patiently(*request):
    for _ in range(100):
        answer = send(*request)
        if answer[0] != 503:
            break
        time.sleep(0.05)
    return answer
print(json.dumps([patiently(*one) for one in asked]))
"""

Asked = tuple[str, str, Any, Mapping[str, str]]


def as_nobody(port: int, *asked: Asked) -> list[tuple[int, Any]]:
    """The answers to these requests (method, path, body, headers), sent by somebody else on this machine."""
    done = subprocess.run(
        [sys.executable, "-c", SOURCE, str(port)], input=json.dumps(asked), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [(status, _read(body)) for status, body in json.loads(done.stdout)]


def may_change_uid() -> bool:
    """Whether this process may become somebody else."""
    return os.geteuid() == 0


def statuses(answers: Sequence[tuple[int, Any]]) -> list[int]:
    """The statuses alone."""
    return [status for status, _ in answers]


def _read(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body
