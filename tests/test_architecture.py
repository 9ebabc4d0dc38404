"""The rules of the house that no type checker sees: who reads the clock, how long a file is, what an import costs.

Decides them by reading the source with `ast`, or in a fresh interpreter. Leaves the direction of imports
to import-linter, whose contracts stand in pyproject.toml.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "firedoor"

# Below the runtime, `now` is an argument. Connectors and the store may wait for the outside world, never date it.
CLOCKLESS = ("core", "steps", "alerts", "duties", "store")
CLOCKS = re.compile(
    r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns|localtime|gmtime|ctime)|func\.now)$"
)

LINE_LIMIT = 400
# Files over the limit, with the length that they have today. Shrink the number when the file shrinks; add nobody.
LONGER: dict[str, int] = {}

# What may not be paid for by everyone who imports the package or asks for help.
HEAVY = {
    "prefect", "sqlmodel", "sqlalchemy", "alembic", "fastapi", "starlette", "uvicorn", "httpx", "jinja2", "holidays",
    "cryptography", "psycopg", "yaml",
}  # fmt: skip


def modules(*folders: str) -> list[Path]:
    """Return the Python files of the package, or of some of its folders."""
    found = [file for folder in folders or ("",) for file in (PACKAGE / folder).rglob("*.py")]
    return sorted(found)


def name(file: Path) -> str:
    """Return a file's path within the package."""
    return file.relative_to(PACKAGE).as_posix()


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` for an attribute or a name, and an empty string for anything else."""
    if isinstance(node, ast.Attribute):
        left = dotted(node.value)
        return f"{left}.{node.attr}" if left else ""
    return node.id if isinstance(node, ast.Name) else ""


def clock_readings(source: str) -> Iterator[int]:
    """Yield the lines on which source text reads a wall clock, by any of its usual names."""
    tree = ast.parse(source)
    renamed = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in {"time", "datetime"}
        for alias in node.names
    }
    for node in ast.walk(tree):
        # A call, or the function handed on (default_factory=datetime.now).
        if isinstance(node, ast.Attribute | ast.Name):
            first, _, rest = dotted(node).partition(".")
            if CLOCKS.search(renamed.get(first, first) + (f".{rest}" if rest else "")):
                yield node.lineno


@pytest.mark.parametrize(
    "source",
    [
        "import datetime\ndatetime.datetime.now(UTC)",
        "from datetime import datetime as d\nd.utcnow()",
        "from datetime import datetime\nField(default_factory=datetime.now)",
        "from datetime import date\ndate.today()",
        "import time\ntime.time()",
        "from time import time\ntime()",
        "from sqlalchemy import func\nfunc.now()",
    ],
)
def test_the_search_for_clocks_finds_one_however_it_is_written(source: str) -> None:
    """The rule below is worth as much as its search: each usual spelling is seen on line 2."""
    assert 2 in set(clock_readings(source))


@pytest.mark.parametrize("source", ["now = 1\nprint(now)", "def due(now, time):\n    return now + time"])
def test_an_argument_called_now_is_no_clock(source: str) -> None:
    """Taking the instant as an argument is what the rule asks for."""
    assert not list(clock_readings(source))


@pytest.mark.parametrize("folder", CLOCKLESS)
def test_nothing_below_the_runtime_reads_the_wall_clock(folder: str) -> None:
    """Deadlines are computed from an instant that is handed in; a rehearsal or an audit hands in another."""
    found = [f"{name(file)}:{line}" for file in modules(folder) for line in clock_readings(file.read_text())]
    assert not found, f"take `now` as an argument instead: {', '.join(found)}"


def test_imports_only_go_down() -> None:
    """The contracts in pyproject.toml hold: layers, purity below them, no engine in connectors and store."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-logo", "--no-cache"], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout


def test_every_module_says_what_it_decides() -> None:
    """A module opens with a docstring; the reader knows what belongs there and what does not."""
    silent = [name(file) for file in modules() if not ast.get_docstring(ast.parse(file.read_text()))]
    assert not [file for file in silent if "/versions/" not in file]


def test_a_file_fits_into_a_head() -> None:
    """A file stays within the limit; one that is over it is listed, and its number only goes down."""
    lengths = {name(file): len(file.read_text().splitlines()) for file in modules()}
    allowed = {file: LONGER.get(file, LINE_LIMIT) for file in lengths}
    assert not {file: length for file, length in lengths.items() if length > allowed[file]}


def test_the_list_of_long_files_only_shrinks() -> None:
    """An exception that is no longer needed leaves the list."""
    stale = [file for file in LONGER if len((PACKAGE / file).read_text().splitlines()) <= LINE_LIMIT]
    assert not stale


def test_no_module_is_called_utils() -> None:
    """A name that says nothing collects everything."""
    assert not [name(file) for file in modules() if file.stem in {"utils", "util", "helpers", "common", "misc"}]


def test_every_test_says_what_it_proves() -> None:
    """Each test function carries a docstring."""
    silent = [
        f"{file.relative_to(ROOT).as_posix()}:{node.lineno} {node.name}"
        for file in sorted((ROOT / "tests").rglob("test_*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert not silent, "\n".join(silent)


def test_no_test_replaces_a_part_of_our_own() -> None:
    """Fakes that implement a port, never a mock: a patched part proves nothing about the real one."""
    mocking = re.compile(r"unittest\.mock|\bmocker\b|MagicMock|monkeypatch\.setattr\(\s*[\"']?firedoor")
    users = [file for file in sorted((ROOT / "tests").rglob("*.py")) if mocking.search(file.read_text())]
    assert not [file.relative_to(ROOT).as_posix() for file in users if file.name != Path(__file__).name]


def declared_distributions() -> set[str]:
    """Return the names of the distributions that pyproject.toml asks for, normalised."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = [entry for extra in project.get("optional-dependencies", {}).values() for entry in extra]
    return {normal(re.split(r"[\[<>=!~; ]", entry)[0]) for entry in [*project["dependencies"], *optional]}


def normal(distribution: str) -> str:
    """Return a distribution's name as the index compares it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def imported_packages(file: Path) -> Iterator[tuple[str, int]]:
    """Yield each top-level package that a file imports, with the line."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0], node.lineno


def test_what_is_imported_is_declared() -> None:
    """The package asks for each library that it uses by name, and does not live off what another one brings along."""
    declared, owners = declared_distributions(), packages_distributions()
    undeclared = [
        f"{name(file)}:{line} {package}"
        for file in modules()
        for package, line in imported_packages(file)
        if package not in sys.stdlib_module_names and package != "firedoor"
        if not declared & {normal(owner) for owner in owners.get(package, [package])}
    ]
    assert not undeclared, "\n".join(undeclared)


def loaded_by(statement: str) -> set[str]:
    """Return the top-level packages that a fresh interpreter has loaded after a statement."""
    program = f"import sys\n{statement}\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV_")}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["firedoor", "firedoor.interfaces.cli.main"])
def test_importing_is_cheap(module: str) -> None:
    """Neither the package nor its command line loads an engine, a database or a web framework before it needs one."""
    if module != "firedoor" and not command_line_exists():
        pytest.skip("the command line (firedoor.interfaces.cli.main) does not exist yet")
    assert not HEAVY & loaded_by(f"import {module}")


def command_line_exists() -> bool:
    """Say whether the module behind the console script is there."""
    return find_spec("firedoor.interfaces.cli") is not None and find_spec("firedoor.interfaces.cli.main") is not None


def test_no_rule_is_switched_off_without_a_reason() -> None:
    """Every ignored lint rule carries its reason on the same line."""
    text = (ROOT / "pyproject.toml").read_text()
    lint = text[text.index("[tool.ruff.lint]") : text.index("[tool.ruff.lint.pydocstyle]")]
    bare = [line for line in lint.splitlines() if re.match(r'\s+"[A-Z]+\d*",', line) and "#" not in line]
    assert not bare
