"""From a page to a plan: the wiring of steps, and what the compiler adds that no page may forget."""

from __future__ import annotations

from textwrap import dedent

import pytest
from tests.core.pages import after, compiled, operations, page, refused, steps

from firedoor.core.lifecycle import Event
from firedoor.core.playbook.plan import Ask, Choose, Mark

PART = dedent("""
    playbook: extra
    version: 1.0.0
    title: Extra
    facts:
      noticed: {type: flag}
    steps:
      - task: "First"
        id: first
        asks: [noticed]
      - task: "Second"
        id: second
""")


def test_steps_wait_for_the_one_before() -> None:
    """In order: a step waits until the one before is settled, and everything after `confirm` for its yes."""
    plan = compiled(steps('- task: "One"\n  id: one\n- task: "Two"\n  id: two\n- preserve: alert'))
    assert after(plan, "containment.one") == {
        ("identification.confirm.confirmed", "settled"),
        ("identification.confirm", "yes"),
    }
    assert ("containment.one", "settled") in after(plan, "containment.two")


def test_parallel_steps_wait_for_the_same_and_are_waited_for_together() -> None:
    """Side by side: neither waits for the other; what follows waits for both."""
    plan = compiled(
        steps("""
        - parallel:
            - preserve: alert
              id: a
            - task: "B"
              id: b
        - task: "C"
          id: c
    """)
    )
    assert ("containment.a.alert", "settled") not in after(plan, "containment.b")
    assert {("containment.a.alert", "settled"), ("containment.b", "settled")} <= after(plan, "containment.c")


def test_a_condition_is_settled_once_and_guards_its_steps() -> None:
    """`when` becomes a choice that asks a person when it is unknown; the next step waits in either case."""
    plan = compiled(
        steps("""
        - preserve: alert
        - task: "Only for children"
          id: child
          when: facts.minor
        - task: "Always"
          id: always
    """)
    )
    choose = operations(plan)["containment.child.when"]
    assert isinstance(choose, Choose)
    assert (choose.condition, choose.if_unknown, choose.role) == ("facts.minor", "ask", "commander")
    assert ("containment.child.when", "yes") in after(plan, "containment.child")
    assert ("containment.child", "settled") in after(plan, "containment.always")
    assert ("containment.child.when", "yes") not in after(plan, "containment.always")


def test_foreach_repeats_every_operation_of_its_step() -> None:
    """The list is settled once; the operations of the step are repeated over it, the next step waits for all."""
    plan = compiled(
        steps("""
        - suspend: "{{ item }}"
          id: others
          foreach: facts.others
        - preserve: alert
    """)
    )
    repeated = {op.id: op.each for op in plan if op.step == "containment.others"}
    assert repeated.pop("containment.others.each") is None
    assert set(repeated.values()) == {"containment.others.each"}
    assert ("containment.others.suspend", "settled") in after(plan, "containment.preserve.alert")


def test_the_background_is_waited_for_only_by_the_end() -> None:
    """The next step goes on; closing and dismissing wait."""
    plan = compiled(steps('- task: "Slow"\n  id: slow\n  background: true\n- preserve: alert'))
    assert ("containment.slow", "settled") not in after(plan, "containment.preserve.alert")
    assert ("containment.slow", "settled") in after(plan, "close") & after(plan, "dismiss")


def test_on_failure_catches_what_failed_for_good() -> None:
    """The steps under `on_failure` are taken when any operation of the step failed, and only then."""
    plan = compiled(
        steps("""
        - preserve: alert
        - suspend: "{{ facts.endpoint }}"
          id: close
          on_failure:
            - tell: dpo
              id: alarm
              text: "It does not close"
    """)
    )
    choose = operations(plan)["containment.close.failed"]
    assert isinstance(choose, Choose)
    assert "containment.close.suspend" in choose.failed_of
    assert ("containment.close.failed", "yes") in after(plan, "containment.alarm")
    assert operations(plan)["containment.close.suspend"].handled


def test_the_reflex_waits_for_nobody() -> None:
    """An automatic suspension stands twice: once without anything before it but its own condition, once asking."""
    plan = compiled(
        page(
            (
                '    - suspend: "{{ facts.endpoint }}"',
                '    - suspend: "{{ facts.endpoint }}"\n      automatic: when facts.people_affected >= 5',
            )
        )
    )
    assert after(plan, "containment.suspend.automatic") == set()
    assert after(plan, "containment.suspend.reflex.capture") == {("containment.suspend.automatic", "yes")}
    assert ("containment.suspend.automatic", "no") in after(plan, "containment.suspend.approve")
    assert ("identification.confirm", "yes") in after(plan, "containment.suspend.approve")
    assert operations(plan)["containment.suspend.automatic"].if_unknown == "no"


def test_parts_are_taken_in_with_their_facts() -> None:
    """`use` puts the part's steps in place, in order, and its facts beside those of the page."""
    plan = compiled(steps("- use: extra\n- preserve: alert"), {"extra": PART})
    assert ("containment.first", "settled") in after(plan, "containment.second")
    assert ("containment.second", "settled") in after(plan, "containment.preserve.alert")
    assert "noticed" in plan.definitions()


def test_a_part_in_the_background_keeps_its_own_order() -> None:
    """Within the part one step waits for the other; the page goes on."""
    plan = compiled(steps("- use: extra\n  background: true\n- preserve: alert"), {"extra": PART})
    assert ("containment.first", "settled") in after(plan, "containment.second")
    assert not {name for name, _ in after(plan, "containment.preserve.alert")} & {
        "containment.first",
        "containment.second",
    }
    assert ("containment.second", "settled") in after(plan, "close")


def test_what_no_page_may_forget_is_added() -> None:
    """Marks at the ends of phases, a task for every clock, closing, and the way out of a false alarm."""
    plan = compiled(page())
    marks = {op.id: op.event for op in plan if isinstance(op, Mark)}
    assert marks == {
        "identification.confirm.confirmed": Event.CONFIRM,
        "containment.end": Event.CONTAIN,
        "remediation.end": Event.REMEDIATE,
        "close": Event.CLOSE,
        "dismiss": Event.DISMISS,
    }
    clocks = {op.each for op in plan if isinstance(op, Ask) and op.clock}
    assert clocks == {"clocks:authorities", "clocks:people"}
    assert ("identification.confirm", "no") in after(plan, "dismiss")
    assert {(f"{op.id}", "settled") for op in plan if isinstance(op, Ask) and op.clock} <= after(plan, "close") & after(
        plan, "dismiss"
    )


def test_the_same_page_gives_the_same_digest() -> None:
    """Comments and spaces change nothing; a word of a question changes the digest."""
    digest = compiled(page()).digest
    assert compiled("# a comment\n" + page()).digest == digest
    assert compiled(page(("Is it real?", "Is it true?"))).digest != digest


@pytest.mark.parametrize(
    ("text", "parts", "place", "code"),
    [
        (steps("- use: missing"), {}, "small.yaml:18:7", "P124"),
        (
            steps("- use: self"),
            {"self": "playbook: self\nversion: 1.0.0\ntitle: t\nsteps:\n  - use: self\n"},
            "parts/self.yaml:5:5",
            "P123",
        ),
        (
            steps("- use: wrong"),
            {"wrong": "playbook: wrong\nversion: 1.0.0\ntitle: t\nsteps:\n  - wiat: 1h\n"},
            "parts/wrong.yaml:5:5",
            "P107",
        ),
        (steps("- use: whole"), {"whole": page()}, "small.yaml:18:7", "P124"),
        (steps('- task: "A"\n  id: x\n- task: "B"\n  id: x'), {}, "small.yaml:20:7", "P125"),
        (steps('- confirm: "Again?"'), {}, "small.yaml:18:7", "P121"),
        (
            steps(
                '- preserve: alert\n- suspend: "{{ item }}"\n  foreach: facts.others\n'
                '  on_failure:\n    - task: "x"\n      foreach: facts.others'
            ),
            {},
            "small.yaml:22:11",
            "P122",
        ),
        (
            page(('    - confirm: "Is it real?"\n      sets: {aware_at: now}\n', "    - preserve: alert\n")),
            {},
            "small.yaml:26:5",
            "P120",
        ),
        (
            page(('    - confirm: "Is it real?"', '    - confirm: "Is it real?"\n      when: facts.minor')),
            {},
            "small.yaml:15:7",
            "P121",
        ),
        (steps("- preserve: [request_log]"), {}, "small.yaml:18:7", "P130"),
        (steps('- task: "A"\n  when: facts.minor ==='), {}, "small.yaml:19:7", "E201"),
        (steps('- task: "A"\n  when: facts.minor()'), {}, "small.yaml:19:7", "E201"),
    ],
)
def test_what_cannot_be_wired_says_where(text: str, parts: dict[str, str], place: str, code: str) -> None:
    """Circles, missing parts, doubled ids, second gates and broken conditions, each in the file where it stands."""
    found = {(problem.code, str(problem.place)) for problem in refused(text, parts)}
    assert (code, place) in found, found


def test_what_waits_for_nobody_lets_nobody_overtake() -> None:
    """After an automatic suspension the next step still waits for the steps before it, through its question."""
    plan = compiled(
        steps('- preserve: alert\n- suspend: "{{ facts.endpoint }}"\n  automatic: always\n- task: "Next"\n  id: next')
    )
    ways = {("containment.suspend.suspend", "settled"), ("containment.suspend.reflex.suspend", "settled")}
    assert ways <= after(plan, "containment.next")
    assert ("containment.preserve.alert", "settled") in after(plan, "containment.suspend.approve")
