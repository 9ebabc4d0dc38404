"""Personal data and secrets in a text, by their form and by their check digits.

Decides what counts and how sure it is: `high` where a checksum fits or the form is unmistakable, `medium` where only
the form does. What fails its checksum is nothing. Sources: ISO 13616 (IBAN), ISO/IEC 7812 (Luhn), the authorities' own
rules for numbers.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

HIGH, MEDIUM = "high", "medium"


@dataclass(frozen=True, slots=True)
class Hit:
    """One value in a text, tidied so that the same value is the same whatever its blanks."""

    kind: str
    value: str
    confidence: str


def hits(text: str) -> Iterator[Hit]:
    """Every value in a text; a place that one kind has taken is no other kind's."""
    taken: list[tuple[int, int]] = []
    for kind, pattern, tidy, fits, confidence in KINDS:
        for found in pattern.finditer(text):
            start, end = found.span()
            if any(start < other_end and other_start < end for other_start, other_end in taken):
                continue
            value = tidy(found[0])
            if kind == "iban" or fits(value):  # the digits of a wrong account number are no card either
                taken.append((start, end))
            if fits(value):
                yield Hit(kind, value, confidence)


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _compact(text: str) -> str:
    return re.sub(r"[\s.-]", "", text).upper()


def _luhn(value: str) -> bool:
    total = sum(
        int(digit) if at % 2 == 0 else sum(divmod(2 * int(digit), 10)) for at, digit in enumerate(reversed(value))
    )
    return total % 10 == 0 and len(set(value)) > 1


def _card(value: str) -> bool:
    return 13 <= len(value) <= 19 and value[0] in "23456" and _luhn(value)


def _iban(value: str) -> bool:
    moved = value[4:] + value[:4]
    return 15 <= len(value) <= 34 and int("".join(str(int(sign, 36)) for sign in moved)) % 97 == 1


def _german_tax(value: str) -> bool:
    """ISO 7064, MOD 11,10; no leading zero; a digit among the first ten comes twice or three times."""
    product = 10
    for digit in value[:10]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    most = max(value[:10].count(digit) for digit in set(value[:10]))
    return value[0] != "0" and most in (2, 3) and (11 - product) % 10 == int(value[10])


def _spanish(value: str) -> bool:
    number = value[:-1].translate(str.maketrans("XYZ", "012"))
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == value[-1]


def _weighted(weights: str, modulus: int) -> Callable[[str], int]:
    return lambda value: sum(int(a, 36) * int(b) for a, b in zip(weights, value, strict=False)) % modulus


def _pesel(value: str) -> bool:
    month = int(value[2:4]) % 20
    return 1 <= month <= 12 and (10 - _weighted("1379137913", 10)(value)) % 10 == int(value[10])


def _nir(value: str) -> bool:
    """INSEE number with its key of 97; Corsica's letters count as 19 and 18."""
    number = value[:13].replace("2A", "19").replace("2B", "18")
    return number.isdigit() and 97 - int(number) % 97 == int(value[13:])


def _cpf(value: str) -> bool:
    first = sum(int(value[at]) * (10 - at) for at in range(9)) * 10 % 11 % 10
    second = sum(int(value[at]) * (11 - at) for at in range(10)) * 10 % 11 % 10
    return len(set(value)) > 1 and value[9:] == f"{first}{second}"


def _nhs(value: str) -> bool:
    check = 11 - sum(int(value[at]) * (10 - at) for at in range(9)) % 11
    return check != 10 and check % 11 == int(value[9]) and len(set(value)) > 1


def _fiscal(value: str) -> bool:
    """Italian codice fiscale: the last letter is the sum of the others, those at odd places by a table of their own."""
    odd = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
    places = [int(sign) if sign.isdigit() else ord(sign) - 65 for sign in value[:15]]
    total = sum(odd[place] if at % 2 == 0 else place for at, place in enumerate(places))
    return chr(65 + total % 26) == value[15]


def _ssn(value: str) -> bool:
    return value[:3] not in ("000", "666") and value[0] != "9" and value[3:5] != "00" and value[5:] != "0000"


def _address(value: str) -> bool:
    try:
        return ipaddress.ip_address(value).is_global
    except ValueError:
        return False


def _phone(value: str) -> bool:
    return 8 <= len(value) <= 15 and len(set(value)) > 3


def _any(_: str) -> bool:
    return True


Kind = tuple[str, re.Pattern[str], Callable[[str], str], Callable[[str], bool], str]
KINDS: tuple[Kind, ...] = (
    ("private_key", re.compile(r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----"), str.strip, _any, HIGH),
    ("secret", re.compile(
        r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36,255}|xox[abprs]-[A-Za-z0-9-]{10,250}|sk-[A-Za-z0-9_-]{20,200}|"
        r"AIza[0-9A-Za-z_-]{35}|eyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10,1000})"
    ), str.strip, _any, HIGH),
    ("email", re.compile(r"\b[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b"),
     str.lower, _any, HIGH),
    ("iban", re.compile(r"\b[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,3})?\b"), _compact, _iban, HIGH),
    ("it_codice_fiscale", re.compile(r"\b[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]\b"), _compact, _fiscal, HIGH),
    ("fr_nir", re.compile(r"\b[12] ?\d\d ?(?:0[1-9]|1[0-2]) ?(?:\d\d|2[AB]) ?\d{3} ?\d{3} ?\d\d\b"),
     _compact, _nir, HIGH),
    ("card", re.compile(r"\b(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}|\d{4}([ -])\d{6}\2\d{5})\b"),
     _digits, _card, HIGH),
    ("br_cpf", re.compile(r"\b\d{3}\.\d{3}\.\d{3}-\d\d\b"), _digits, _cpf, HIGH),
    ("es_dni", re.compile(r"\b(?:[XYZ]-?\d{7}|\d{8})-?[A-Z]\b"), _compact, _spanish, HIGH),
    ("us_ssn", re.compile(r"\b\d{3}-\d\d-\d{4}\b"), _digits, _ssn, MEDIUM),
    ("uk_nhs", re.compile(r"\b\d{3}[ -]\d{3}[ -]\d{4}\b"), _digits, _nhs, MEDIUM),
    ("pl_pesel", re.compile(r"\b\d{11}\b"), _digits, _pesel, MEDIUM),
    ("de_tax_id", re.compile(r"\b\d{2} ?\d{3} ?\d{3} ?\d{3}\b"), _digits, _german_tax, MEDIUM),
    ("ip", re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b"), str.strip, _address, MEDIUM),
    ("phone", re.compile(r"(?<![\w.])\+\d{1,3}(?:[ ()/.-]{0,2}\d){6,13}\b"), _digits, _phone, MEDIUM),
)  # fmt: skip
