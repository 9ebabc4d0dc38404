"""The languages in which people are written to, one file each, found by their place in this folder.

A new language is one file with a TRANSLATION. English comes first: it stands in where a text is in no other.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

from firedoor.core.translations.translation import Translation

DEFAULT = "en"


def _found() -> Mapping[str, Translation]:
    codes = sorted((module.name for module in pkgutil.iter_modules(__path__)), key=lambda code: (code != DEFAULT, code))
    made = {code: import_module(f"{__name__}.{code}").TRANSLATION for code in codes if code != "translation"}
    return MappingProxyType(made)


TRANSLATIONS = _found()
