"""A notice on paper: Markdown, plain text, HTML, PDF or DOCX, each from the same text.

Decides the media types, the names of files, and that a notice which was not approved says so on every page. Leaves the
text to `notices` and printing to `pdf_docx`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from firedoor.core.notices.markdown import blocks, marks, plain
from firedoor.runtime.documents.report import page

FORMS: Mapping[str, str] = {
    "md": "text/markdown; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}


@dataclass(frozen=True, slots=True)
class Paper:
    """What a notice is printed from."""

    incident: str
    clock: str
    title: str
    language: str
    state: str  # draft, edited, approved, sent
    text: str
    template: str = ""

    @property
    def final(self) -> bool:
        """Whether it may leave as it is: approved, or as sent."""
        return self.state in ("approved", "sent")

    @property
    def name(self) -> str:
        """The name of its file, without an ending: nothing of it comes from outside."""
        kept = "".join(letter if letter.isalnum() or letter in ".-" else "-" for letter in self.clock)
        return f"{self.incident}-{kept}-{self.language}-{self.state}"


def on_paper(paper: Paper, form: str) -> bytes:
    """Return the bytes of one form. Raises InvalidInput where a library for it is missing."""
    match form:
        case "md":
            return paper.text.encode()
        case "txt":
            return plain(paper.text).encode()
        case "docx":
            from firedoor.runtime.documents.pdf_docx import docx

            mark = "" if paper.final else "DRAFT - not sent"
            return docx(paper.title, blocks(paper.text), paper.language, mark, paper.incident)
        case "pdf":
            from firedoor.runtime.documents.pdf_docx import pdf

            return pdf(as_html(paper))
        case _:
            return as_html(paper).encode()


def as_html(paper: Paper) -> str:
    """The notice as one page that needs nothing else."""
    return page(
        "notice.html.j2", paper=paper, blocks=blocks(paper.text), final=paper.final, left=len(marks(paper.text))
    )
