"""Which stored content is on a list of hashes: exactly, or nearly by a perceptual hash.

Decides what a match is: the same digest for md5, sha1, sha256; a Hamming distance of at most 31
of 256 bits for PDQ, which is the distance that its authors recommend. Cases that were withdrawn
or deleted match nothing. Only hashes and locators are read and written, never content.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from firedoor.core.alerts.alert import HASH_LENGTHS
from firedoor.core.alerts.hash_banks import GONE
from firedoor.core.alerts.matching import THRESHOLDS
from firedoor.core.content.locators import locator_fault
from firedoor.core.examinations.finding import MAXIMUM_LISTED, Examination, Finding, Json, rows, tally
from firedoor.core.problems import InvalidInput, Problem

LIST, CONTENT = "hash_list", "content_hashes"
PDQ_DISTANCE = THRESHOLDS["pdq"].distance or 0  # bits of 256


def examine(inputs: Mapping[str, object]) -> Finding:
    """Compare all with all. Raises InvalidInput for what is not a hash."""
    listed = rows(inputs, LIST, "hashes", "algorithm", "value")
    content = rows(inputs, CONTENT, "content", "locator", "algorithm", "value")
    _check((LIST, listed), (CONTENT, content))
    _check_places(content)
    living = [entry for entry in listed if str(entry.get("status", "active")).lower() not in GONE]
    exact = {(entry["algorithm"], entry["value"].lower()): entry for entry in living}
    near = [(int(entry["value"], 16), entry) for entry in living if entry["algorithm"] == "pdq"]
    matches = [match for row in content for match in _matches(row, exact, near)]
    locators = list(dict.fromkeys(str(match["locator"]) for match in matches))
    report: Json = {
        "compared": len(content),
        "listed": len(living),
        "left_out_as_withdrawn": len(listed) - len(living),
        "pdq_distance_at_most": PDQ_DISTANCE,
        "matched": len(locators),
        "matches_by_algorithm": tally(str(match["algorithm"]) for match in matches),
        "matches": matches[:MAXIMUM_LISTED],
    }
    facts: Json = {"content_locators": locators[:1000]} if locators else {}
    return Finding(report, f"{len(locators)} of {len(content)} pieces of content are on the list", facts)


def distance(one: int, other: int) -> int:
    """In how many bits two hashes differ."""
    return (one ^ other).bit_count()


def _matches(row: Json, exact: Mapping[tuple[str, str], Json], near: list[tuple[int, Json]]) -> Iterator[Json]:
    algorithm, value = row["algorithm"], row["value"].lower()
    if algorithm == "pdq":
        own = int(value, 16)
        found = ((distance(own, other), entry) for other, entry in near)
        yield from (_match(row, entry, bits) for bits, entry in found if bits <= PDQ_DISTANCE)
    elif (algorithm, value) in exact:
        yield _match(row, exact[algorithm, value], 0)


def _match(row: Json, entry: Json, bits: int) -> Json:
    return {
        "locator": str(row["locator"]),
        "algorithm": row["algorithm"],
        "distance": bits,
        "case": str(entry.get("case", "")),
        "list": str(entry.get("list", "")),
    }


def _check(*lists: tuple[str, list[Json]]) -> None:
    problems = [
        _problem(f"{name}, row {index}: not a {row['algorithm']} in hexadecimal", name)
        for name, found in lists
        for index, row in enumerate(found)
        if not _is_hash(str(row["algorithm"]), str(row["value"]))
    ]
    if problems:
        raise InvalidInput(problems[:20])


def _check_places(content: list[Json]) -> None:
    faults = ((index, locator_fault(str(row["locator"]))) for index, row in enumerate(content))
    if problems := [_problem(f"{CONTENT}, row {index}: {fault}", CONTENT) for index, fault in faults if fault]:
        raise InvalidInput(problems[:20])


def _is_hash(algorithm: str, value: str) -> bool:
    length = HASH_LENGTHS.get(algorithm)
    return length is not None and re.fullmatch(rf"[0-9a-fA-F]{{{length}}}", value) is not None


def _problem(message: str, name: str) -> Problem:
    return Problem(code="X102", field=name, message=message, do="send hashes, never content")


EXAMINATION = Examination(
    "hashes",
    (LIST, CONTENT),
    examine,
    "Which stored content is on a list of hashes, exactly or nearly.",
    ("content_locators",),
)
