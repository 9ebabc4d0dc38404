"""`firedoor examine audit`: every piece of content in files, folders, buckets and manifests against every rule.

Decides what is looked at (the bytes' SHA-256, size, media type and the rules' words; what a manifest says of labels and
scores), in several threads, and that what could not be read is told beside the violations. Content is not decoded:
nothing of it is interpreted. Leaves when a rule is broken to `core.examinations.rules`.
"""

from __future__ import annotations

import hashlib
import json
import mimetypes
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from firedoor.core.examinations.rules import breaks, faults, rules_of
from firedoor.core.json_types import Json, JsonObject, array_at, as_object, text_at
from firedoor.core.language.json_payload import read_json
from firedoor.core.language.yaml_source import read_yaml
from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.severity import Severity
from firedoor.runtime.examinations.audit import known
from firedoor.runtime.examinations.audit.known import Seen
from firedoor.runtime.hashing.sources import MANIFEST, Item, items

FIELDS = ("sha256", "path", "rule", "severity", "detected_at")
PIECE = 1 << 20
LARGEST_RULES = 16 * 1024 * 1024
MAGIC: Sequence[tuple[bytes, str]] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"), (b"BM", "image/bmp"),
    (b"%PDF-", "application/pdf"), (b"PK\x03\x04", "application/zip"), (b"\x1f\x8b", "application/gzip"),
    (b"PAR1", "application/vnd.apache.parquet"), (b"ID3", "audio/mpeg"), (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"\x1aE\xdf\xa3", "video/webm"), (b"II*\x00", "image/tiff"), (b"MM\x00*", "image/tiff"),
)  # fmt: skip


@dataclass(slots=True)
class Answer:
    """The violations, the worst first, and what could not be read."""

    violations: list[dict[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    audited: int = 0
    read: int = 0


def ask(paths: Sequence[str], rules: Path, seen: Path | None = None, workers: int = 0) -> Answer:
    """Audit. Raises InvalidInput for rules or paths that cannot be read, with every problem at once."""
    every = read_rules(rules)
    words = sorted({str(word).casefold() for rule in every for word in array_at(rule, "keywords")})
    digest = hashlib.sha256("\n".join(words).encode()).hexdigest() if words else ""
    earlier, told = known.read(seen), _told(paths)
    answer, kept = Answer(), []
    now = datetime.now(UTC).isoformat(timespec="seconds")
    for item, found in _each(items(paths), earlier, words, digest, workers or os.cpu_count() or 1):
        answer.audited += 1
        if isinstance(found, str):
            answer.problems.append(f"{item.locator}: {found}")
            continue
        before = earlier.get(item.locator)
        answer.read += found is not before
        first = before.detected if before and before.sha256 == found.sha256 else {}
        piece = {**told.get(item.locator, {}), "path": found.path, "sha256": found.sha256, "size": found.size,
                 "media_type": found.media_type, "words": found.words}  # fmt: skip
        broken = {str(rule["id"]): rule for rule in every if breaks(piece, rule)}
        detected = {name: first.get(name, now) for name in broken}
        kept.append(replace(found, detected=detected))
        answer.violations += [
            dict(zip(FIELDS, (found.sha256, found.path, name, str(rule["severity"]), detected[name]), strict=True))
            for name, rule in broken.items()
        ]
    answer.violations.sort(key=lambda line: (-Severity(line["severity"]).rank, line["path"], line["rule"]))
    if any("marked" in rule for rule in every) and not told:
        answer.problems.append(
            "rules with a name and a severity only need a manifest that marks content with that name; none was given"
        )
    if seen:
        known.write(seen, kept)
    return answer


def read_rules(file: Path) -> list[JsonObject]:
    """The rules of a YAML or JSON file. Raises InvalidInput with every problem."""
    try:
        with file.open("rb") as content:
            text = content.read(LARGEST_RULES + 1)
    except OSError:
        raise _refused(str(file), "it cannot be read", "name a file of rules") from None
    if len(text) > LARGEST_RULES:
        raise _refused(str(file), f"it is over {LARGEST_RULES} bytes", "split it")
    is_json = text.lstrip()[:1] in (b"[", b"{")
    found = (
        read_json(text, maximum_bytes=LARGEST_RULES, maximum_depth=16) if is_json else read_yaml(text, str(file)).data
    )
    every = rules_of(found)
    if problems := [problem for rule in every for problem in faults(rule)]:
        raise InvalidInput(problems[:20])
    return list(every)


def _told(paths: Iterable[str]) -> dict[str, Mapping[str, Json]]:
    """What manifests say of their content (labels, scores, tags), by locator."""
    found: dict[str, Mapping[str, Json]] = {}
    for path in paths:
        if path.endswith(MANIFEST) and Path(path).is_file():
            with Path(path).open(encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    row = _row(line)
                    found[text_at(row, "locator")] = {
                        name: row[name] for name in ("labels", "scores", "tags", "violations") if name in row
                    }
    return found


def _each(
    found: Iterable[Item], earlier: Mapping[str, Seen], words: Sequence[str], digest: str, workers: int
) -> Iterator[tuple[Item, Seen | str]]:
    """Each item as it was audited, in order, or why it was not read; a few are under way at once."""
    waiting: deque[tuple[Item, Future[Seen | str] | Seen]] = deque()
    with ThreadPoolExecutor(workers) as threads:
        for item in found:
            before = earlier.get(item.locator)
            same = before and item.mark and before.mark == item.mark and before.keywords == digest
            waiting.append((item, before if same and before else threads.submit(_read, item, words, digest)))
            if len(waiting) > 4 * workers:
                yield _done(*waiting.popleft())
        while waiting:
            yield _done(*waiting.popleft())


def _done(item: Item, found: Future[Seen | str] | Seen) -> tuple[Item, Seen | str]:
    return item, found.result() if isinstance(found, Future) else found


def _read(item: Item, words: Sequence[str], digest: str) -> Seen | str:
    whole, size, head, rest = hashlib.sha256(), 0, b"", ""
    found: set[str] = set()
    longest = max(map(len, words), default=0)
    try:
        with item.open() as content:
            while piece := content.read(PIECE):
                head = head or piece[:16]
                whole.update(piece)
                size += len(piece)
                if words:
                    text = rest + piece.decode("utf-8", "ignore").casefold()
                    found |= {word for word in words if word in text}
                    rest = text[-longest:]
    except OSError as error:
        return f"could not be read: {error.strerror or 'no regular file'}"
    return Seen(
        item.locator, item.mark, whole.hexdigest(), size, _media_type(item.locator, head), digest, sorted(found)
    )


def _media_type(path: str, head: bytes) -> str:
    """By the bytes; by the name only where the bytes say nothing."""
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}.get(head[8:12], "")
    if head[4:8] == b"ftyp":
        return (
            "image/avif" if head[8:12] == b"avif" else "image/heic" if head[8:11] in (b"hei", b"mif") else "video/mp4"
        )
    by_bytes = next((kind for start, kind in MAGIC if head.startswith(start)), "")
    by_name = mimetypes.guess_type(path)[0] or ""
    if by_bytes == "application/zip" and by_name.startswith("application/"):
        return by_name  # documents that are zip inside
    return by_bytes or ("" if by_name.startswith(("image/", "video/", "audio/")) and "svg" not in by_name else by_name)


def _row(line: str) -> JsonObject:
    """A line of a manifest; one that cannot be read says nothing here, and `items` names it with its place."""
    try:
        return as_object(json.loads(line))
    except (ValueError, RecursionError):
        return {}


def _refused(where: str, message: str, do: str) -> InvalidInput:
    return InvalidInput(Problem(code="X321", field=where, message=message, do=do))
