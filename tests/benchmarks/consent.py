"""Consent at size: a manifest against a ledger, in a bounded memory, beside plain DuckDB SQL in the same run.

    python -m tests.benchmarks.consent --records 100000000 --people 20000000 --memory 2500MB

Prints seconds, the ratio and the peak memory of each, and whether both counted the same.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks import figures

from firedoor.runtime.examinations.consent.reconcile import Wanted, reconcile

PLAIN = """
SELECT reason, count(*), sum(n) FROM (
  SELECT p.n, CASE WHEN l.subject IS NULL THEN 'not_in_ledger' WHEN l.state = 'granted' THEN 'has_basis'
    WHEN l.state IS NOT NULL THEN l.state WHEN l.other THEN 'other_purpose_only' ELSE 'never_asked' END AS reason
  FROM (SELECT subject, count(*) AS n FROM read_parquet('{folder}/manifest.parquet') GROUP BY subject) p
  LEFT JOIN (
    SELECT subject,
      arg_max(event, updated_at)
        FILTER (purpose = 'training' AND updated_at <= TIMESTAMPTZ '2026-05-01 00:00:00Z') AS state,
      bool_or(purpose <> 'training' AND event = 'granted') AS other
    FROM read_parquet('{folder}/ledger.parquet') GROUP BY subject) l ON p.subject = l.subject
) GROUP BY reason ORDER BY reason
"""


def generate(folder: Path, records: int, people: int) -> None:
    """A manifest over people of whom some are unknown, and two entries of the ledger for each fourth person."""
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"SET memory_limit = '2500MB'; SET temp_directory = '{folder}/aside'; SET timezone = 'UTC'")
    manifest = f"""COPY (SELECT 'r' || i AS record, 'user-' || (hash(i) % {people + people // 10}) AS subject
        FROM range({records}) t(i)) TO '{folder}/manifest.parquet' (FORMAT parquet)"""  # noqa: S608 - numbers
    ledger = f"""COPY (
        SELECT 'user-' || i AS subject, CASE WHEN i % 7 = 0 THEN 'marketing' ELSE 'training' END AS purpose,
          'granted' AS event, TIMESTAMPTZ '2026-01-01 00:00:00Z' AS updated_at FROM range({people}) t(i)
        UNION ALL SELECT 'user-' || i, 'training', 'withdrawn', TIMESTAMPTZ '2026-03-01 00:00:00Z'
        FROM range(0, {people}, 4) t(i)) TO '{folder}/ledger.parquet' (FORMAT parquet)"""  # noqa: S608 - numbers
    connection.execute(manifest)
    connection.execute(ledger)


def plain(folder: str, memory: str) -> None:
    """In a process of its own: the same count in SQL, by somebody who knows the columns."""
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"SET memory_limit = '{memory}'; SET temp_directory = '{folder}/aside'; SET threads = 2")
    connection.execute("SET preserve_insertion_order = false; SET TimeZone = 'UTC'")
    rows = connection.execute(PLAIN.format(folder=folder)).fetchall()
    sys.stdout.write(json.dumps({row[0]: row[1] for row in rows if row[0] != "has_basis"}))


def _kept(name: str, value: float, unit: str) -> None:
    figures.keep(name, value, unit)
    print(f"{name:<22} {value:8.2f} {unit}")


def measure(records: int, people: int, memory: str) -> None:
    """Generate, count twice, compare: wall clock, and CPU time, which other work on the machine disturbs less."""
    with tempfile.TemporaryDirectory() as made:
        generate(Path(made), records, people)
        begun, used = time.perf_counter(), _cpu()
        command = [sys.executable, "-m", "tests.benchmarks.consent", "--plain", made, "--memory", memory]
        by_hand = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        by_sql, cpu_by_sql = time.perf_counter() - begun, _cpu() - used
        begun, used = time.perf_counter(), _cpu()
        wanted = Wanted(
            [f"{made}/manifest.parquet"], [f"{made}/ledger.parquet"], "ai_training=training",
            datetime(2026, 5, 1, tzinfo=UTC), memory=memory, threads=2,
        )  # fmt: skip
        answer = reconcile(wanted)
        seconds, cpu = time.perf_counter() - begun, _cpu() - used
    print(f"{records} records, {people} people, memory limit {memory}; questions: {answer['questions']}")
    print(f"same counts: {answer['by_reason'] == by_hand}")
    _kept("plain SQL", by_sql, "s")
    _kept("examine consent", seconds, "s")
    _kept("ratio", seconds / by_sql, "times")
    _kept("ratio of CPU time", cpu / cpu_by_sql, "times")
    _kept("peak memory", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, "MiB")


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run() -> None:
    """The sizes that fit a machine which others use as well."""
    measure(5_000_000, 1_000_000, "2500MB")


def main() -> None:
    """Read the sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=5_000_000)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--memory", default="2500MB")
    parser.add_argument("--plain", default="", help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file as well")
    given = parser.parse_args()
    if given.plain:
        plain(given.plain, given.memory)
    else:
        figures.measured(lambda: measure(given.records, given.people, given.memory), given.json)


if __name__ == "__main__":
    main()
