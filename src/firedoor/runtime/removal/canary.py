"""The hashes of the picture that is drawn to try an upload filter.

Decides that its PDQ hash is made where the extra `hashing` is there, and left out otherwise. The picture is ours, so it
is hashed in this process; nobody else's ever is.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.util import find_spec

from firedoor.core.hashing.pdq import pdq
from firedoor.core.removal.drawn import SIDE, drawn, pixels


@lru_cache(maxsize=64)
def canary_hashes(words: str) -> tuple[tuple[str, str], ...]:
    """Algorithm and value of each hash that is known of it."""
    found = [("sha256", hashlib.sha256(drawn(words)).hexdigest())]
    if find_spec("numpy") is not None:
        import numpy as np

        rgb = np.frombuffer(b"".join(pixels(words)), np.uint8).reshape(SIDE, SIDE, 3)
        found.append(("pdq", pdq(rgb).hash))
    return tuple(found)
