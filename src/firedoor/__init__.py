"""Firedoor runs AI privacy incidents.

The public Python interface is the handful of names below; each is imported on
first use, so that `import firedoor` stays cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from firedoor.flows import compile_flow

__version__ = "0.1.0"
__all__ = ["__version__", "compile_flow"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - module-level lazy import returns whatever the name is
    if name == "compile_flow":
        from firedoor.flows import compile_flow

        return compile_flow
    raise AttributeError(f"module 'firedoor' has no attribute {name!r}")
