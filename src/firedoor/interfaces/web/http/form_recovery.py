"""What somebody wrote into a form that could not be taken, because they are signed out or signed in anew.

Decides that their words are given back to them to copy, and to nobody else: only where the browser says that the form
stood on a page of ours, and never a password, a code or a file. Nothing of it is kept.
"""

from __future__ import annotations

from fastapi import Request
from python_multipart.exceptions import FormParserError
from starlette.exceptions import HTTPException

from firedoor.core.problems import FiredoorError
from firedoor.interfaces.web.http.session import FORMS
from firedoor.interfaces.web.http.upload import is_upload, upload_of

SECRET = ("csrf", "password", "code", "token")
SHOWN = 40  # fields


async def unsent(request: Request) -> dict[str, str]:
    """The words by the names of their fields; empty for whatever is no form of ours."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method != "POST" or kind not in FORMS or request.headers.get("sec-fetch-site") != "same-origin":
        return {}
    try:
        given = (await upload_of(request)).words if is_upload(request) else await request.form()
    except (FiredoorError, FormParserError, HTTPException):
        return {}
    found = {name: value for name, value in given.items() if isinstance(value, str) and value.strip()}
    told = [(name, value) for name, value in found.items() if not any(word in name.lower() for word in SECRET)]
    return dict(told[:SHOWN])
