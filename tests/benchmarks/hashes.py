"""How quick ten million PDQ hashes are searched: our index beside faiss, flat and multi-hash, in the same run.

Every look-up is of a hash that differs from a listed one in exactly 31 bits, so recall is counted at the very edge.
Prints figures and asserts nothing; what must hold is in tests/core/hashing/. Needs about 5 GB.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.benchmarks import figures

if TYPE_CHECKING:
    import numpy as np

PICTURES, BESIDE = 10, 1_000_000  # twenty changes of each picture, among so many other hashes
COUNT, LOOK_UPS, FEW, DISTANCE, CORES = 10_000_000, 1000, 100, 31, 2


def run() -> None:
    """Measure and print."""
    import numpy as np

    rows = np.random.default_rng(1).integers(0, 256, (COUNT, 32), np.uint8)
    wanted, listed = _look_ups(rows)
    _ours(rows, wanted, listed)
    _faiss(rows, wanted)
    _changed_pictures(rows[:BESIDE])


def _ours(rows: np.ndarray, wanted: list[str], listed: list[str]) -> None:
    from firedoor.core.hashing.index import PdqIndex

    index = PdqIndex()
    _build("ours", lambda: index.add_packed(rows))
    figures.keep("ours, tables", index.memory / 1e9, "GB")
    print(f"{'ours, tables':<34} {index.memory / 1e9:.2f} GB")
    _search("ours", LOOK_UPS, lambda at: listed[at] in {near.value for near in index.search(wanted[at])})
    _search(
        "ours, the eight of a picture", FEW, lambda at: bool(sum(len(index.search(one)) for one in wanted[at : at + 8]))
    )
    value = rows[5].tobytes().hex()
    _once("ours, withdraw one", lambda: index.withdraw(value))
    _once("ours, add one", lambda: index.add([value]))


def _faiss(rows: np.ndarray, wanted: list[str]) -> None:
    import faiss
    import numpy as np

    faiss.omp_set_num_threads(CORES)
    packed = [np.frombuffer(bytes.fromhex(one), np.uint8)[None] for one in wanted]
    flat, multi = faiss.IndexBinaryFlat(256), faiss.IndexBinaryMultiHash(256, 16, 16)
    multi.nflip = 1  # one wrong bit in a band of 16, as the pigeonhole principle asks for at 31
    for name, times, index in (("faiss flat", FEW, flat), ("faiss multi-hash", LOOK_UPS, multi)):
        _build(name, lambda index=index: index.add(rows))  # type: ignore[misc]
        # faiss takes a radius that is not reached, so 32 for distance 31.
        _search(name, times, lambda at, index=index: len(index.range_search(packed[at], DISTANCE + 1)[2]) > 0)  # type: ignore[misc]
        index.reset()


def _changed_pictures(rows: np.ndarray) -> None:
    """How many of 200 changed pictures find their original: by one hash, by all eight, and by plain faiss."""
    import faiss
    import numpy as np
    from tests.support.drawn import transforms

    from firedoor.core.hashing.index import PdqIndex
    from firedoor.core.hashing.pdq import pdq

    made = [(name, pdq(np.asarray(picture.convert("RGB")))) for name, picture in transforms(PICTURES)]
    originals = {name.split()[0]: one.hash for name, one in made if name.endswith(" as it is")}
    listed = np.frombuffer(bytes.fromhex("".join(originals.values())), np.uint8).reshape(-1, 32)
    ours, flat = PdqIndex(), faiss.IndexBinaryFlat(256)
    for index in (ours.add_packed, flat.add):
        index(rows)
        index(listed)
    places = {seed: len(rows) + at for at, seed in enumerate(originals)}
    counts = dict.fromkeys(("ours, one hash", "faiss flat, one hash", "ours, the eight of a picture"), 0)
    for name, one in made:
        seed = name.split()[0]
        counts["ours, one hash"] += originals[seed] in {near.value for near in ours.search(one.hash)}
        packed = np.frombuffer(bytes.fromhex(one.hash), np.uint8)[None]
        counts["faiss flat, one hash"] += places[seed] in set(flat.range_search(packed, DISTANCE + 1)[2])
        eight = (near.value for turn in one.dihedral.values() for near in ours.search(turn))
        counts["ours, the eight of a picture"] += originals[seed] in set(eight)
    for name, found in counts.items():
        figures.keep(f"{name}, of {len(made)} changed pictures", found, "found")
        print(f"{name:<34} finds {found} of {len(made)} changed pictures")


def _look_ups(rows: np.ndarray) -> tuple[list[str], list[str]]:
    """Hashes to look up, and for each the listed one that it was made from."""
    import numpy as np

    chance = np.random.default_rng(2)
    listed = [rows[at].tobytes().hex() for at in chance.integers(0, len(rows), LOOK_UPS)]
    flips = (sum(1 << int(bit) for bit in chance.choice(256, DISTANCE, replace=False)) for _ in listed)
    return [f"{int(one, 16) ^ flip:064x}" for one, flip in zip(listed, flips, strict=True)], listed


def _build(name: str, work: Callable[[], object]) -> None:
    began = time.perf_counter()
    work()
    took = time.perf_counter() - began
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    figures.keep(f"{name}, build", took, "s")
    figures.keep(f"{name}, most memory of the process so far", most, "GB")
    print(f"{name:<34} built in {took:6.1f} s; the process has had {most:5.2f} GB")


def _search(name: str, times: int, found: Callable[[int], bool]) -> None:
    import numpy as np

    took, hits = [], 0
    for at in range(times):
        began = time.perf_counter()
        hits += found(at)
        took.append(1000 * (time.perf_counter() - began))
    half, most = np.percentile(took, [50, 99])
    for what, value, unit in (("p50", half, "ms"), ("p99", most, "ms"), ("recall", hits / times, "")):
        figures.keep(f"{name}, {what}", float(value), unit)
    print(f"{name:<34} p50 {half:7.2f} ms   p99 {most:7.2f} ms   recall {hits / times:.4f} of {times}")


def _once(name: str, work: Callable[[], object]) -> None:
    began = time.perf_counter()
    work()
    took = 1000 * (time.perf_counter() - began)
    figures.keep(name, took, "ms")
    print(f"{name:<34} {took:7.2f} ms")


if __name__ == "__main__":
    figures.main(run, __doc__)
