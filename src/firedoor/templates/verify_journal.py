#!/usr/bin/env python3
"""Verify a journal that Firedoor exported. Needs Python 3.8 or later and nothing else.

    python3 -I verify_journal.py INC-2026-0001.jsonl [--head SEQ:HASH]

Every line is an entry: a JSON object with incident, seq, at, kind, actor, body, prev and hash.
The hash is SHA-256 over the bytes `firedoor.entry.v1`, a newline, and the canonical JSON of the
entry without its hash: keys sorted, no white space, UTF-8. The first entry's prev is SHA-256 over
`firedoor.genesis.v1`, a newline, and the incident's id. So nobody can change, remove or insert an
entry without changing every hash after it. To see that no entries were cut off at the end, compare
the last hash with one that you received earlier by another way, or give it as --head.

Exit code 0: every chain holds. 1: one does not. 2: the file cannot be read.
"""

import argparse
import hashlib
import json
import sys


def digest(prefix, text):
    """SHA-256 over a prefix, a newline and a text, in hexadecimal."""
    return hashlib.sha256(prefix + b"\n" + text.encode("utf-8")).hexdigest()


def expected_hash(entry):
    """The hash that an entry with this content must carry."""
    content = {name: value for name, value in entry.items() if name != "hash"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return digest(b"firedoor.entry.v1", text)


def fault(entries, head):
    """Return the first fault of a list of (line number, entry), in words; an empty text when there is none."""
    heads = {}
    for line, entry in entries:
        incident = entry["incident"]
        seq, prev = heads.get(incident, (0, digest(b"firedoor.genesis.v1", incident)))
        where = "line %d, %s entry %s" % (line, incident, entry["seq"])
        if entry["seq"] != seq + 1:
            return "%s: follows entry %d; an entry is missing or out of order" % (where, seq)
        if entry["prev"] != prev:
            return "%s: does not follow from the entry before it" % where
        if entry["hash"] != expected_hash(entry):
            return "%s: was altered; its hash does not fit its content" % where
        heads[incident] = (entry["seq"], entry["hash"])
    if head and head not in ["%d:%s" % found for found in heads.values()]:
        return "the last entry is not the head %s: entries were cut off or replaced" % head
    return "" if heads else "the file holds no entries"


def read(path):
    """Read the file as (line number, entry). Raises ValueError for a line that is no entry."""
    entries = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                entry = json.loads(line)
                missing = {"incident", "seq", "at", "kind", "actor", "body", "prev", "hash"} - set(entry)
            except (ValueError, TypeError):
                raise ValueError("line %d: was altered; it is no JSON object" % number) from None
            if missing:
                raise ValueError("line %d: was altered; %s is missing" % (number, ", ".join(sorted(missing))))
            entries.append((number, entry))
    return entries


def main():
    """Verify, say so, and return the exit code."""
    parser = argparse.ArgumentParser(description="Verify a journal that Firedoor exported.")
    parser.add_argument("file")
    parser.add_argument("--head", default="", metavar="SEQ:HASH", help="the last entry, as you know it from elsewhere")
    options = parser.parse_args()
    try:
        entries = read(options.file)
        found = fault(entries, options.head)
    except OSError as error:
        sys.stderr.write("%s cannot be read: %s\n" % (options.file, error.strerror))
        return 2
    except (ValueError, UnicodeDecodeError) as error:
        found = str(error)
    if found:
        sys.stdout.write("BROKEN. %s\n" % found)
        return 1
    last = entries[-1][1]
    sys.stdout.write("HOLDS. %d entries, the last is %d:%s of %s\n" % (len(entries), last["seq"], last["hash"], last["at"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
