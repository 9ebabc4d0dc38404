"""The transparency report of a year on paper: a page that needs nothing else, PDF, JSON or CSV.

Decides how it reads. Leaves its numbers to `core.reporting.transparency`.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from firedoor.core.history.durations import span
from firedoor.core.labels import label
from firedoor.core.reporting.transparency import as_csv
from firedoor.runtime.documents.pdf_docx import pdf
from firedoor.runtime.documents.report import page


def written(made: Mapping[str, object], form: str) -> bytes:
    """The report in one form: json, csv, html or pdf. Raises InvalidInput where a library for it is missing."""
    if form == "json":
        return orjson.dumps(made, option=orjson.OPT_INDENT_2)
    if form == "csv":
        return as_csv(made).encode()
    html = page("transparency.html.j2", made=made, span=span, label=label)
    return pdf(html) if form == "pdf" else html.encode()
