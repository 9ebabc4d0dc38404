"""A database at the newest schema as a copy of one that was migrated, since migrating each takes a tenth of a second.

Decides that nobody's database is touched: a copy is made only where no file is yet. Leaves opening it
to `Store`, and whoever tests the migrations themselves begins without this.
"""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from sqlalchemy import make_url

from firedoor.store.database.migrate import migrate
from firedoor.store.incidents.journal import Store


def fresh(url: str) -> str:
    """Put a migrated, empty database where a URL of SQLite names a file that is not there yet. Returns the URL."""
    name = make_url(url).database if url.startswith("sqlite") else None
    if name and not Path(name).exists() and Path(name).parent.is_dir():
        Path(name).touch(mode=0o600)  # as the server makes it: for this user only, whatever the umask
        Path(name).write_bytes(_migrated())
    return url


def fresh_folder(folder: Path) -> Path:
    """Make a data folder as the first start leaves it, for this user only. Returns the folder."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh(f"sqlite:///{folder / 'firedoor.db'}")
    return folder


@functools.cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory(prefix="firedoor-fresh-") as folder:
        path = Path(folder) / "firedoor.db"
        store = Store(f"sqlite:///{path}")
        migrate(store.engine)
        store.close()  # the last to close puts the write-ahead log into the file
        return path.read_bytes()
