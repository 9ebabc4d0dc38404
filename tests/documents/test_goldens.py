"""Reports and notices of the playbooks that ship, as they were read and found good; on paper, opened again."""

from __future__ import annotations

import io
import re
import sys

import pytest
from tests.documents.letters import written
from tests.documents.stories import GOLDENS, PLAYBOOKS, goldens, story

from firedoor.core.notices.markdown import blocks
from firedoor.core.problems import InvalidInput
from firedoor.runtime.documents.formats import Paper, on_paper
from firedoor.runtime.documents.pdf_docx import docx, pdf

HEADINGS = (
    "Summary", "What was suspended", "Legal deadlines", "Decisions", "Cause and measures", "Lessons and changes",
    "Facts", "Evidence", "Timeline", "How to verify",
)  # fmt: skip


KINDS = ("report.md", "report.txt", "report.json", "notices.md")


@pytest.mark.parametrize("name", ["letters.md", *(f"{name}.{kind}" for name in PLAYBOOKS for kind in KINDS)])
def test_documents_read_as_they_did(name: str) -> None:
    """A difference is either a fault or is meant: then `python -m tests.documents.stories` writes them again."""
    assert goldens()[name] == (GOLDENS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_every_clock_of_a_story_has_its_notice(playbook: str) -> None:
    """What a clock owes is drafted, whichever duty it is of; and all of it is in the golden."""
    one = story(playbook)
    owed = set(one.result.view.clocks)
    golden = (GOLDENS / f"{playbook}.notices.md").read_text(encoding="utf-8")
    assert owed == set(one.drafts())
    assert owed == set(re.findall(r"^<!-- (\S+) \(", golden, re.MULTILINE))


def test_a_letter_keeps_to_one_language() -> None:
    """No date, kind of data, count or heading of another language stands in it, below our own notes."""
    english = r"\d (?:November|October)|\d{4}-\d\d-|not yet known|Our reference|What happened|Dear |\bimages, contact\b"
    for language, made in written():
        body = "\n".join(line for line in made.text.splitlines() if not line.startswith(">"))
        body = re.sub(r"\[(?:missing|to fill in)[^\]]*\]", "", body)
        assert language == "en" or re.findall(english, body) == [], (language, made.template)


def pages_of(content: bytes) -> list[str]:
    """The text of every page of a PDF."""
    pypdf = pytest.importorskip("pypdf")
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages]


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_a_report_prints_with_contents_numbers_and_every_part(name: str) -> None:
    """A4 pages with a running header and `Page n of m`; the contents name pages; two prints are the same bytes."""
    pytest.importorskip("weasyprint")
    html = story(name).html()
    printed = pdf(html)
    pages = pages_of(printed)
    assert 5 < len(pages) < 80
    assert all(f"Page {number} of {len(pages)}" in text for number, text in enumerate(pages, 1))
    assert all("Incident report INC-DRILL" in text for text in pages)
    assert all(heading in pages[0] for heading in HEADINGS)
    assert printed == pdf(html)


def test_a_document_fetches_nothing(tmp_path: object) -> None:
    """Neither from the network nor from the disk, whatever a page asks for."""
    pytest.importorskip("weasyprint")
    outside = '<p>seen</p><img src="file:///etc/hostname" alt=""><img src="http://127.0.0.1:9/x.png" alt="">'
    assert "seen" in pages_of(pdf(outside))[0]


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_notice_reads_alike_on_every_paper(playbook: str) -> None:
    """What stands in the draft stands in the text, the PDF and the DOCX; every page says that it is a draft."""
    pytest.importorskip("weasyprint")
    word_processor = pytest.importorskip("docx")
    clock, draft = next(iter(story(playbook).drafts().items()))
    paper = Paper("INC-DRILL", clock, "A notice", "en", "draft", draft.text)
    wanted = [block.plain.split("\n")[0] for block in blocks(draft.text) if block.kind == "heading"]
    pages = pages_of(on_paper(paper, "pdf"))
    assert all("DRAFT - not sent" in text for text in pages)
    word = [p.text for p in word_processor.Document(io.BytesIO(on_paper(paper, "docx"))).paragraphs]
    for heading in wanted:
        assert heading in word
        assert heading in on_paper(paper, "txt").decode()
        assert any(" ".join(heading.split()) in " ".join(text.split()) for text in pages)
    assert draft.text.count("[missing: ") == "\n".join(word).count("[missing: ")


@pytest.mark.parametrize(
    ("state", "mark"), [("draft", "DRAFT - not sent"), ("edited", "DRAFT - not sent"), ("approved", "")]
)
def test_a_letter_in_a_word_processor_is_marked_on_every_page(state: str, mark: str) -> None:
    """A4, the number of the page, the language of the letter, and the mark until somebody has approved it."""
    word_processor = pytest.importorskip("docx")
    made = on_paper(Paper("INC-1", "press", "A notice", "de", state, "# Titel\n\nText.\n"), "docx")
    document = word_processor.Document(io.BytesIO(made))
    section = document.sections[0]
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    assert section.header.paragraphs[0].text == mark
    assert "PAGE" in section.footer._element.xml
    assert 'w:lang w:val="de"' in document.styles["Normal"].element.xml


@pytest.mark.parametrize("library", ["weasyprint", "docx"])
def test_a_missing_library_is_told_with_what_to_install(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback: the extra, and Pango for PDF."""
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(InvalidInput) as refused:
        pdf("<p>x</p>") if library == "weasyprint" else docx("x", [])
    assert "firedoor[documents]" in refused.value.problems[0].do
