"""Locators: where content is, and never the content itself.

Decides what a locator is, in one place for alerts, pointers, facts, examinations and removal requests: an address or an
object key of bounded length on one line, which hides nothing. Never opens one.
"""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import unquote

from pydantic import AfterValidator, Field

from firedoor.core.content import hidden

LONGEST_LOCATOR = 2048  # characters
_CARRIERS = re.compile(r"(?:^|[^a-z0-9+.-])(data|blob|javascript|vbscript):")  # what such an address names is inside it
_UNSEEN = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")


def address_fault(text: str) -> str:
    """Why a text is no address or key, by its length and its scheme, never quoting it; "" when it is one."""
    if not text.strip() or len(text) > LONGEST_LOCATOR:
        return f"a locator has 1 to {LONGEST_LOCATOR} characters"
    bare = _UNSEEN.sub("", unquote(unquote(text))).lower()
    if found := _CARRIERS.search(bare):
        return f"an address with {found.group(1)}: is the content itself, or of one browser alone"
    return ""


def locator_fault(text: str) -> str:
    """Why a text is no locator: it is no address, or it hides content; "" when it is one."""
    if fault := address_fault(text):
        return fault
    what = hidden(text)
    return f"it holds content: {what}" if what else ""


def _checked(text: str) -> str:
    if fault := address_fault(text):  # what it hides is asked once for all fields of an alert
        raise ValueError(fault)
    return text


Locator = Annotated[str, Field(min_length=1, max_length=LONGEST_LOCATOR), AfterValidator(_checked)]
