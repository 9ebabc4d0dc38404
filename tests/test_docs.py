"""The documents are true: links lead somewhere, named files exist, shown commands are commands.

Reads every Markdown file of the repository, and every committed file for what must never be in one.
Leaves whether a page is any good to its reader.
"""

from __future__ import annotations

import hashlib
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer

ROOT = Path(__file__).resolve().parent.parent
DECISIONS = ROOT / "docs" / "decisions"

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)(?:\s\"[^\"]*\")?\)|!\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(
    r"^(?P<ticks>`{3,})(?P<language>[\w-]*)[^\n]*\n(?P<body>.*?)^(?P=ticks)\s*$", re.MULTILINE | re.DOTALL
)
# A file or folder of the repository, named in backticks. A part in <angle brackets> or with a star stands for many.
NAMED_FILE = re.compile(r"`((?:src|docs|tests|playbooks|requirements|\.ci)/[\w./-]*)`")
VARIABLE = re.compile(r"\bFIREDOOR_[A-Z][A-Z_]*[A-Z]\b")


class Line(NamedTuple):
    """One thing that a page says, and where."""

    page: Path
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT).as_posix()}: {self.text}"


@cache
def pages() -> tuple[Path, ...]:
    """Return every Markdown page of the repository."""
    return (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return FENCE.sub("", page.read_text())


def links() -> Iterator[Line]:
    """Yield each link of each page that stays within the repository."""
    for page in pages():
        for match in LINK.finditer(prose(page)):
            target = match[1] or match[2]
            if not re.match(r"[a-z][a-z0-9+.-]*:", target):
                yield Line(page, target)


def anchors(page: Path) -> set[str]:
    """Return the anchors that a page's headings and explicit ids make, as GitHub spells them."""
    headings = re.findall(r"^#{1,6}\s+(.+?)\s*#*$", prose(page), re.MULTILINE)
    plain = [re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in headings]
    spelled = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}
    return spelled | set(re.findall(r"(?:id|name)=\"([^\"]+)\"", page.read_text()))


def test_every_link_leads_somewhere() -> None:
    """A relative link names a file that exists, and a heading that exists in it."""
    broken = []
    for line in links():
        path, _, anchor = line.text.partition("#")
        target = (line.page.parent / path).resolve() if path else line.page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(str(line))
    assert not broken, "\n".join(broken)


def test_every_named_file_exists() -> None:
    """A path in backticks that begins like one of ours is one of ours."""
    named = [Line(page, match) for page in pages() for match in NAMED_FILE.findall(prose(page))]
    missing = [str(line) for line in named if not (ROOT / line.text).exists()]
    assert not missing, "\n".join(missing)


def console_lines(program: str) -> Iterator[Line]:
    """Yield the arguments of each `$ program ...` in a console block; a backslash joins lines."""
    for page in pages():
        for block in FENCE.finditer(page.read_text()):
            if block["language"] != "console":
                continue
            for line in block["body"].replace("\\\n", " ").splitlines():
                start = re.match(rf"\s*\$ (?:[A-Z_]+=\S+ )*(?:\S*/)?{program}(?=\s|$)(.*)", line)
                if start:
                    yield Line(page, start[1].strip())


def test_every_make_target_that_is_shown_exists() -> None:
    """`$ make x` on a page is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    wrong = [
        str(line)
        for line in console_lines("make")
        for word in shlex.split(line.text, comments=True)
        if "=" not in word and word not in targets
    ]
    assert not wrong, "\n".join(wrong)


def command_line() -> Any:
    """Return the command line as Click sees it, or skip until there is one."""
    if find_spec("firedoor.interfaces.cli") is None or find_spec("firedoor.interfaces.cli.main") is None:
        pytest.skip("the command line (firedoor.interfaces.cli.main) does not exist yet")
    from typer.main import get_command

    return get_command(import_module("firedoor.interfaces.cli.main").app)


USAGE_ERROR: Any = typer.BadParameter.__mro__[1]  # of the Click that Typer carries
SHELL = frozenset(("|", "||", "&&", ">", ">>", "2>", "<", ";", "&"))


def misuse(command: Any, words: list[str]) -> str:
    """Return what is wrong with the words after `firedoor`, or an empty string: command, options and arguments."""
    words = ["INC-2026-0001" if word == "$incident" else word for word in takewhile(lambda w: w not in SHELL, words)]
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        if words[0] not in command.commands:
            return f"no command {words[0]}"
        command = command.commands[words.pop(0)]
    try:
        command.make_context(command.name, words)  # reads them as the command would, and does nothing
    except typer.Exit:  # --help, --version
        return ""
    except USAGE_ERROR as error:
        said = error.format_message()
        return "" if "does not exist" in said else said  # the file of a page is not on this machine
    return ""


def test_every_command_that_is_shown_exists() -> None:
    """`$ firedoor x --y` on a page is a command of ours with that option."""
    command = command_line()
    wrong = [
        f"{line}  ({problem})"
        for line in console_lines("firedoor")
        if (problem := misuse(command, shlex.split(line.text, comments=True)))
    ]
    assert not wrong, "\n".join(wrong)


def test_the_search_for_wrong_commands_finds_them() -> None:
    """The test above is worth as much as its search: an unknown command and an unknown option are seen."""
    command = command_line()
    assert misuse(command, ["no-such-command"]) == "no command no-such-command"
    assert "--no-such-option" in misuse(command, ["check", "--no-such-option"])
    assert "two.json" in misuse(command, ["alert", "parse", "--source", "generic", "one.json", "two.json"])
    assert "--source" in misuse(command, ["alert", "parse", "one.json"])
    assert not misuse(command, ["check", "--format", "json", "|", "anything"])


ROUTE = re.compile(r"(?:(GET|POST|PUT|PATCH|DELETE) )?(?:https?://[^\s/`]+)?(/api/v1(?:/[\w.<>{}:…-]+)+)")


def routes() -> Iterator[tuple[Line, str, list[str]]]:
    """Yield each address of the API that a page names, with the method if it says one, in its parts."""
    for page in pages():
        for method, address in ROUTE.findall(page.read_text()):
            yield (
                Line(page, f"{method} {address}"),
                method.lower(),
                address.partition("</")[0].rstrip(".:").split("/")[3:],
            )


def served(tmp_path: Path) -> list[tuple[set[str], list[str]]]:
    """Return what the server answers: the methods, and the address in its parts."""
    from firedoor.interfaces.web.app import create_app
    from firedoor.runtime.config.settings import Settings
    from firedoor.runtime.process.application import Runtime

    app = create_app(Runtime(Settings(data_dir=tmp_path, prefect=False)))
    return [(set(found), path.split("/")[3:]) for path, found in app.openapi()["paths"].items()]


def answers(parts: list[str], path: list[str]) -> bool:
    """Whether an address on a page is one of a route: a part in braces or <brackets> stands for any."""
    alike = (
        there.startswith("{") or here[0] in "<{" or here == there for here, there in zip(parts, path, strict=False)
    )
    return len(parts) == len(path) and all(alike)


def plain_address(parts: list[str]) -> list[str]:
    """An address as it is served: a token in it is taken off."""
    return parts[:2] if parts[:1] == ["alerts"] and parts[2:3] == ["from"] else parts


def test_every_route_that_is_named_is_served(tmp_path: Path) -> None:
    """An address of the API on a page is in OpenAPI, with the method that the page gives it."""
    known = served(tmp_path)
    wrong = [
        str(line)
        for line, method, parts in routes()
        if not any(answers(plain_address(parts), path) and (not method or method in methods) for methods, path in known)
    ]
    assert not wrong, "\n".join(wrong)


def test_every_playbook_that_is_shown_compiles(tmp_path: Path) -> None:
    """A YAML block that begins with `playbook:` is a whole playbook, and `firedoor check` finds nothing in it."""
    shown = [
        (page, block["body"])
        for page in pages()
        for block in FENCE.finditer(page.read_text())
        if block["language"] == "yaml" and block["body"].startswith("playbook:")
    ]
    for number, (page, body) in enumerate(shown):
        (tmp_path / f"{page.stem}-{number}.yaml").write_text(body)
    if shown and command_line():
        program = (sys.executable, "-c", "from firedoor.interfaces.cli.main import main; main()", "check")
        files = sorted(tmp_path.glob("*.yaml"))
        done = subprocess.run([*program, *files], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_setting_that_is_named_exists() -> None:
    """A FIREDOOR_ variable on a page is read somewhere in the package or in its tests."""
    files = [*(ROOT / "src").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    code = "\n".join(file.read_text() for file in files)
    if not re.search(r"env_prefix\s*=\s*[\"']FIREDOOR_", code):
        pytest.skip("the settings (firedoor.runtime.config.settings) do not exist yet")
    named = {(page, variable) for page in pages() for variable in VARIABLE.findall(page.read_text())}
    unknown = [
        str(Line(page, variable))
        for page, variable in sorted(named)
        if variable not in code
        and not variable.startswith("FIREDOOR_SOURCE_SECRET_")  # one for each source
        and not re.search(rf"^\s+{variable[9:].lower()}\s*:", code, re.MULTILINE)
    ]
    assert not unknown, "\n".join(unknown)


def test_every_page_is_in_the_index() -> None:
    """A page that nobody finds is no page."""
    index = (ROOT / "docs" / "README.md").read_text()
    index += (
        (ROOT / "docs" / "reference" / "alert-sources.md").read_text().replace("](sources/", "](reference/sources/")
    )
    found = [path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md") if path.parent != DECISIONS]
    assert not [str(path) for path in found if path.name != "README.md" and f"]({path})" not in index]


def test_decisions_are_numbered_without_gaps_and_all_in_the_index() -> None:
    """There is one record per number, from 0001 on, and the index links to each."""
    records = sorted(DECISIONS.glob("[0-9]*.md"))
    assert [int(record.name[:4]) for record in records] == list(range(1, len(records) + 1))
    index = (DECISIONS / "README.md").read_text()
    assert not [record.name for record in records if f"]({record.name})" not in index]


@pytest.mark.parametrize("record", sorted(DECISIONS.glob("[0-9]*.md")), ids=lambda record: record.name[:4])
def test_a_decision_says_situation_decision_and_consequences(record: Path) -> None:
    """A record has the form that 0001 asks for, and carries its own number as its title."""
    text = record.read_text()
    assert text.startswith(f"# {record.name[:4]}: ")
    assert re.search(r"^State: (proposed|accepted|replaced by \[\d{4}\]\(.+\)), \d{4}-\d\d-\d\d$", text, re.MULTILINE)
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings[0] == "Situation"
    assert {"Decision", "Consequences"} <= set(headings)


def changelog_entries() -> list[str]:
    """Return the entries of the changelog, each on one line."""
    text = (ROOT / "CHANGELOG.md").read_text()
    return [
        re.sub(r"\s+", " ", entry) for entry in re.findall(r"^- (.+?)(?=^- |^#|\Z)", text, re.MULTILINE | re.DOTALL)
    ]


def test_the_changelog_keeps_its_grammar() -> None:
    """Entries are sentences, under the known headings only."""
    headings = re.findall(r"^### (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert set(headings) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert not [entry for entry in changelog_entries() if not re.fullmatch(r"[A-Z`*].*\.", entry.strip())]


def test_the_license_is_the_whole_apache_license() -> None:
    """LICENSE is the standard text of the Apache License 2.0, byte for byte."""
    digest = hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest()
    assert digest == "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"


# Each pattern is written so that it does not match itself: this file is committed too.
FORBIDDEN = {
    "the address of a package index": re.compile(
        r"pypi[.](org|python)|pythonhosted[.]org|registry[.]npmjs|conda[.]anaconda|--(extra-)?index[-]url|--find[-]links"
    ),
    "a path of one machine": re.compile(r"[/]work/(main|shared|\.)|[/]tmp/fd|[/]opt/(wheels|pypi)"),
    "a private key": re.compile(r"^-----BEGIN [A-Z ]*PRIVATE[ ]KEY-----\s*$\n[A-Za-z0-9+/=\s]{100,}", re.MULTILINE),
}


def committed() -> list[Path]:
    """Return the files that git knows."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_committed_file_holds(what: str, require: Any) -> None:
    """A clone works behind any mirror and on any machine, and gives nothing away."""
    require("a checkout with git")
    texts = ((file, file.read_bytes().decode(errors="replace")) for file in committed())
    found = [
        f"{file.relative_to(ROOT).as_posix()}:{text.count(chr(10), 0, match.start()) + 1}: {match[0][:60]}"
        for file, text in texts
        for match in FORBIDDEN[what].finditer(text)
    ]
    assert not found, "\n".join(found)


def test_the_search_for_forbidden_text_finds_it() -> None:
    """The test above is worth as much as its search."""
    assert FORBIDDEN["the address of a package index"].search("pip install --index" + "-url https://x")
    assert FORBIDDEN["a path of one machine"].search("see /wo" + "rk/main/x")
    assert not FORBIDDEN["the address of a package index"].search("uv pip compile --no-emit-index-url")
