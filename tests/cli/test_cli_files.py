from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.command import Firedoor, _firedoor  # noqa: F401 - a fixture

from firedoor.testing.fresh import fresh_folder

BROKEN = "playbook: broken\nversion: 1.0.0\ntitle: Broken\nincidnt: data_leakage_in_ai_models\nroles: [dpo]\n"


def test_the_shipped_playbooks_have_no_problem(firedoor: Firedoor) -> None:
    """Without a path, `check` looks at what ships, and exits with 0."""
    said = firedoor("check")
    assert (said.code, said.out.strip().endswith("no problems")) == (0, True)


def test_without_a_path_the_files_of_the_installation_are_checked(firedoor: Firedoor, tmp_path: Path) -> None:
    """Inventory, profile and mappings, where a server here would read them; a setting that names none is a problem."""
    data = fresh_folder(tmp_path / "data")
    (data / "organisation.yaml").write_text("name: Example AI\nfacts:\n  time_zone: Europe/Dubln\n")
    (data / "targets.yaml").write_text("targets:\n  chat: {doors: []}\n")
    (data / "mappings").mkdir(mode=0o700)
    (data / "mappings" / "ours.yaml").write_text("source: ours\nfields: {nobody: knows}\n")
    said = firedoor("check", "--format", "json")
    found = {Path(one["place"]["file"]).name: one["message"] for one in said.json["problems"]}
    assert said.code == 1
    assert {"organisation.yaml", "targets.yaml", "ours.yaml"} <= set(found)
    assert found["organisation.yaml"] == 'no time zone is called "Europe/Dubln"'


def test_a_file_that_a_setting_names_and_nobody_wrote_is_a_problem(
    firedoor: Firedoor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever mistyped the path would otherwise run without an inventory."""
    monkeypatch.setenv("FIREDOOR_TARGETS", str(tmp_path / "tragets.yaml"))
    said = firedoor("check")
    assert (said.code, "tragets.yaml" in said.out) == (1, True)


def test_a_broken_playbook_is_told_with_file_line_column_code_and_what_to_do(
    firedoor: Firedoor, tmp_path: Path
) -> None:
    """The unknown key on line 4 is named there, with the word that was meant; the exit code is 1."""
    file = tmp_path / "broken.yaml"
    file.write_text(BROKEN)
    said = firedoor("check", file)
    assert said.code == 1
    assert f"{file}:4:1" in said.out
    assert "[P101]" in said.out
    assert 'did you mean "incident"' in said.out


def test_check_writes_json(firedoor: Firedoor, tmp_path: Path) -> None:
    """Programs get each problem with its place as numbers."""
    file = tmp_path / "broken.yaml"
    file.write_text(BROKEN)
    said = firedoor("check", file, "--format", "json")
    places = [(problem["place"]["line"], problem["code"]) for problem in said.json["problems"]]
    assert (4, "P101") in places


def test_check_writes_sarif(firedoor: Firedoor, tmp_path: Path) -> None:
    """Code hosts read rule, level and region of each result; every rule is listed once."""
    file = tmp_path / "broken.yaml"
    file.write_text(BROKEN)
    run = firedoor("check", file, "--format", "sarif").json["runs"][0]
    region = run["results"][0]["locations"][0]["physicalLocation"]["region"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert region["startLine"] >= 1
    assert {result["ruleId"] for result in run["results"]} == set(rules)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("missing.yaml", None, "cannot be read"),
        ("notes.txt", "hello", "no YAML file"),
        (".", None, "holds no YAML file"),
        ("empty.yaml", "", "empty"),
        ("tab.yaml", "a:\n\t- b\n", "cannot be read as YAML"),
        ("binary.yaml", b"\xff\xfe\x00", ""),
        ("list.yaml", "- 1\n", "a playbook is a mapping"),
        ("targets.yaml", "targets:\n  a: {doors: []}\n", "targets"),
        ("targets.yaml", "targets:\n  a: {doors: [{name: d, connector: htp}]}\n", 'no connector is called "htp"'),
        ("organisation.yaml", "name: X\nfacts: {nonsense: yes}\n", 'no fact is called "nonsense"'),
        ("mapping.yaml", "source: a-source\nfields: {nonsense: /a}\n", "nonsense"),
        ("organisation.yaml", "name: X\ndpo: Y\n", 'unknown key "dpo"'),
        ("organisation.yaml", "trusted_banks: StopNCII\n", "is no list of names"),
        ("organisation.yaml", "trusted_banks: {StopNCII: {review: good}}\n", 'review cannot be "good"'),
        ("organisation.yaml", "trusted_banks: {StopNCII: {reviewed: manual}}\n", 'did you mean "review"'),
    ],
)
def test_whatever_is_wrong_is_told_in_words(
    firedoor: Firedoor, tmp_path: Path, name: str, text: str | bytes | None, says: str
) -> None:
    """Each kind of file is known by its own keys; every fault is a sentence at a place, and exit code 1."""
    file = (tmp_path / name) if name != "." else tmp_path
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    said = firedoor("check", file)
    assert said.code == 1
    assert f"{file}:" in said.out
    assert says in said.out


def test_a_door_that_is_wrong_is_told_at_its_line(firedoor: Firedoor, tmp_path: Path) -> None:
    """The second door of a target whose id holds a dot is found where it stands in the file."""
    file = tmp_path / "targets.yaml"
    file.write_text(
        "targets:\n  chat.v2:\n    doors:\n      - {name: a, connector: htp}\n      - {name: b, connector: nope}\n"
    )
    said = firedoor("check", file)
    assert f"{file}:5:" in said.out


def test_show_tells_who_is_asked_in_which_phase(firedoor: Firedoor) -> None:
    """The text has the four phases, and says of the reflex that it happens at once."""
    said = firedoor("show", "model-data-leakage")
    assert [phase in said.out for phase in ("IDENTIFICATION", "CONTAINMENT", "REMEDIATION", "POST-INCIDENT")] == [
        True
    ] * 4
    assert "at once" in said.out


def test_show_draws_a_flow_chart(firedoor: Firedoor) -> None:
    """Every edge of the Mermaid text joins two nodes that are in it."""
    text = firedoor("show", "model-data-leakage", "--format", "mermaid").out
    edges = [line.split() for line in text.splitlines() if "-->" in line]
    assert text.startswith("flowchart TD")
    assert edges
    assert all(f"    {edge[0]}" in text and f"    {edge[-1]}" in text for edge in edges)


def test_show_writes_the_plan_with_its_digest(firedoor: Firedoor) -> None:
    """The JSON is the plan that an incident would be pinned to."""
    plan = firedoor("show", "model-data-leakage", "--format", "json").json
    assert len(plan["digest"]) == 64
    assert plan["playbook"] == "model-data-leakage"


def test_an_unknown_playbook_names_the_nearest(firedoor: Firedoor) -> None:
    """Exit code 1, and the word that was meant."""
    said = firedoor("show", "model-data-leak")
    assert said.code == 1
    assert 'did you mean "model-data-leakage"' in said.err


def test_playbooks_are_listed(firedoor: Firedoor) -> None:
    """Each of the three incidents has its playbook."""
    found = firedoor("playbooks", "--format", "json").json
    assert len({book["incident"] for book in found}) == 3


def test_one_drill_is_rehearsed(firedoor: Firedoor) -> None:
    """A drill is chosen by name, goes as expected, and tells its story."""
    said = firedoor("drill", "model-data-leakage", "--name", "an invented person is no leak", "--story")
    assert said.code == 0
    assert "1 drills passed" in said.out


def test_an_unknown_drill_names_the_known_ones(firedoor: Firedoor) -> None:
    """Nothing is rehearsed silently."""
    said = firedoor("drill", "model-data-leakage", "--name", "nothing like it")
    assert (said.code, "an invented person is no leak" in said.err) == (1, True)
