"""Looks for secrets in every file that somebody could copy: each as text and as the bytes that it stands for."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from pathlib import Path


def forms(secret: str) -> set[bytes]:
    """The ways in which a secret may have been written down."""
    found = {secret.encode()}
    try:
        raw = base64.b32decode(secret)
    except (binascii.Error, ValueError):
        raw = b""
    try:
        raw = raw or bytes.fromhex(secret)
    except ValueError:
        raw = raw or secret.encode()
    return found | {raw, raw.hex().encode(), raw.hex().upper().encode(), base64.b64encode(raw)}


def files_with(secret: str, *folders: Path, leaving_out: Iterable[Path] = ()) -> list[Path]:
    """The files below some folders that hold a secret in any of its forms."""
    left_out = set(leaving_out)
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path not in left_out]
    return [path for path in files if any(form in path.read_bytes() for form in forms(secret))]
