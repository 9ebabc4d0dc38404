"""Verify a journal that Firedoor exported. Needs Python 3.9 or later and nothing else.

    python3 -I verify_journal.py INC-2026-0001.jsonl [--head SEQ:HASH]

Every line is an entry: a JSON object with incident, seq, at, kind, actor, body, prev and hash.
The hash is SHA-256 over the bytes `firedoor.entry.v1`, a newline, and the canonical JSON of the
entry without its hash: keys sorted, no white space, UTF-8. The first entry's prev is SHA-256 over
`firedoor.genesis.v1`, a newline, and the incident's id. So nobody can change, remove or insert an
entry without changing every hash after it. To see that no entries were cut off at the end, compare
the last hash with one that you received earlier by another way, or give it as --head.

Exit code 0: every chain holds. 1: one does not. 2: the file cannot be read.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path

NAMES = {"incident", "seq", "at", "kind", "actor", "body", "prev", "hash"}


def digest(prefix: bytes, text: str) -> str:
    """SHA-256 over a prefix, a newline and a text, in hexadecimal."""
    return hashlib.sha256(prefix + b"\n" + text.encode("utf-8")).hexdigest()


def expected_hash(entry: dict) -> str:  # type: ignore[type-arg]  # whatever the line held
    """The hash that an entry with this content must carry."""
    content = {name: value for name, value in entry.items() if name != "hash"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return digest(b"firedoor.entry.v1", text)


def fault(entries: list, head: str) -> str:  # type: ignore[type-arg]  # pairs of a line's number and its entry
    """Return the first fault in words; an empty text when there is none."""
    heads: dict[str, tuple[int, str]] = {}
    for line, entry in entries:
        incident = entry["incident"]
        seq, prev = heads.get(incident) or (0, digest(b"firedoor.genesis.v1", incident))
        where = f"line {line}, {incident} entry {entry['seq']}"
        if entry["seq"] != seq + 1:
            return f"{where}: follows entry {seq}; an entry is missing or out of order"
        if entry["prev"] != prev:
            return f"{where}: does not follow from the entry before it"
        if entry["hash"] != expected_hash(entry):
            return f"{where}: was altered; its hash does not fit its content"
        heads[incident] = (entry["seq"], entry["hash"])
    if head and head not in [f"{seq}:{own}" for seq, own in heads.values()]:
        return f"the last entry is not the head {head}: entries were cut off or replaced"
    return "" if heads else "the file holds no entries"


def read(path: Path) -> list:  # type: ignore[type-arg]  # as `fault` takes it
    """Read the file. Raises ValueError for a line that is no entry."""
    entries = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            entry = json.loads(line)
            missing = NAMES - set(entry)
        except (ValueError, TypeError, RecursionError):
            raise ValueError(f"line {number}: was altered; it is no JSON object") from None
        if missing or not isinstance(entry, dict):
            raise ValueError(f"line {number}: was altered; {', '.join(sorted(missing))} is missing")
        entries.append((number, entry))
    return entries


def main() -> int:
    """Verify, say so, and return the exit code."""
    parser = argparse.ArgumentParser(description="Verify a journal that Firedoor exported.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--head", default="", metavar="SEQ:HASH", help="the last entry, as you know it from elsewhere")
    options = parser.parse_args()
    try:
        entries = read(options.file)
        found = fault(entries, options.head)
    except OSError as error:
        sys.stderr.write(f"{options.file} cannot be read: {error.strerror}\n")
        return 2
    except ValueError as error:
        found = str(error)
    if found:
        sys.stdout.write(f"BROKEN. {found}\n")
        return 1
    last = entries[-1][1]
    sys.stdout.write(f"HOLDS. {len(entries)} entries, the last is {last['seq']}:{last['hash']} of {last['at']}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
