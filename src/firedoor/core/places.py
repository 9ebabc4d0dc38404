"""The places that facts may name: countries by two letters (ISO 3166-1), parts of them, and the wider areas of law.

Decides whether a word names a place, and which was probably meant: a typing error here would leave a law out without a
word. Leaves what follows from a place to `law.territories`.
"""

from __future__ import annotations

import re
from difflib import get_close_matches

FACTS = frozenset(("established_in", "serves", "jurisdictions", "member_state"))
_LETTERS = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO
    FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE
    JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO
    MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW
    PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM
    TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
# By the names that people type; of all others the two letters are asked for.
_NAMED = """
    AT:austria BE:belgium BG:bulgaria CY:cyprus CZ:czechia DE:germany DE:deutschland DK:denmark EE:estonia ES:spain
    FI:finland FR:france GR:greece HR:croatia HU:hungary IE:ireland IS:iceland IT:italy LI:liechtenstein
    LT:lithuania LU:luxembourg LV:latvia MT:malta NL:netherlands NO:norway PL:poland PT:portugal RO:romania
    SE:sweden SI:slovenia SK:slovakia CH:switzerland UK:united_kingdom UK:great_britain UK:england US:united_states
    US:usa US:america US-CA:california US-NY:new_york US-TX:texas BR:brazil IN:india AU:australia CA:canada JP:japan
    KR:south_korea SG:singapore CN:china MY:malaysia MX:mexico TR:turkey UA:ukraine ZA:south_africa
    EU:european_union EU:europe
"""
COUNTRIES = frozenset(_LETTERS.split())
NAMES = {name.replace("_", " "): code for code, name in (pair.split(":") for pair in _NAMED.split())}
WIDER = frozenset(("EU", "EEA", "UK", "EL", "XK"))  # and two that the Union writes instead of ISO's
_PART = re.compile(r"([A-Z]{2})-[A-Z0-9]{1,3}")


def is_place(word: str) -> bool:
    """Whether a word names a place, in capitals or not."""
    upper = word.strip().upper()
    part = _PART.fullmatch(upper)
    return (part[1] if part else upper) in COUNTRIES | WIDER


def meant(word: str) -> str:
    """What to do about a word that names none: the nearest place, and how places are written."""
    typed = word.strip().lower()[:60]
    how = "a place is two letters, as DE, or EU, or US-CA for a part of a country"
    near = get_close_matches(typed, NAMES, n=1, cutoff=0.7)
    codes = get_close_matches(typed.upper(), sorted(COUNTRIES | WIDER), n=1, cutoff=0.6)
    if len(typed) == 3 and typed[:2].upper() in COUNTRIES:  # three letters, as other lists have them: DEU, FRA
        codes = [typed[:2].upper()]
    found = [NAMES[near[0]]] if near else codes
    return f'did you mean "{found[0]}"? {how}' if found else how
