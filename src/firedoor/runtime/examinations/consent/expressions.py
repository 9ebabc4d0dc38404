"""SQL for one value of a ledger or manifest: a key, an instant, a yes or no, a word.

Decides how each is read whatever its column's type, and when an instant cannot be decided: unreadable, or without a
zone and so near to the cut-off that the zone would matter. Instants are microseconds since 1970, UTC. Names and texts
are quoted here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping

ZONES = 14 * 3600 * 1_000_000  # microseconds: UTC+14 and UTC-12 are the furthest
FURTHEST = 5 * 10**17  # microseconds, about the year 17800: beyond it nothing is an instant
ZONED = r"\d\d:\d\d.*([zZ]|UTC|GMT|[+-]\d\d(:?\d\d)?)\s*$"
INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "HUGEINT", "UBIGINT")
YES, NO = ("true", "t", "1", "1.0", "yes", "y"), ("false", "f", "0", "0.0", "no", "n", "")


def name(column: str) -> str:
    """A column's name in SQL."""
    return '"' + column.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text in SQL."""
    return "'" + value.replace("'", "''") + "'"


def texts(values: object) -> str:
    """A list of texts in SQL."""
    return "(" + ", ".join(text(str(one)) for one in values) + ")"  # type: ignore[attr-defined]


def raw(column: str, kind: str) -> str:
    """A column as it is; a member of a JSON object as text."""
    return f"json_extract_string(json, {text('$.' + _path(column))})" if kind == "JSON" else name(column)


def _path(key: str) -> str:
    return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def key(value: str) -> str:
    """The key of a person from a text: trimmed, an address of mail in lower case, NULL when empty."""
    return f"nullif(CASE WHEN contains({value}, '@') THEN lower(trim({value})) ELSE trim({value}) END, '')"


def instant(value: str, kind: str) -> str:
    """Microseconds since 1970; NULL when it cannot be read."""
    if kind.startswith(("TIMESTAMP", "DATE")):
        return f"CASE WHEN isfinite({value}) THEN epoch_us(CAST({value} AS TIMESTAMPTZ)) END"
    if kind in INTEGERS or kind in ("DOUBLE", "FLOAT") or kind.startswith("DECIMAL"):
        return _number(f"CAST({value} AS DOUBLE)")
    read = f"epoch_us(TRY_CAST({value} AS TIMESTAMPTZ))"
    found = f"coalesce({_number(f'TRY_CAST({value} AS DOUBLE)')}, {read})"
    return f"CASE WHEN abs({found}) < {FURTHEST} THEN {found} END"


def _number(value: str) -> str:
    """Seconds, milliseconds or microseconds since 1970, by their size."""
    return (
        f"CAST(CASE WHEN abs({value}) < 1e11 THEN {value} * 1e6 WHEN abs({value}) < 1e14 THEN {value} * 1e3 "
        f"WHEN abs({value}) < 1e17 THEN {value} END AS BIGINT)"
    )


def undecided(value: str, kind: str, cut_off: int) -> str:
    """Whether an instant cannot be decided. NULL and empty are for the caller."""
    at = instant(value, kind)
    near = f"abs({at} - {cut_off}) <= {ZONES}"
    if kind == "TIMESTAMP WITH TIME ZONE" or kind in INTEGERS:
        return "false"
    if kind.startswith(("TIMESTAMP", "DATE")):
        return f"coalesce({near}, false)"
    if kind in ("DOUBLE", "FLOAT") or kind.startswith("DECIMAL"):
        return "false"
    zoned = f"(regexp_matches({value}, {text(ZONED)}) OR TRY_CAST({value} AS DOUBLE) IS NOT NULL)"
    return f"coalesce(trim({value}) <> '' AND ({at} IS NULL OR (NOT {zoned} AND {near})), false)"


def zoneless(value: str, kind: str) -> str:
    """Whether an instant says no zone."""
    if kind in ("VARCHAR", "JSON"):
        no_zone = f"NOT regexp_matches({value}, {text(ZONED)}) AND TRY_CAST({value} AS DOUBLE) IS NULL"
        return f"(trim({value}) <> '' AND {no_zone})"
    return "true" if kind.startswith(("TIMESTAMP", "DATE")) and kind != "TIMESTAMP WITH TIME ZONE" else "false"


def said(value: str, kind: str) -> str:
    """A text as it stands there: comparing the few different ones as they are is quicker than to tidy each row."""
    return value if kind in ("VARCHAR", "JSON") else f"CAST({value} AS VARCHAR)"


def word(value: str, kind: str) -> str:
    """A word in lower case without blanks around it."""
    return f"lower(trim({value if kind in ('VARCHAR', 'JSON') else f'CAST({value} AS VARCHAR)'}))"


def yes(value: str, kind: str) -> str:
    """Whether a flag is set; NULL where it is empty or no flag."""
    if kind == "BOOLEAN":
        return value
    found = word(value, kind)
    return f"CASE WHEN {found} IN {texts(YES)} THEN true WHEN {found} IN {texts(NO)} THEN false END"


def case(value: str, numbers: Mapping[str, int], otherwise: str) -> str:
    """A number for each known text."""
    if not numbers:
        return otherwise
    whens = " ".join(f"WHEN {text(one)} THEN {number}" for one, number in sorted(numbers.items()))
    return f"CASE {value} {whens} ELSE {otherwise} END"


def greatest(values: list[str]) -> str:
    """The greatest of some values, without those that are NULL."""
    return values[0] if len(values) == 1 else f"greatest({', '.join(values)})"


def hashed(value: str, rule: str, salt: str) -> str:
    """A pseudonym of a key by one rule: the salt before, after, with a colon, or as the key of an HMAC."""
    match rule:
        case "sha256(salt + value)":
            return f"sha256({text(salt)} || {value})"
        case "sha256(value + salt)":
            return f"sha256({value} || {text(salt)})"
        case "sha256(salt:value)":
            return f"sha256({text(salt + ':')} || {value})"
        case _:
            return _hmac(value, salt)


HASH_RULES = ("sha256(salt + value)", "sha256(value + salt)", "sha256(salt:value)", "hmac-sha256(salt, value)")


def _hmac(value: str, salt: str) -> str:
    """HMAC with SHA-256, RFC 2104, out of what SQL has."""
    import hashlib

    secret = salt.encode()
    secret = (hashlib.sha256(secret).digest() if len(secret) > 64 else secret).ljust(64, b"\0")
    inner, outer = (bytes(one ^ pad for one in secret).hex() for pad in (0x36, 0x5C))
    return f"sha256(unhex('{outer}') || unhex(sha256(unhex('{inner}') || encode({value}))))"
