"""Forms of bodies: laid out as a text, read back from it, checked, and made into the file that the body takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lxml import etree

from firedoor.core.notices.form_files import as_json, as_xml
from firedoor.core.notices.forms import Form, faults, layout, read_back, who_answers
from firedoor.core.problems import InvalidInput, Refused
from firedoor.runtime.documents.form_file import form_file, need_valid
from firedoor.templates.forms import FORMS, known_forms, read_form, schema_of

TIP = "ncmec-cybertip"
GOOD = """# Report to the CyberTipline

- Type of incident: Child Sexual Molestation
- Date and time of the incident: 2026-11-30T10:00:00+00:00
- Locator: https://example.org/post/1
- Locator: https://example.org/post/2
- First name of the person who reports: Ann
- Last name of the person who reports: Example
- E-mail of the person who reports: ann@example.org
- About the user: not known
- Further information for the body: made by a model of ours;
  the model is switched off
- Reported elsewhere already: no
"""


def form(name: str = TIP) -> Form:
    """One of the forms that ship."""
    return known_forms()[name]


@pytest.mark.parametrize("name", known_forms())
def test_a_form_says_where_it_was_read(name: str) -> None:
    """Source, day and confidence; where its text could not be had, it is marked as reconstructed."""
    one = form(name)
    assert one.source
    assert one.read_on.year >= 2026
    assert one.confidence == "high" or one.reconstructed or one.form == "appeal-answer"
    assert f"confidence {one.confidence}" in layout(one)
    assert ("Reconstructed:" in layout(one)) == bool(one.reconstructed)


def test_what_is_written_is_read_back() -> None:
    """A line that wraps goes on; a field that repeats keeps its order; not known is left out."""
    values = read_back(form(), GOOD)
    assert values["internetDetails/webPageIncident/url"] == ("https://example.org/post/1", "https://example.org/post/2")
    assert values["additionalInfo"] == ("made by a model of ours; the model is switched off",)
    assert "personOrUserReported/additionalInfo" not in values
    assert faults(form(), values) == []


def test_the_file_is_xml_in_the_order_that_the_interface_asks_for() -> None:
    """It fits the schema of our own; the same elements in another order do not."""
    content = form_file(TIP, GOOD, "xml", final=True)
    root = etree.fromstring(content)
    assert [one.tag for one in root] == ["incidentSummary", "internetDetails", "reporter", "additionalInfo"]
    assert len(root.findall("internetDetails/webPageIncident/url")) == 2
    assert root.findtext("reporter/reportingPerson/email") == "ann@example.org"
    assert b"Hash" not in content
    need_valid(form(), content)
    root[:] = reversed(root)
    with pytest.raises(Refused):
        need_valid(form(), etree.tostring(root))


def test_our_schema_knows_every_element_that_is_written_and_every_answer() -> None:
    """The form as data and its schema say the same: fields, and the types of incident."""
    schema = etree.fromstring(schema_of(form()))
    space = {"xs": "http://www.w3.org/2001/XMLSchema"}
    named = {str(one) for one in schema.xpath("//xs:element/@name", namespaces=space)}
    in_file = [one for one in form().fields if not one.id.startswith("_")]
    assert {part for one in in_file for part in one.id.split("/")} <= named
    allowed = schema.xpath("//xs:simpleType[@name='incidentType']//xs:enumeration/@value", namespaces=space)
    assert tuple(map(str, allowed)) == in_file[0].one_of


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("- Type of incident: Something else", "must be one of"),
        ("- Date and time of the incident: yesterday", "instant"),
        ("- Date and time of the incident: [missing: when]", "commander can answer"),
        ("- Locator: a place with blanks", "address"),
        ("- Reported elsewhere already: no\n- Reported elsewhere already: yes", "2 times"),
        (f"- Platform: {'x' * 257}", "longer than 256"),
    ],
)
def test_what_does_not_fit_is_named(line: str, wrong: str) -> None:
    """With who can answer what lacks; and no file is made."""
    title = line.partition(":")[0]
    text = "\n".join(one for one in GOOD.splitlines() if not one.startswith(title)) + f"\n{line}\n"
    assert any(wrong in fault for fault in faults(form(), read_back(form(), text)))
    with pytest.raises(Refused):
        form_file(TIP, text, "xml", final=True)


def test_a_text_that_nobody_approved_gives_no_file() -> None:
    """Nor does a notice that is no form, or a form in another format."""
    with pytest.raises(Refused):
        form_file(TIP, GOOD, "xml", final=False)
    for name, kind in ((TIP, "json"), ("letter", "json"), ("iwf", "xml")):
        with pytest.raises(InvalidInput):
            form_file(name, GOOD, kind, final=True)


def test_markup_in_a_value_stays_a_value() -> None:
    """Neither an element nor an entity comes out of what somebody wrote."""
    text = GOOD.replace("made by a model of ours;", '</additionalInfo><victim/><!DOCTYPE x [<!ENTITY e "x">]>\x07&e;')
    content = form_file(TIP, text, "xml", final=True)
    root = etree.fromstring(content)
    assert root.find("victim") is None
    assert "</additionalInfo><victim/>" in str(root.findtext("additionalInfo"))


def test_the_database_of_the_commission_gets_its_own_names() -> None:
    """The fields alone, lists as lists; an explanation has its place with its ground, and with no other."""
    one = form("dsa-transparency-database")
    lines = {
        "Restriction of visibility": "DECISION_VISIBILITY_CONTENT_REMOVED", "Ground": "DECISION_GROUND_ILLEGAL_CONTENT",
        "Law that the content breaks": "a law", "Why it is illegal": "why", "Type of content": "CONTENT_TYPE_IMAGE",
        "Category": "STATEMENT_CATEGORY_CYBER_VIOLENCE", "Day on which it was posted": "2026-11-01",
        "Day from which the decision applies": "2026-11-30", "Facts and circumstances (no personal data)": "facts",
        "Source": "SOURCE_ARTICLE_16", "Detected by automated means": "No",
        "Decided by automated means": "AUTOMATED_DECISION_NOT_AUTOMATED", "Our own number of the statement": "INC-1-R1",
    }  # fmt: skip
    text = "\n".join(f"- {title}: {value}" for title, value in lines.items())
    values = read_back(one, text)
    assert faults(one, values) == []
    made = json.loads(as_json(one, values))
    assert made["decision_visibility"] == ["DECISION_VISIBILITY_CONTENT_REMOVED"]
    assert made["decision_ground"] == "DECISION_GROUND_ILLEGAL_CONTENT"
    assert "incompatible_content_ground" not in made
    other = read_back(one, text.replace("DECISION_GROUND_ILLEGAL_CONTENT", "DECISION_GROUND_INCOMPATIBLE_CONTENT"))
    assert len([fault for fault in faults(one, other) if "no place" in fault or "is required" in fault]) == 4
    nothing = read_back(one, text.replace("DECISION_VISIBILITY_CONTENT_REMOVED", "not known"))
    assert any("one of these is needed" in fault for fault in faults(one, nothing))


def test_who_can_answer_what_lacks() -> None:
    """Each required field that lacks, with a role."""
    assert ("Date and time of the incident", "commander") in who_answers(form(), {})
    assert not who_answers(form(), read_back(form(), GOOD))


def test_a_form_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """With its file and its line; two fields of one title could not be read back."""
    text = (FORMS / "iwf.yaml").read_text()
    broken = tmp_path / "iwf.yaml"
    broken.write_text(text.replace("title: Hash,", "title: When it was seen,"))
    with pytest.raises(InvalidInput):
        read_form(broken)
    broken.write_text(text.replace("confidence: low", "confidence: certain"))
    with pytest.raises(InvalidInput) as refused:
        read_form(broken)
    assert refused.value.problems[0].place is not None


def test_as_xml_leaves_out_what_is_not_known() -> None:
    """No element is empty."""
    root = etree.fromstring(as_xml(form(), read_back(form(), GOOD)))
    assert all((one.text and one.text.strip()) or len(one) for one in root.iter())
