"""A plug-in of pytest that notes which test gets to which place of isolation. `python -m tests.isolation` loads it.

Decides that a place is reached when the body of its handler is entered, when a `suppress` has suppressed something, and
when `each` has put something into `failed` for whoever called it. Marks the source while it is imported, and changes
nothing of what it does.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import importlib.abc
import importlib.machinery
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType, TracebackType

from tests.isolation import SOURCE, catches

FILE = Path(os.environ["REACHED"])
ISOLATED = "core/isolated.py"
_seen: set[str] = set()


def reached(place: str) -> None:
    """Note it with the test that runs."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0].partition("[")[0]
    if f"{place}\t{test}" not in _seen:
        _seen.add(f"{place}\t{test}")
        with FILE.open("a") as file:
            file.write(f"{place}\t{test}\n")


def reached_each() -> None:
    """Note who asked for each of many: the nearest frame of ours outside."""
    frame = sys._getframe(1)
    while frame := frame.f_back:  # type: ignore[assignment]
        path = frame.f_code.co_filename
        if path.startswith(str(SOURCE)) and not path.endswith(ISOLATED) and not frame.f_code.co_name.startswith("<"):
            reached(f"{path.removeprefix(f'{SOURCE}/')} {_qualified(frame.f_locals, frame.f_code)}")
            return


def _qualified(local: dict[str, object], code: CodeType) -> str:
    owner = type(local["self"]).__name__ if "self" in local else ""
    return f"{owner}.{code.co_name}" if owner else code.co_name


class Suppressing(contextlib.suppress):
    """As it was, and notes that it did."""

    def __init__(self, place: str, *kinds: type[BaseException]) -> None:
        super().__init__(*kinds)
        self._place = place

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        done = super().__exit__(kind, error, trace)
        if done and kind is not None:
            reached(self._place)
        return bool(done)


class Marks(ast.NodeTransformer):
    """Puts a mark at each place of one module."""

    def __init__(self, file: str) -> None:
        self.file, self.names = file, list[str]()

    def _inside(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> ast.AST:
        self.names.append(node.name)
        self.generic_visit(node)
        self.names.pop()
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = _inside  # noqa: N815 - so `ast` calls them

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        """The first line of its body says that it was entered."""
        self.generic_visit(node)
        if catches(node):
            also = "; _reached_each()" if self.file == ISOLATED else ""
            marks = ast.parse(f"_reached({self._place()!r}){also}").body
            node.body[:0] = [ast.copy_location(mark, node) for mark in marks]
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """A `suppress` is given its place."""
        self.generic_visit(node)
        if catches(node) and ast.unparse(node.func).endswith("suppress"):
            node.func = ast.Name("_Suppressing", ast.Load())
            node.args.insert(0, ast.Constant(self._place()))
        return node

    def _place(self) -> str:
        return f"{self.file} {'.'.join(self.names)}"


class Marking(importlib.machinery.SourceFileLoader):
    """Reads a module of ours with its marks."""

    def get_code(self, fullname: str) -> CodeType | None:
        """Never from the cache."""
        path = self.get_filename(fullname)
        tree = Marks(str(Path(path).relative_to(SOURCE))).visit(ast.parse(self.get_data(path), path))
        code: CodeType = compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)
        return code


class Finder(importlib.abc.MetaPathFinder):
    """Finds modules of ours that have a place."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, _: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Leave all others to Python."""
        spec = importlib.machinery.PathFinder.find_spec(name, path) if name.startswith("firedoor") else None
        if spec is None or not spec.origin or not spec.origin.startswith(str(SOURCE)):
            return None
        spec.loader = Marking(name, spec.origin)
        return spec


for _name, _mark in (("_reached", reached), ("_reached_each", reached_each), ("_Suppressing", Suppressing)):
    setattr(builtins, _name, _mark)
sys.meta_path.insert(0, Finder())
