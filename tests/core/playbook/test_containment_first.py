"""Nothing slow in front of a closing: such an order is refused at the slow step, however the closing waits for it."""

from __future__ import annotations

import pytest
from tests.core.pages import compiled, operations, refused, steps

from firedoor.core.playbook.containment_first import is_large

CLOSE = '- suspend: "{{ facts.endpoint }}"\n'
KEEP = "- preserve: [request_log]\n  of: x\n"
EXAMINE = "- examine: consent\n  of: store\n"
HEAD = "playbook: scope\nversion: 1.0.0\ntitle: Scope\nsteps:\n"
BESIDE = "- parallel:\n    - task: x\n    - examine: consent\n      of: store\n"
PART = {"scope": HEAD + '  - task: "Look"\n  - examine: consent\n    of: store\n'}
MADE_BY = ("  others: {type: list}\n", '  others: {type: list}\n  made_by: {type: target, ask: "Which?"}\n')
MARK = ("  others: {type: list}\n", "  others: {type: list}\n  attribution: {type: choice, choices: [watermark]}\n")
AFTER_THE_MARK = (
    KEEP + CLOSE + "- examine: provenance\n  of: store\n- ask: [made_by]\n" + '- suspend: "{{ facts.made_by }}"\n'
)


def slow(text: str, *changes: tuple[str, str], parts: dict[str, str] | None = None) -> list[tuple[str, str]]:
    """Where slow work is refused, and in which words."""
    page = steps(text)
    for old, new in changes:
        assert page.count(old) == 1, old
        page = page.replace(old, new)
    problems = [problem for problem in refused(page, parts) if problem.code == "P311"]
    return [(str(problem.place), problem.message) for problem in problems]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (KEEP + EXAMINE + CLOSE, "20:7", "examine: an examination stands before containment.suspend"),
        (KEEP + "- preserve: [weights]\n  of: x\n" + CLOSE, "20:7", "keeping weights, which is large, stands before"),
        (KEEP + "- review: How\n" + CLOSE, "20:7", "a review stands before"),
        # through what stands between
        (KEEP + EXAMINE + '- task: "Think"\n' + CLOSE, "20:7", "an examination stands before"),
        (KEEP + EXAMINE + CLOSE + "  when: facts.minor", "20:7", "an examination stands before"),
        (KEEP + EXAMINE + CLOSE + "  automatic: when facts.minor", "20:7", "an examination stands before"),
        # one member of a group, another target than the one that was closed, something kept first of the step itself
        (KEEP + BESIDE + CLOSE, "22:11", "an examination stands before"),
        (KEEP + CLOSE + EXAMINE + '- suspend: "{{ item }}"\n  foreach: facts.others', "21:7", "an examination stands"),
        (KEEP + CLOSE + "  preserve_first: [index_snapshot]", "20:7", "keeping index_snapshot, which is large,"),
    ],
)  # fmt: skip
def test_slow_work_in_front_of_a_closing_is_refused_at_its_line(text: str, place: str, words: str) -> None:
    """Directly, through a question or a condition between, in a group, and as what is kept first."""
    assert [found for found, _ in slow(text)] == [f"small.yaml:{place}"]
    assert words in slow(text)[0][1]


def test_slow_work_of_an_earlier_phase_and_of_a_part_is_found() -> None:
    """An identification that examines holds up containment; the place is in the file of the part."""
    confirm = (
        "      sets: {aware_at: now}\n",
        f"      sets: {{aware_at: now}}\n    {EXAMINE.replace(chr(10), chr(10) + '    ').rstrip()}\n",
    )
    assert [place for place, _ in slow(KEEP + CLOSE, confirm)] == ["small.yaml:17:7"]
    assert [place for place, _ in slow(KEEP + "- use: scope\n" + CLOSE, parts=PART)] == ["parts/scope.yaml:6:5"]


def test_a_fact_that_only_an_examination_sets_opens_no_closing() -> None:
    """Beside it the condition would be settled before the fact is known, so that nobody is ever asked."""
    beside = KEEP + "- examine: provenance\n  of: store\n  background: true\n" + CLOSE
    ((place, message),) = slow(beside + '  when: facts.attribution == "watermark"', MARK)
    assert place == "small.yaml:21:7"
    assert message == (
        "containment.examine: nothing else says facts.attribution, and containment.suspend does not close without it"
    )
    asked = "- ask: [attribution]\n" + beside + '  when: facts.attribution == "watermark"'
    assert operations(compiled(steps(asked).replace(*MARK)))


@pytest.mark.parametrize(
    "text",
    [
        KEEP + CLOSE + EXAMINE,
        KEEP + EXAMINE + "  background: true\n" + CLOSE,
        KEEP + f"- parallel:\n    {CLOSE}    - {EXAMINE.strip()[2:]}".replace("\n  of", "\n      of"),
        KEEP + '- task: "Think"\n- wait: 5m\n' + CLOSE,
        KEEP + "- notify_authorities: due\n- notify_people: due\n" + CLOSE,
        KEEP + CLOSE + "  preserve_first: [request_log, deployment_state, guardrail_config, job_spec, admin_log]",
        # asked about once, the same door may be asked about again
        KEEP + CLOSE + EXAMINE + CLOSE + "  id: again",
    ],
)
def test_what_follows_stands_beside_or_is_a_decision_of_people_is_allowed(text: str) -> None:
    """The doors have been asked about by then, or nothing waits."""
    assert operations(compiled(steps(text)))


def test_a_target_that_only_the_examination_can_tell_is_closed_after_it() -> None:
    """Where another closing has waited for none of it, and nobody can name the target before."""
    assert operations(compiled(steps(AFTER_THE_MARK).replace(*MADE_BY)))
    alone = AFTER_THE_MARK.replace(CLOSE, "")
    assert [place for place, _ in slow(alone, MADE_BY)] == ["small.yaml:21:7"]
    before = AFTER_THE_MARK.replace(CLOSE, CLOSE + "- ask: [made_by]\n  id: early\n")
    assert [place for place, _ in slow(before, MADE_BY)] == ["small.yaml:24:7"]
    told = (
        'facts: {endpoint: "{{ alert.model }}"}',
        'facts: {endpoint: "{{ alert.model }}", made_by: "{{ alert.endpoint }}"}',
    )
    assert [place for place, _ in slow(AFTER_THE_MARK, MADE_BY, told)] == ["small.yaml:22:7"]


@pytest.mark.parametrize(
    ("name", "large"),
    [
        ("weights", True),
        ("index-snapshot", True),
        ("training_manifest", True),
        ("request_log", False),
        ("model_card", False),
    ],
)
def test_what_is_large_goes_by_the_words_of_its_name(name: str, large: bool) -> None:
    """Weights, snapshots and manifests; not a log, a card or a state."""
    assert is_large(name) is large
