"""Pages on paper: HTML as PDF by WeasyPrint, and letters as DOCX by python-docx.

Decides that a document fetches nothing, from the network or the disk, and that the same HTML gives the same bytes with
the same fonts and the same WeasyPrint (no time of printing, an identifier from the content). Both libraries come
with the extra `documents` and are imported late; without them, or without Pango, a problem says what to install.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from firedoor.core.notices.markdown import Block, Span
from firedoor.core.problems import InvalidInput, Problem

EXTRA = "pip install 'firedoor[documents]'"
PANGO = (
    "install Pango as well (Debian and Ubuntu: apt-get install libpango-1.0-0 libpangoft2-1.0-0; "
    "macOS: brew install pango)"
)
EPOCH = datetime(1980, 1, 1, tzinfo=UTC)  # the earliest instant that a ZIP archive, which a DOCX is, can hold


def pdf(html: str) -> bytes:
    """Print a page. Raises InvalidInput where WeasyPrint or Pango is missing."""
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except (ImportError, OSError) as error:
        raise InvalidInput(_missing("a PDF", error)) from None

    class Nothing(URLFetcher):  # type: ignore[misc]  # WeasyPrint has no types
        """Fetches nothing."""

        def fetch(self, url: str, headers: Any = None) -> Any:  # noqa: ANN401, ARG002 - as WeasyPrint calls it
            raise ValueError(f"a document fetches nothing: {url[:80]}")

    identifier = hashlib.sha256(html.encode()).digest()[:16]
    printed = HTML(string=html, url_fetcher=Nothing()).write_pdf(pdf_identifier=identifier, pdf_tags=True)
    return bytes(printed)


def docx(title: str, blocks: Sequence[Block], language: str = "en", head: str = "", foot: str = "") -> bytes:
    """Write a letter for a word processor, on A4, with `head` and `foot` and its number on every page.

    Raises InvalidInput where python-docx is missing.
    """
    try:
        from docx import Document
    except ImportError as error:
        raise InvalidInput(_missing("a DOCX", error)) from None
    document = Document()
    _without_thumbnail(document)
    _page(document, language, head, foot)
    about = document.core_properties
    about.title, about.author, about.language, about.comments = title[:200], "", language, ""
    about.created = about.modified = EPOCH.replace(tzinfo=None)
    for block in blocks:
        _write(document, block)
    made = io.BytesIO()
    document.save(made)
    return _dated(made.getvalue())


def _without_thumbnail(document: Any) -> None:  # noqa: ANN401 - python-docx has no types
    """Leave out the small JPEG of the library's template: a letter of ours holds no picture, and can be shown to."""
    links = document.part.package.rels
    for name in [name for name, link in links.items() if link.reltype.endswith("/thumbnail")]:
        links.pop(name)


def _page(document: Any, language: str, head: str, foot: str) -> None:  # noqa: ANN401 - python-docx has no types
    """A4, the language for whoever checks the spelling, and what stands on every page."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Mm

    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Mm(24)
    above, below = section.header.paragraphs[0], section.footer.paragraphs[0]
    above.text, above.alignment = head, WD_ALIGN_PARAGRAPH.RIGHT
    below.text = f"{foot}   " if foot else ""
    number = OxmlElement("w:fldSimple")
    number.set(qn("w:instr"), "PAGE")
    below._p.append(number)  # noqa: SLF001 - python-docx has no call for a field
    spoken = OxmlElement("w:lang")
    spoken.set(qn("w:val"), language)
    document.styles["Normal"].element.get_or_add_rPr().append(spoken)


def _write(document: Any, block: Block) -> None:  # noqa: ANN401 - python-docx has no types
    match block.kind:
        case "heading":
            document.add_heading(block.plain, level=min(block.level, 4))
        case "item":
            _spans(document.add_paragraph(style="List Bullet"), block.spans)
        case "quote":
            _spans(document.add_paragraph(style="Intense Quote"), block.spans)
        case _:
            _spans(document.add_paragraph(), block.spans)


def _spans(paragraph: Any, spans: Sequence[Span]) -> None:  # noqa: ANN401 - python-docx has no types
    for span in spans:
        for number, line in enumerate(span.text.split("\n")):
            run = paragraph.add_run()
            if number:
                run.add_break()
            run.text += line
            run.bold = span.strong or None
            run.font.highlight_color = 7 if span.missing else None  # yellow: a place that is still to be filled


def _dated(archive: bytes) -> bytes:
    """The same archive with the same instant in every part, so that the same letter gives the same bytes."""
    import zipfile

    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in sorted(old.namelist()):
            new.writestr(zipfile.ZipInfo(name, EPOCH.timetuple()[:6]), old.read(name), zipfile.ZIP_DEFLATED)
    return made.getvalue()


def _missing(what: str, error: Exception) -> Problem:
    library = isinstance(error, ImportError)
    message = f"{what} cannot be made here: {str(error).splitlines()[0][:200]}"
    return Problem(code="G101", message=message, do=f"{EXTRA}; for PDF {PANGO}" if library else PANGO)
