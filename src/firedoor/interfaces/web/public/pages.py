"""How the pages for strangers are made: the words of a language, the templates, the files beside them.

Decides that a page is in the person's language, loads nothing from elsewhere and may be framed by nobody. Leaves what a
page asks to `report`, `status` and `help`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files

import yaml
from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from firedoor.core.notices.languages import instant
from firedoor.core.requests.submission import LANGUAGES

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "same-origin",  # with none at all browsers name no origin, and the form would be a stranger's
}
SCRIPT = "text/javascript; charset=utf-8"
STATIC = {"report.css": "text/css; charset=utf-8", "pdq.js": SCRIPT, "hash.js": SCRIPT, "proof.js": SCRIPT}
AWAY = "https://www.wikipedia.org/"  # where the quick exit leads: a page that anybody may have open
LANGUAGE_NAMES = {"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español"}


def render(
    template: str, language: str, code: int, headers: Mapping[str, str] | None = None, **context: object
) -> Response:
    """A page in a language."""
    known = {
        "w": words(language), "language": language, "languages": LANGUAGE_NAMES, "version": _version(), "away": AWAY,
        "problems": (),
    }  # fmt: skip
    text = _environment().get_template(template).render({**known, **context})
    return HTMLResponse(text, code, {**HEADERS, **(headers or {})})


def when(at: object, language: str) -> str:
    """An instant of the JSON form for a person; "" for none."""
    return instant(datetime.fromisoformat(at).astimezone(UTC), language) if isinstance(at, str) else ""


def language_of(request: Request, asked: str) -> str:
    """The language that is asked for, else the first that the browser wants and that there is."""
    if asked in LANGUAGES:
        return asked
    parts = request.headers.get("accept-language", "")[:200].split(",")
    wanted = [part.partition(";")[0].strip().lower()[:2] for part in parts]
    return next((one for one in wanted if one in LANGUAGES), "en")


def wants_json(request: Request) -> bool:
    """Whether a program asks."""
    return "text/html" not in request.headers.get("accept", "")


@cache
def words(language: str) -> Mapping[str, str]:
    """The words of the page in a language: one file each."""
    text = (files("firedoor") / "templates" / "report" / "words" / f"{language}.yaml").read_text(encoding="utf-8")
    read_in: Mapping[str, str] = yaml.safe_load(text)
    return read_in


@cache
def static_file(name: str) -> bytes:
    """A file beside the pages. Raises KeyError for one that is none."""
    if name not in STATIC:
        raise KeyError(name)
    return (files("firedoor") / "templates" / "report" / "static" / name).read_bytes()


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("firedoor", "templates/report"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


@cache
def _version() -> str:
    return sha256(b"".join(static_file(name) for name in STATIC)).hexdigest()[:12]
