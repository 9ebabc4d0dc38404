"""What can be counted about the house: files in a folder, circles of imports, types, lengths, comments. `make house`.

Decides how each figure is counted; leaves what is allowed to `test_architecture.py`. Reads source with `ast` and
`tokenize`, imports nothing of the package, and takes late imports (inside functions) for what they are: imports.
"""

from __future__ import annotations

import ast
import re
import statistics
import sys
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"
Graph = dict[str, set[str]]
BODY = re.compile(r"\bBody\b")  # the untyped body of a journal's entry
LAYERED = ("core", "runtime", "store", "interfaces.web", "interfaces.cli")


def modules(source: Path = SOURCE) -> dict[str, Path]:
    """Every module of the package by its dotted name; a package by its own."""
    found = {}
    for path in sorted((source / "firedoor").rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(files: Mapping[str, Path], *, late: bool) -> Graph:
    """Which module imports which at the top, and with `late` also inside functions; not what only types need."""
    return {name: set(_imported(ast.parse(path.read_text()).body, files, late=late)) for name, path in files.items()}


def _imported(body: Iterable[ast.AST], files: Mapping[str, Path], *, late: bool) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.ImportFrom) and node.module:
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (full if full in files else node.module for full in names if node.module in files)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in files)
        elif not _for_types(node) and (late or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
            yield from _imported(ast.iter_child_nodes(node), files, late=late)


def _for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def boxes(graph: Graph, scope: str) -> Graph:
    """The same among the packages directly in `firedoor.<scope>`; a module that lies there is a box of its own."""
    prefix = f"firedoor.{scope}."
    found: Graph = defaultdict(set)
    for name, others in graph.items():
        for other in others:
            if name.startswith(prefix) and other.startswith(prefix):
                one, two = (each.removeprefix(prefix).split(".")[0] for each in (name, other))
                found[one] |= {two} - {one}
    return found


def circles(graph: Graph) -> list[list[str]]:
    """The sets of names that reach each other, largest first (Tarjan's strongly connected components)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in graph.get(name, ()):
            if other not in index:
                visit(other)
            if other in stack:
                low[name] = min(low[name], low[other])
        if low[name] == index[name]:
            cut = stack.index(name)
            component = stack[cut:]
            del stack[cut:]
            if len(component) > 1:
                found.append(sorted(component))

    sys.setrecursionlimit(10_000)
    for name in list(graph):
        if name not in index:
            visit(name)
    return sorted(found, key=len, reverse=True)


def folders(root: Path = ROOT) -> dict[str, int]:
    """How many Python files each folder of the package and of its tests holds, `__init__` not counted."""
    files = [path for top in ("src/firedoor", "tests", "flows") for path in (root / top).rglob("*.py")]
    counted = Counter(path.parent.relative_to(root).as_posix() for path in files if path.stem != "__init__")
    return dict(counted.most_common())


def functions(files: Iterable[Path]) -> list[tuple[int, str]]:
    """The length in lines of each function, its docstring not counted, with its place."""
    found = []
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                length = 1 + body[-1].end_lineno - body[0].lineno if body and body[-1].end_lineno else 0
                found.append((length, f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"))
    return sorted(found)


def typed(files: Iterable[Path]) -> tuple[int, int, int]:
    """Arguments, results and fields that are annotated; those that say `Any`; the noqa marks for it (ANN401)."""
    total = untyped = marks = 0
    for path in files:
        text = path.read_text()
        marks += text.count("ANN401")
        for node in ast.walk(ast.parse(text)):
            for found in _annotated(node):
                total += 1
                untyped += bool(re.search(r"\bAny\b", ast.unparse(found)))
    return total, untyped, marks


def _annotated(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
        yield node.annotation
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None:
        yield node.returns


def documented(files: Iterable[Path]) -> tuple[int, int]:
    """Modules, classes and functions whose names are public; how many of them carry a docstring."""
    public = said = 0
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            named = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            if named and not getattr(node, "name", "module").startswith("_"):
                public += 1
                said += ast.get_docstring(node) is not None
    return public, said


def comments(path: Path) -> int:
    """Comments of a file that are no marks for a tool."""
    with path.open("rb") as file:
        found = [token.string for token in tokenize.tokenize(file.readline) if token.type == tokenize.COMMENT]
    return sum(not re.match(r"# ?(noqa|type:|fmt:|pragma)", one) for one in found)


def late_imports(files: Mapping[str, Path]) -> dict[str, int]:
    """How many modules of our own are imported inside functions, by the part of the package that does so."""
    top, all_ = imports(files, late=False), imports(files, late=True)
    found: Counter[str] = Counter()
    for name in files:
        words = name.split(".")
        found[".".join(words[1:3] if words[1:2] == ["interfaces"] else words[1:2])] += len(all_[name] - top[name])
    return {part: count for part, count in found.items() if count}


def _spread(values: list[int], share: float) -> str:
    high = sorted(values)[min(len(values) - 1, int(len(values) * share))]
    return f"{statistics.median(values):g} / {high} / {max(values)}"


def report() -> str:
    """Every figure, one a line."""
    files = modules()
    paths, tests = list(files.values()), sorted((ROOT / "tests").rglob("*.py"))
    lengths = [len(path.read_text().splitlines()) for path in paths]
    of_functions = [length for length, _ in functions(paths)]
    total, untyped, marks = typed(paths)
    public, said = documented(paths)
    top, all_ = imports(files, late=False), imports(files, late=True)
    crowded = [f"{count} in {folder}" for folder, count in folders().items() if count > 20]
    lines = [
        f"modules                    {len(paths)}, {sum(lengths)} lines",
        f"folders over 20 files      {'; '.join(crowded) or 'none'}",
        f"module median/p90/max      {_spread(lengths, 0.9)} lines",
        f"function median/p95/max    {_spread(of_functions, 0.95)} lines",
        f"comments per 100 lines     {100 * sum(map(comments, paths)) / sum(lengths):.1f}",
        f"docstrings                 {100 * said / public:.0f} % of {public} public names",
        f"Any per 100 annotations    {100 * untyped / total:.1f} ({untyped} of {total}; {marks} marked ANN401)",
        f"mentions of Body           {sum(len(BODY.findall(path.read_text())) for path in paths)}",
        f"test lines : source lines  {sum(len(path.read_text().splitlines()) for path in tests) / sum(lengths):.2f}",
        f"late imports of our own    {sum(late_imports(files).values())}",
        f"circles of modules         at the top {_sizes(circles(top))}; with late imports {_sizes(circles(all_))}",
    ]
    lines += [
        f"circles of packages        {scope}: at the top {_sizes(circles(boxes(top, scope)))}; "
        f"with late imports {_sizes(circles(boxes(all_, scope)))}"
        for scope in LAYERED
    ]
    return "\n".join(lines)


def _sizes(found: list[list[str]]) -> str:
    return " + ".join(str(len(one)) for one in found) or "none"


if __name__ == "__main__":
    sys.stdout.write(report() + "\n")
