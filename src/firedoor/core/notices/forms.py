"""A form of a body that takes reports: its fields in their order, laid out as a text, and read back from that text.

Decides that what people approve is what goes into the file: a form is a text with one line for each field, its file is
made from the approved text and from nothing else. What is not known stands as a mark where the form requires it, and as
"not known" where it does not. Leaves values of the record to `form_values` and files to `form_files`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from firedoor.core.dates.arithmetic import instant
from firedoor.core.notices.markdown import marks
from firedoor.core.problems import InvalidInput

NOT_KNOWN = "not known"
MAXIMUM_REPEATS = 200  # lines of one field
Values = Mapping[str, tuple[str, ...]]
_URL = re.compile(r"(https?://)?[^\s<>\"]{3,2083}")


class Field(BaseModel):
    """One field. `id` is its path in the file; one that begins with `_` stands in the text alone.

    `take` says where the record has it (`form_values`); `value` is a fixed answer, and counts only while every fact of
    `when` is a yes. `who` are the roles that can answer. `only_if` names a field and the answer with which this one is
    required, and without which it has no place.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    title: str
    required: bool = False
    who: str = "legal"
    take: str = ""
    value: str = ""
    when: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    kind: Literal["text", "instant", "date", "url", "yes_no", "code"] = "text"
    most: int = 4000
    repeats: bool = False
    only_if: tuple[str, str] | None = None
    section: str = ""


class Form(BaseModel):
    """A form as published: who takes it, where its text was read and when, and how sure that is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    form: str
    title: str
    to: str
    channel: str
    source: str
    read_on: date
    confidence: Literal["high", "medium", "low"]
    reconstructed: str = ""
    file: Literal["xml", "json"] = "json"
    root: str = ""
    flat: bool = False  # the JSON is the body's own: the fields alone, by their names
    any_of: tuple[str, ...] = ()  # of these fields at least one is needed
    intro: str = ""
    outro: str = ""
    fields: tuple[Field, ...]

    @property
    def by_title(self) -> Mapping[str, Field]:
        """The fields by the words that stand before their values."""
        return {one.title: one for one in self.fields}


def layout(form: Form) -> str:
    """The form as a template of a notice: a line for each field, which `form_values` or the duty fills."""
    facts = sorted({name for one in form.fields for name in (*one.when, _fact(one)) if name})
    lines = [f"# {form.title}", "", *_notes(form), "", *_address(form)]
    lines += ["", form.intro.strip()] if form.intro else []
    section = ""
    for one in form.fields:
        if one.section and one.section != section:
            lines += ["", f"## {one.section}", ""]
            section = one.section
        lines.append(_line(one))
    lines += ["{% for field in rest %}", "", "{{ field.title }}: {{ field.text }}", "{% endfor %}"]
    lines += ["", form.outro.strip()] if form.outro else []
    used = f"{{% if {' or '.join(f'known.{name}' for name in facts)} %}}{{% endif %}}\n" if facts else ""
    return used + "\n".join(lines) + "\n"


def _address(form: Form) -> list[str]:
    return [f"To: {form.to}", "", f"Channel: {form.channel}", "", "Our reference: {{ incident.id }}", ""]


def _notes(form: Form) -> list[str]:
    """Notes to the house: they do not leave it."""
    notes = [f"> The fields are those of: {form.source}, read on {form.read_on}; confidence {form.confidence}."]
    notes += [f"> Reconstructed: {form.reconstructed}"] if form.reconstructed else []
    return [*notes, "> One line for each field. Write not known where nobody knows; never the content itself."]


def _line(one: Field) -> str:
    if one.take.startswith("duty:"):
        return f"- {one.title}: {{{{ content.{one.take.removeprefix('duty:')} }}}}"
    return f'{{% for one in form["{one.id}"] %}}\n- {one.title}: {{{{ one }}}}\n{{% endfor %}}'


def _fact(one: Field) -> str:
    return one.take.removeprefix("fact:") if one.take.startswith("fact:") else ""


def missing(one: Field) -> str:
    """The mark for a field that is required and not known, with who can answer."""
    return f"[missing: {one.title} ({one.who} can answer)]"


def read_back(form: Form, text: str) -> Values:
    """The values of a text, by the ids of the fields. A line that wraps goes on; what is not known is left out."""
    found: dict[str, list[str]] = {}
    for title, value in _items(form, text):
        if value and value.casefold() != NOT_KNOWN and not marks(value):
            found.setdefault(form.by_title[title].id, []).append(value)
    return {one.id: tuple(found[one.id]) for one in form.fields if one.id in found}


def _items(form: Form, text: str) -> Iterator[tuple[str, str]]:
    """Each line of a field, with the lines that go on with it. A line that is no field's ends the one before."""
    known, title, held = form.by_title, "", ""
    for raw in [*text.splitlines(), ""]:
        line = raw.strip()
        if raw.startswith("- ") or not line or line.startswith(("#", ">")):
            if title:
                yield title, held
            name, _, value = line.removeprefix("- ").partition(": ")
            title = name.rstrip(":") if raw.startswith("- ") and name.rstrip(":") in known else ""
            held = value.strip()
        elif title:
            held = f"{held} {line}".strip()
    if title:
        yield title, held


def faults(form: Form, values: Values) -> list[str]:
    """What is wrong with the values, in sentences, all at once: what lacks, who can answer, what does not fit."""
    found = [fault for one in form.fields for fault in _faults(one, values)]
    if form.any_of and not any(name in values for name in form.any_of):
        titles = [one.title for one in form.fields if one.id in form.any_of]
        found.append(f"one of these is needed: {', '.join(titles)}")
    return found


def _faults(one: Field, values: Values) -> Iterator[str]:
    given = values.get(one.id, ())
    due = one.required or (one.only_if is not None and one.only_if[1] in values.get(one.only_if[0], ()))
    if due and not given:
        yield f'"{one.title}" is required; {one.who} can answer'
    if given and one.only_if is not None and not due:
        yield f'"{one.title}" has no place with this answer to "{one.only_if[0]}": write {NOT_KNOWN}'
    if len(given) > (MAXIMUM_REPEATS if one.repeats else 1):
        yield f'"{one.title}" stands {len(given)} times'
    for value in given:
        if fault := _unfit(one, value):
            yield f'"{one.title}" {fault}'


def _unfit(one: Field, value: str) -> str:
    if one.one_of and value not in one.one_of:
        return f"must be one of: {', '.join(one.one_of)}"
    if len(value) > one.most:
        return f"is longer than {one.most} characters"
    fits = {
        "instant": _is_instant(value), "date": _is_day(value), "url": bool(_URL.fullmatch(value)),
        "yes_no": value in ("yes", "no", "Yes", "No"), "code": bool(re.fullmatch(r"[A-Za-z0-9_-]+", value)),
    }  # fmt: skip
    words = {
        "instant": "must be an instant with its offset, such as 2026-11-30T10:00:00+00:00",
        "date": "must be a day such as 2026-11-30", "url": "must be an address", "yes_no": "must be yes or no",
        "code": "may hold letters, digits, - and _",
    }  # fmt: skip
    return "" if fits.get(one.kind, True) else words[one.kind]


def _is_instant(value: str) -> bool:
    try:
        instant(value)
    except InvalidInput:
        return False
    return True


def _is_day(value: str) -> bool:
    try:
        return datetime.strptime(value, "%Y-%m-%d").strftime("%Y-%m-%d") == value  # noqa: DTZ007 - a day alone
    except ValueError:
        return False


def who_answers(form: Form, values: Values) -> Sequence[tuple[str, str]]:
    """The required fields that lack, each with the roles that can answer."""
    return [(one.title, one.who) for one in form.fields if one.required and one.id not in values]
