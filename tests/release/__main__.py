"""`make release`: everything that is published of a build, in dist/. `make lock` writes its bill of materials.

The wheel and the source archive bear the time of the last commit (or SOURCE_DATE_EPOCH), so that whoever builds the
same commit, anywhere and at any time, gets the same bytes. The wheel carries the bill that is committed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.release import bill
from tests.release.locked import ROOT, SELF, constraints, this_build


def release(dist: Path) -> list[Path]:
    """Build into a folder of its own, and say what is in it."""
    build = this_build()
    if bill.FILE.read_text() != bill.bill(build):
        raise SystemExit("make release: requirements/firedoor.cdx.json is not what the lock file says. Run: make bill")
    shutil.rmtree(dist, ignore_errors=True)
    command = (sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-t", "wheel", "-d", str(dist))
    subprocess.run(
        command, cwd=ROOT, env={**os.environ, "SOURCE_DATE_EPOCH": _built_at()}, check=True, stdout=subprocess.DEVNULL
    )
    (dist / f"{SELF}-{build.version}-constraints.txt").write_text(constraints(build))
    shutil.copy(bill.FILE, dist / f"{SELF}-{build.version}.cdx.json")
    made = sorted(dist.iterdir())
    sums = "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in made)
    (dist / "SHA256SUMS").write_text(sums)
    return [*made, dist / "SHA256SUMS"]


def _built_at() -> str:
    given = os.environ.get("SOURCE_DATE_EPOCH")
    log = ("git", "log", "-1", "--format=%ct")
    return given or subprocess.run(log, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    """Write the bill, or everything."""
    if sys.argv[1:] == ["bill"]:
        bill.FILE.write_text(bill.bill(this_build()))
        sys.stdout.write(f"make bill: {bill.FILE.relative_to(ROOT)} is written\n")
        return
    for file in release(ROOT / "dist"):
        sys.stdout.write(f"make release: {file.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
