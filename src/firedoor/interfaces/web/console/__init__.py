"""The console: pages for responders, officers and managers. One file a subject, found by folder by its `router`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from fastapi import APIRouter


def routers() -> Iterator[APIRouter]:
    """The routes of every subject, in the order of their names."""
    for module in sorted(pkgutil.walk_packages(__path__, f"{__name__}."), key=lambda found: found.name):
        router = getattr(importlib.import_module(module.name), "router", None)
        if isinstance(router, APIRouter):
            yield router
