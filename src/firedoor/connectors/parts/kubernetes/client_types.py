"""How a call is made with the official Kubernetes client, which is an extra: its types are needed, it itself is not.

Decides that an answer comes unread, so that `api` bounds how much of it is read. Leaves calling to `api`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol, TypedDict, runtime_checkable

if TYPE_CHECKING:
    from kubernetes.client import CustomObjectsApi


class Extra(TypedDict):
    """What each call says beside its object: give us the answer unread, and wait this many seconds for each part."""

    _preload_content: bool
    _request_timeout: float


@runtime_checkable
class Response(Protocol):
    """An answer of urllib3 that is not read yet; to the client's types it is any object."""

    status: int
    headers: Mapping[str, str]

    def read(self, amount: int, /) -> bytes:
        """Read at most so many bytes."""

    def release_conn(self) -> None:
        """Give the connection back to the pool."""


Call = Callable[["CustomObjectsApi", Extra], object]
