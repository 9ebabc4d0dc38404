"""Where one thing's fault is kept from the others: every place in the source, and who injects a fault there.

Decides what counts as such a place: a handler of every exception, a `suppress` of every exception, and `isolated.each`.
Reads source with `ast`. Leaves which test goes with a place to `test_isolation.py`, and whether a test really gets
there to `python -m tests.isolation`, which runs the named tests and counts.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "firedoor"
BROAD = frozenset(("Exception", "BaseException"))


def places(source: Path = SOURCE) -> set[str]:
    """Every place, as `runtime/loops/outbox.py Outbox._alone`."""
    files = (path for path in sorted(source.rglob("*.py")) if path.relative_to(source).parts[0] != "flows")
    return {f"{path.relative_to(source)} {name}" for path in files for name, _ in of_tree(ast.parse(path.read_text()))}


def of_tree(tree: ast.AST, names: tuple[str, ...] = ()) -> Iterator[tuple[str, ast.AST]]:
    """The functions of one module in which everything is caught, by their names from the top, with the node."""
    for child in ast.iter_child_nodes(tree):
        inside = names
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inside = (*names, child.name)
        if catches(child):
            yield ".".join(names), child
        yield from of_tree(child, inside)


def catches(node: ast.AST) -> bool:
    """Whether whatever is raised ends here."""
    if isinstance(node, ast.ExceptHandler):
        return bool(_named(node.type) & BROAD)
    if not isinstance(node, ast.Call):
        return False
    called = ast.unparse(node.func).rpartition(".")[2]
    return called == "each" or (called == "suppress" and any(_named(one) & BROAD for one in node.args))


def _named(node: ast.expr | None) -> frozenset[str]:
    """The classes of a handler; without one it catches all."""
    if node is None:
        return BROAD
    found = node.elts if isinstance(node, ast.Tuple) else [node]
    return frozenset(ast.unparse(one) for one in found)


def named() -> dict[str, str]:
    """The place, and the test that goes with it, as pytest names tests."""
    return {place: f"tests/{file}::{test}" for file, tests in INJECTED.items() for place, test in tests.items()}


INJECTED: Mapping[str, Mapping[str, str]] = {
    "core/execution/test_one_fault.py": {
        "core/clocks/clock.py clocks_due_to_start":
            "test_a_limit_that_cannot_be_counted_starts_no_clock_and_stops_no_other",
        "core/clocks/clock.py reassess": "test_a_clock_that_cannot_be_assessed_again_leaves_the_others",
        "core/clocks/engine.py Law._about": "test_a_clock_that_cannot_be_read_leaves_the_others",
        "core/execution/questions.py render": "test_a_text_that_is_none_has_a_gap_that_says_so",
        "core/execution/turn.py _Turn._apart": "test_a_law_that_raises_as_a_whole_keeps_no_door_open",
    },
    "runtime/execution/test_one_incidents_fault.py": {
        "core/execution/questions.py decided": "test_a_condition_that_raises_is_unknown_and_says_why",
        "core/execution/turn.py _Turn._again": "test_an_operation_is_taken_up_by_itself_once_mended",
        "core/execution/turn.py _Turn._alone": "test_an_operation_that_raises_leaves_the_containment_alone",
        "core/incident/view.py take": "test_an_entry_that_cannot_be_read_hides_no_other",
        "core/isolated.py each": "test_a_duty_that_raises_is_asked_about_and_the_others_run",
        "core/language/template.py _fill": "test_a_text_that_raises_has_a_gap_that_says_so",
        "core/law/assessment.py assess_reached": "test_a_duty_that_raises_is_asked_about_and_the_others_run",
        "runtime/execution/conductor.py Conductor._show_entries": "test_an_entry_that_cannot_be_shown_stops_no_drive",
        "runtime/execution/setting_aside.py roles_of": "test_a_drive_that_fails_again_asks_once_and_ends_by_itself",
        "runtime/execution/setting_aside.py set_aside":
            "test_a_question_that_cannot_be_written_is_asked_at_the_next_failure",
        "runtime/execution/setting_aside.py taken_up":
            "test_a_question_that_cannot_be_written_is_asked_at_the_next_failure",
        "runtime/loops/deadlines.py Watch._fire": "test_a_point_that_cannot_be_worked_out_fires_in_plain_words",
        "runtime/loops/deadlines.py Watch._try": "test_however_many_points_cannot_fire_the_others_do",
        "runtime/loops/metrics.py Counting._one": "test_one_plan_that_was_altered_breaks_no_page_for_others",
        "runtime/loops/reverification.py Holding._one": "test_a_closed_target_that_cannot_be_looked_at_is_told",
        "runtime/service/opening.py _first_turn": "test_an_incident_is_opened_although_its_first_turn_raises",
    },
    "runtime/execution/test_conductor.py": {
        "runtime/execution/conductor.py Conductor._effect":
            "test_whoever_shows_it_may_fail_and_the_effect_runs_once",
        "runtime/execution/conductor.py Conductor._show":
            "test_what_others_finished_is_shown_once_in_the_order_of_the_journal",
    },
    "runtime/execution/test_perform.py": {
        "runtime/execution/perform.py perform": "test_only_silence_is_tried_again",
    },
    "runtime/loops/test_one_fault_in_a_loop.py": {
        "runtime/config/alert_sources.py Sources.refresh":
            "test_a_mapping_that_raises_keeps_no_other_source_from_being_known",
        "runtime/loops/audit.py part": "test_a_part_of_the_audit_that_raises_blinds_no_other",
        "runtime/loops/outbox.py Outbox._alone": "test_what_cannot_be_told_keeps_nothing_else_from_leaving",
        "runtime/process/application.py _store_health": "test_a_store_that_does_not_answer_is_a_word_of_health",
        "runtime/repeating.py attempt": "test_a_look_that_raises_is_noted_until_one_goes_well",
        "runtime/service/playbook_cache.py Shelf.refresh":
            "test_a_page_that_raises_keeps_no_other_from_being_read",
    },
    "runtime/loops/test_audit.py": {
        "runtime/loops/audit.py Audit.look": "test_a_database_that_is_gone_is_a_problem_and_no_end",
    },
    "runtime/loops/test_mail.py": {
        "connectors/messengers/email.py Email._open": "test_a_password_that_is_refused_rests_until_there_is_another",
    },
    "runtime/loops/test_outbox.py": {
        "runtime/loops/outbox.py Outbox._send": "test_down_for_a_while_loses_and_doubles_nothing_and_is_shown",
    },
    "runtime/prefect/test_backlog.py": {
        "runtime/prefect/backlog.py StoreBacklog._described": "test_one_journal_that_cannot_be_read_hides_no_other",
    },
    "runtime/prefect/test_one_fault_in_a_view.py": {
        "runtime/prefect/catch_up.py CatchUp._note": "test_a_note_that_raises_keeps_no_other_from_being_noted",
        "runtime/prefect/catch_up.py CatchUp.forever": "test_a_round_that_raises_ends_no_catch_up",
        "runtime/prefect/flow.py _show_views": "test_pages_that_cannot_be_made_stop_no_run",
        "runtime/prefect/session.py Session._serve": "test_a_worker_that_cannot_begin_begins_again",
        "runtime/prefect/session.py Session.end": "test_what_cannot_be_flushed_keeps_nothing_from_stopping",
        "runtime/prefect/show.py Showing._created": "test_what_prefect_refuses_of_one_incident_hides_no_other",
        "runtime/prefect/show.py Showing._missing":
            "test_an_operation_that_cannot_be_put_into_words_hides_no_other",
        "runtime/prefect/show.py Showing._set_state": "test_what_prefect_refuses_of_one_incident_hides_no_other",
        "runtime/prefect/show.py Showing._write_artifacts":
            "test_what_prefect_refuses_of_one_incident_hides_no_other",
    },
    "runtime/prefect/test_prefect_runs.py": {
        "runtime/prefect/task_run_performer.py Stage._task_run.operate":
            "test_an_effect_that_raises_is_a_failed_task_run_and_the_conductor_gets_what_was_raised",
    },
    "runtime/process/test_application.py": {
        "runtime/process/application.py open_store": "test_a_database_that_cannot_be_opened_is_left_closed",
    },
    "store/test_storage_faults.py": {
        "runtime/execution/driver.py Driver._release":
            "test_an_effect_whose_end_could_not_be_stored_is_not_repeated",
        "runtime/process/application.py Runtime.stop": "test_a_lock_of_a_moment_is_waited_for",
        "runtime/process/warmup.py warm": "test_a_lock_that_lasts_is_refused_before_anything_is_done",
        "store/database/engine.py Writer._alone":
            "test_an_alert_that_cannot_be_stored_is_refused_before_anything_is_done",
    },
    "store/test_store.py": {
        "store/database/engine.py Writer._commit": "test_a_write_that_breaks_the_transaction_harms_no_other",
    },
    "runtime/examinations/test_provenance.py": {
        "runtime/examinations/provenance/worker.py _credentials": "test_a_decoder_that_fails_is_one_word",
        "runtime/examinations/provenance/worker.py _pixels": "test_a_decoder_that_fails_is_one_word",
    },
    "runtime/hashing/test_pool.py": {
        "runtime/hashing/pool.py Pool._one": "test_content_that_cannot_be_read_is_told_and_the_others_are_hashed",
        "runtime/hashing/worker.py _perceptual": "test_what_is_no_sound_picture_has_a_digest_and_a_reason",
    },
    "runtime/service/test_service.py": {
        "store/database/engine.py Writer._one": "test_two_answers_at_once_are_decided_one_after_the_other",
    },
    "slack/test_slack_deciding.py": {
        "interfaces/slack/socket_mode.py SocketMode._connect.heard":
            "test_what_was_not_taken_in_is_not_acknowledged",
    },
    "slack/test_slack_faults.py": {
        "interfaces/slack/desk.py Desk._command": "test_a_command_that_raises_is_answered_and_so_is_the_next",
        "interfaces/slack/desk.py Desk._pressed":
            "test_a_button_and_a_form_that_raise_change_nothing_and_can_be_used_again",
        "interfaces/slack/desk.py Desk._submitted":
            "test_a_button_and_a_form_that_raise_change_nothing_and_can_be_used_again",
    },
    "web/test_one_bad_row.py": {
        "interfaces/web/api/register.py _rows": "test_the_others_go_on",
        "interfaces/web/reading/redaction.py _incident": "test_the_others_go_on",
        "interfaces/web/reading/redaction.py _seals_of": "test_the_others_go_on",
        "interfaces/web/reading/search.py _sealing_plans": "test_the_others_go_on",
        "interfaces/web/reading/search.py _still_there": "test_the_others_go_on",
        "interfaces/web/system/metrics.py metrics_text": "test_a_count_that_cannot_be_made_hides_no_other",
        "runtime/loops/audit.py unanswered": "test_the_others_go_on",
        "runtime/service/facade.py Service._known_incidents":
            "test_an_incident_that_cannot_be_compared_keeps_no_alert_out",
        "runtime/service/start_checks.py of_change": "test_checks_that_raise_keep_no_incident_from_opening",
        "runtime/service/start_checks.py of_opening": "test_checks_that_raise_keep_no_incident_from_opening",
    },
    "web/public/test_takedown.py": {
        "runtime/service/takedown_requests.py TakedownRequests.look":
            "test_one_that_cannot_be_taken_up_holds_up_nobody",
    },
    "web/api/test_api_access.py": {
        "interfaces/web/http/middleware.py Guard.__call__": "test_a_fault_of_ours_shows_no_traceback",
    },
    "web/api/test_api_operator.py": {
        "runtime/service/answer_links.py Linking.use_link": "test_a_refused_answer_does_not_use_the_link_up",
    },
    "cli/test_doctor_faults.py": {
        "interfaces/cli/system/doctor.py _safely": "test_a_look_that_raises_hides_no_other",
    },
    "runtime/process/test_backup.py": {
        "interfaces/cli/main.py main": "test_the_command_says_what_is_in_the_archive",
    },
    "contract/systems/test_aws_connector.py": {
        "connectors/parts/aws/caller.py ask": "test_what_proves_nothing_is_no_refusal",
        "connectors/parts/aws/cloud.py Cloud._call": "test_a_principal_that_is_not_there_is_no_open_door",
    },
    "contract/test_commands.py": {
        "connectors/parts/commands.py run": "test_a_cancelled_run_leaves_nothing_behind",
    },
}  # fmt: skip


ELSEWHERE = frozenset(("runtime/hashing/worker.py _perceptual",))  # in a process of its own, which tells nothing


def main() -> int:
    """Run the named tests with every place marked, and say which places nobody got to."""
    known = named()
    with tempfile.TemporaryDirectory() as folder:
        reached = Path(folder) / "reached"
        command = [sys.executable, "-m", "pytest", "-p", "tests.reached", "-q", *dict.fromkeys(known.values())]
        ended = subprocess.run(command, env={**os.environ, "REACHED": str(reached)}, cwd=ROOT, check=False)
        lines = set(reached.read_text().splitlines()) if reached.exists() else set()
    looked = {place: test for place, test in known.items() if place not in ELSEWHERE}
    missed = [f"{place}: {test}" for place, test in looked.items() if f"{place}\t{test}" not in lines]
    sys.stdout.write("\n".join([*missed, f"{len(looked) - len(missed)} of {len(looked)} places were reached", ""]))
    return ended.returncode or bool(missed)


if __name__ == "__main__":
    sys.exit(main())
