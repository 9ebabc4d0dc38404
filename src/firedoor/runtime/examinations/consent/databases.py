"""A ledger in a database: its rows as JSON lines, read in one pass that changes nothing.

Decides which addresses are databases, which table is the ledger when none is named, and that an address is never told
with its password. Leaves what the rows mean to the worker, which has no network.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from firedoor.core.problems import InvalidInput, Problem

SCHEMES = ("sqlite", "postgresql", "postgres")
LIKELY = ("consent", "consents", "consent_ledger", "ledger", "consent_events", "consent_log", "permissions", "opt_outs")
AT_ONCE = 10_000  # rows


def is_database(path: str) -> bool:
    """Whether an address is a database's."""
    return urlsplit(path).scheme.partition("+")[0] in SCHEMES


def called(url: str) -> str:
    """What people call the ledger: its address without a password."""
    found = urlsplit(url)
    return f"{found.scheme}://{found.hostname or ''}{found.path}" + (f"?{found.query}" if found.query else "")


def extracted(url: str, folder: Path) -> Path:
    """Write the rows of the table into the folder. Raises InvalidInput when the database or the table is not there."""
    import sqlalchemy as sa

    address, table = _parts(url)
    try:
        engine = sa.create_engine(address)
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                connection = connection.execution_options(postgresql_readonly=True)  # noqa: PLW2901
            name = table or _table(sa.inspect(connection).get_table_names(), url)
            ledger = sa.Table(name, sa.MetaData(), autoload_with=connection)
            rows = connection.execution_options(stream_results=True, yield_per=AT_ONCE).execute(sa.select(ledger))
            file = folder / "database.jsonl"
            with file.open("w", encoding="utf-8") as out:
                for row in rows.mappings():
                    out.write(json.dumps(dict(row), default=_text) + "\n")
            return file
    except sa.exc.NoSuchTableError:
        raise _refused(url, f"it has no table {table}", "write ?table=NAME") from None
    except (sa.exc.SQLAlchemyError, ModuleNotFoundError) as error:
        raise _refused(
            url, f"it cannot be read ({type(error).__name__})", "look at the address and the rights"
        ) from None


def _parts(url: str) -> tuple[str, str]:
    found = urlsplit(url)
    query = parse_qs(found.query)
    table = query.pop("table", [""])[0] or found.fragment
    rest = "&".join(f"{name}={value}" for name, values in query.items() for value in values)
    scheme = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}.get(found.scheme, found.scheme)
    if scheme.startswith("sqlite"):
        file = found.path.removeprefix("/")
        if not Path(file).is_file():
            raise _refused(url, "there is no such file", "write sqlite:///FOLDER/FILE.db?table=NAME")
        rest = f"mode=ro&uri=true{'&' + rest if rest else ''}"
        return f"sqlite:///file:{file}?{rest}", table
    return found._replace(scheme=scheme, query=rest, fragment="").geturl(), table


def _table(tables: list[str], url: str) -> str:
    likely = [name for name in tables if name.lower() in LIKELY]
    found = tables if len(tables) == 1 else likely
    if len(found) != 1:
        raise _refused(url, f"which table is the ledger? It has {', '.join(sorted(tables)[:40])}", "write ?table=NAME")
    return found[0]


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _refused(url: str, message: str, do: str) -> InvalidInput:
    return InvalidInput(Problem(code="X306", message=message, field=called(url), do=do))
