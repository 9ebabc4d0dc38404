"""`firedoor examine KIND`: one module for each kind, found by folder; its command is the function of the module's name.

Decides that a new kind is one new module. Leaves what a kind does to that module and to `runtime`.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import typer

examine = typer.Typer(no_args_is_help=True, help="Examine what is stored, on this machine and without a server.")


@examine.callback()
def _examine() -> None:
    """Examine what is stored, on this machine and without a server."""


for _found in sorted(iter_modules(__path__), key=lambda one: one.name):
    if _found.name == "loading":
        continue
    examine.command(_found.name)(getattr(import_module(f"{__name__}.{_found.name}"), _found.name))
