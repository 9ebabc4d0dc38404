"""The hash that a browser makes is the hash that everybody else makes: pdq.js and the `pdqhash` package."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.conftest import require
from tests.support import drawn, package_hashes

import firedoor.templates

SCRIPT = Path(firedoor.templates.__file__).parent / "report" / "static" / "pdq.js"
NEAR = 4  # bits of 256
PICTURES = 10
# Node has no page and no canvas: what runs here is the function of pixels alone.
HARNESS = """
require(process.argv[1]);
const fs = require("fs");
for (const one of JSON.parse(fs.readFileSync(process.argv[2]))) {
  console.log(JSON.stringify(firedoorPdq(one.width, one.height, fs.readFileSync(one.file))));
}
"""


def in_node(folder: Path, pictures: list[drawn.Picture]) -> list[dict]:
    """What the script says about each."""
    require("Node", shutil.which("node") is not None)
    wanted = []
    for number, picture in enumerate(pictures):
        file = folder / f"{number}.rgba"
        file.write_bytes(picture.convert("RGBA").tobytes())
        wanted.append({"width": picture.width, "height": picture.height, "file": str(file)})
    (folder / "wanted.json").write_text(json.dumps(wanted))
    command = ["node", "-e", HARNESS, str(SCRIPT), str(folder / "wanted.json")]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    return [json.loads(line) for line in said.stdout.splitlines()]


def apart(one: str, other: str) -> int:
    """In how many bits two hashes differ."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


@pytest.fixture(name="cases", scope="module")
def _cases(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, drawn.Picture, dict]]:
    named = list(drawn.transforms(PICTURES))
    made = in_node(tmp_path_factory.mktemp("pixels"), [picture for _, picture in named])
    return [(name, picture, one) for (name, picture), one in zip(named, made, strict=True)]


def test_two_hundred_transforms_have_the_hash_of_the_package(cases: list) -> None:
    """At most 4 of 256 bits apart, with the same quality."""
    assert len(cases) == 200
    wrong = {}
    for name, picture, made in cases:
        said = package_hashes.told(picture)
        if apart(made["hash"], said.dihedral[0]) > NEAR or made["quality"] != said.quality:
            wrong[name] = (apart(made["hash"], said.dihedral[0]), made["quality"], said.quality)
    assert wrong == {}


def test_the_mirrored_and_rotated_hashes_are_those_of_the_package(cases: list) -> None:
    """All eight, in the same order."""
    wrong = {}
    for name, picture, made in cases:
        those = package_hashes.told(picture).dihedral
        distances = [apart(mine, said) for mine, said in zip(made["dihedral"].values(), those, strict=True)]
        if max(distances) > NEAR:
            wrong[name] = distances
    assert wrong == {}


@pytest.mark.parametrize(
    ("turn", "name"),
    [(lambda p: p.transpose(2), "rotated_90"), (lambda p: p.transpose(4), "rotated_270"),
     (lambda p: p.transpose(3), "rotated_180"), (lambda p: p.transpose(1), "mirrored_x"),
     (lambda p: p.transpose(0), "mirrored_y"), (lambda p: p.transpose(5), "mirrored_diagonal"),
     (lambda p: p.transpose(6), "mirrored_antidiagonal")],
)  # fmt: skip
def test_a_turned_picture_is_found_by_the_hash_of_that_name(tmp_path: Path, turn, name: str) -> None:
    """The hash of the turned picture lies near the one that was foretold from the picture as it was."""
    picture = drawn.drawn(3)
    before, after = in_node(tmp_path, [picture, turn(picture)])
    distances = {
        each: (int(value, 16) ^ int(after["hash"], 16)).bit_count() for each, value in before["dihedral"].items()
    }
    assert distances[name] <= 16
    assert min(distances, key=distances.__getitem__) == name


def test_a_plain_picture_has_no_quality_and_a_tiny_one_no_hash(tmp_path: Path) -> None:
    """Nothing to see is said as 0; under 5 pixels the function refuses."""
    (made,) = in_node(tmp_path, [drawn.plain()])
    assert made["quality"] == 0
    with pytest.raises(subprocess.CalledProcessError) as refused:
        in_node(tmp_path, [drawn.plain((4, 400))])
    assert "under 5 pixels" in refused.value.stderr
