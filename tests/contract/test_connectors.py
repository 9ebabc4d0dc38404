"""The rules that every connector keeps, tried on a real system for each of them.

The connectors are found by folder and by entry point, and so are their rigs; a connector without a
rig fails here. The order follows an incident: look, plan, capture, close, prove, doubt, open again.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.contract.connector_suite import FAULTS, Rig, cases, kinds_with_rig, marks, rig_class, rig_file
from tests.contract.killed_between import begin

from firedoor.connectors.parts.context import ConnectorContext, open_client
from firedoor.connectors.parts.opened import OpenConnectors
from firedoor.connectors.registry import available, load
from firedoor.core.canonical import digest
from firedoor.core.ports import Connector, KnowsReversibility, Receipt, Snapshot, Value
from firedoor.core.problems import FiredoorError, InDoubt, InvalidInput, NotFound, Refused, Unanswered
from firedoor.core.targets import Artefact
from firedoor.core.ternary import NO, UNKNOWN, YES
from firedoor.runtime.config.secrets import ReferencedSecrets

KEY, OTHER_KEY = "inc-1.suspend.target.1", "inc-1.resume.target.1"


class Bench:
    """One connector on its rig, with what it does written the short way."""

    def __init__(self, rig: Rig, client: Any) -> None:
        self.rig = rig
        self._client = client
        self.connector = self.fresh()
        self.said: list[str] = []

    def fresh(self) -> Connector:
        """Return a connector without memory, as after a restart."""
        secrets = ReferencedSecrets(self.rig.environment)
        context = ConnectorContext(self._client, secrets, lambda: datetime.now(UTC), self.rig.inventory)
        return OpenConnectors(context)[self.rig.kind]

    async def capture(self) -> Snapshot:
        return self._heard(await self.connector.capture_state(self.rig.target, self.rig.door))

    async def suspend(self, snapshot: Snapshot, key: str = KEY) -> Receipt:
        return self._heard(await self.connector.suspend(self.rig.target, self.rig.door, snapshot, key))

    async def resume(self, snapshot: Snapshot, closed_by: Receipt | None) -> Receipt:
        done = self.connector.resume(self.rig.target, self.rig.door, snapshot, OTHER_KEY, closed_by)
        return self._heard(await done)

    async def verify(self, expect: Any = "refused") -> Any:
        self.connector = self.fresh()  # the rig may have changed the inventory
        return self._heard(await self.connector.verify(self.rig.target, self.rig.door, expect))

    async def observe(self, key: str = KEY) -> Any:
        return self._heard(await self.fresh().observe(self.rig.target, self.rig.door, key))

    async def plan(self) -> Any:
        return self._heard(await self.connector.plan(self.rig.target, self.rig.door))

    async def closed(self) -> tuple[Snapshot, Receipt]:
        """Capture and suspend; return what both gave."""
        snapshot = await self.capture()
        return snapshot, await self.suspend(snapshot)

    def _heard(self, value: Any) -> Any:
        self.said.append(value.model_dump_json() if isinstance(value, Value) else str(value))
        return value


def begun(rig: Rig) -> Rig:
    """Start a rig; where that fails or skips the test, leave nothing behind, and let the next test try again."""
    try:
        rig.start()
    except BaseException:
        with suppress(AttributeError):  # what was not started cannot be stopped
            rig.stop()
        raise
    return rig


@pytest.fixture(scope="module", name="started")
def _started() -> Iterator[Callable[[str], Rig]]:
    rigs: dict[str, Rig] = {}

    def start(kind: str) -> Rig:
        if kind not in rigs:
            rigs[kind] = begun(rig_class(kind)())
        rigs[kind].reset()
        return rigs[kind]

    yield start
    for rig in rigs.values():
        rig.stop()


@pytest.fixture(name="bench")
async def _bench(request: pytest.FixtureRequest, started: Callable[[str], Rig]) -> AsyncIterator[Bench]:
    kind = request.param if isinstance(request.param, str) else request.param[0]
    async with open_client() as client:
        bench = Bench(started(kind), client)
        yield bench
    for secret in bench.rig.environment.values():  # rule for every test: no secret in anything that was returned
        assert not [text for text in bench.said if secret in text]


def weight(kind: str) -> list[pytest.MarkDecorator]:
    """A rig that takes gigabytes or minutes runs in `make test-all` only."""
    return [pytest.mark.heavy] if getattr(rig_class(kind), "heavy", False) else []


every_connector = pytest.mark.parametrize(
    "bench", [pytest.param(kind, marks=weight(kind)) for kind in kinds_with_rig()], indirect=True
)


def having(*faults: str) -> pytest.MarkDecorator:
    """Run the test on every rig that can have the faults, each fault by itself."""
    found = list(cases(*faults))
    chosen = [pytest.param((kind, fault), fault, id=f"{kind}-{fault}", marks=weight(kind)) for kind, fault in found]
    return pytest.mark.parametrize(("bench", "fault"), chosen, indirect=["bench"])


# Who takes part.


@pytest.mark.parametrize("kind", sorted(available()))
def test_every_connector_brings_a_rig(kind: str) -> None:
    """A connector that nobody can try on a real system is not accepted."""
    assert rig_file(kind).exists(), f"write {rig_file(kind).name}: see docs/how-to/connect-with-http.md"


@pytest.mark.parametrize("kind", kinds_with_rig())
def test_a_rig_excuses_itself_by_known_faults_with_reasons(kind: str) -> None:
    """What a rig cannot stage is named as the suite names it, and the reason is a sentence."""
    assert all(fault in FAULTS and len(reason) > 20 for fault, reason in rig_class(kind).cannot.items())


@pytest.mark.parametrize("kind", sorted(available()))
def test_a_connector_has_the_methods_of_the_port(kind: str) -> None:
    """Each method takes the parameters that the runtime passes, by their names."""
    for name, wanted in inspect.getmembers(Connector, inspect.isfunction):
        if not name.startswith("_"):
            got = inspect.signature(getattr(load(kind), name))
            assert list(got.parameters) == list(inspect.signature(wanted).parameters), name


@every_connector
def test_a_wrong_configuration_is_refused_before_anything_is_called(bench: Bench) -> None:
    """An unknown key in a door is a problem with a name, and the rig hears nothing of it."""
    door = bench.rig.door.model_copy(update={"config": {**bench.rig.door.config, "no_such_key": 1}})
    with pytest.raises(InvalidInput) as caught:
        bench.connector.check(bench.rig.target, door)
    assert "no_such_key" in str(caught.value)


@every_connector
def test_a_right_configuration_is_accepted(bench: Bench) -> None:
    """The rig's own door passes the check."""
    bench.connector.check(bench.rig.target, bench.rig.door)


# Look.


@every_connector
async def test_a_plan_says_what_would_be_called_and_calls_nothing(bench: Bench) -> None:
    """The plan names a capture before a suspension, who is touched and what is needed; nothing changes."""
    plan = await bench.plan()
    verbs = [call.verb for call in plan.calls]
    assert verbs.index("capture") < verbs.index("suspend") < verbs.index("verify")
    assert plan.permissions
    assert bench.rig.effects() == 0


@every_connector
async def test_what_is_known_without_a_look_is_what_the_plan_says(bench: Bench) -> None:
    """A connector that knows without a call whether a door can be undone never promises more than its plan does."""
    if isinstance(bench.connector, KnowsReversibility):
        known = bench.connector.reversibility(bench.rig.target, bench.rig.door)
        assert known == (await bench.plan()).reversible


@every_connector
async def test_a_capture_changes_nothing_and_can_be_checked_by_its_digest(bench: Bench) -> None:
    """The digest is that of the state's canonical form, the time is aware, and nothing changed."""
    snapshot = await bench.capture()
    assert snapshot.digest == digest(snapshot.state)
    assert snapshot.taken_at.tzinfo is not None
    assert bench.rig.effects() == 0


@having("down", "wrong key")
async def test_without_a_captured_state_nothing_is_closed(bench: Bench, fault: str) -> None:
    """When the state cannot be read there is no snapshot, and so nothing that a suspension could start from."""
    bench.rig.break_with(fault)
    with pytest.raises(Unanswered) as caught:
        await bench.capture()
    assert caught.value.problems[0].do
    assert bench.rig.effects() == 0


@every_connector
async def test_a_snapshot_of_another_door_closes_nothing(bench: Bench) -> None:
    """A snapshot is good for the door that it was taken of, and for no other."""
    stranger = (await bench.capture()).model_copy(update={"target": "somebody-else"})
    with pytest.raises(InvalidInput):
        await bench.suspend(stranger)
    assert bench.rig.effects() == 0


# Close and prove.


@every_connector
async def test_a_suspension_is_proved_where_callers_are(bench: Bench) -> None:
    """Before it the target serves; after it the target refuses and every neighbour answers."""
    assert (await bench.verify()).holds is NO
    snapshot, receipt = await bench.closed()
    verdict = await bench.verify()
    assert receipt.changed
    assert verdict.holds is YES, verdict
    assert {p.name for p in verdict.probes if p.what == "neighbour"} == set(bench.rig.target.neighbours)
    assert snapshot.target == receipt.target == bench.rig.target.id


@every_connector
@pytest.mark.parametrize("second", [KEY, "another-incident"])
async def test_closing_twice_changes_once(bench: Bench, second: str) -> None:
    """A closed door is success without a change, under the same key and under any other."""
    snapshot, _ = await bench.closed()
    again = await bench.suspend(snapshot, second)
    assert not again.changed
    assert again.operation_key == second
    assert bench.rig.effects() == 1


@every_connector
async def test_a_door_that_somebody_else_closed_is_closed(bench: Bench) -> None:
    """Success without a change, and the receipt does not claim the work."""
    bench.rig.close_behind_our_back()
    before = bench.rig.effects()
    _, receipt = await bench.closed()
    assert not receipt.changed
    assert (bench.rig.effects(), (await bench.observe()).ours) == (before, NO if marks(bench.rig) else UNKNOWN)


@having("lie", "half", "overblock")
async def test_success_that_callers_do_not_see_is_no_success(bench: Bench, fault: str) -> None:
    """A 200 is not believed: a door that did not close, or closed too much, never holds."""
    snapshot = await bench.capture()
    bench.rig.break_with(fault)
    await bench.suspend(snapshot)
    verdict = await bench.verify()
    assert verdict.holds is not YES
    assert verdict.notes or verdict.probes[0].serving is YES


@having("overblock")
async def test_over_blocking_is_said_in_words(bench: Bench, fault: str) -> None:
    """A person reads which neighbour was shut out as well."""
    snapshot = await bench.capture()
    bench.rig.break_with(fault)
    await bench.suspend(snapshot)
    notes = " ".join((await bench.verify()).notes)
    assert "over-blocking" in notes
    assert any(name in notes for name in bench.rig.target.neighbours)


@having("dark")
@pytest.mark.parametrize("expect", ["refused", "serving"])
async def test_silence_proves_nothing(bench: Bench, fault: str, expect: str) -> None:
    """When callers get no answer the verdict is unknown, whatever was hoped for."""
    await bench.closed()
    bench.rig.break_with(fault)
    assert (await bench.verify(expect)).holds is UNKNOWN


@every_connector
async def test_a_target_without_a_probe_is_never_called_closed(bench: Bench) -> None:
    """Without a look from where callers are there is no proof, however well the call went."""
    await bench.closed()
    blind = bench.rig.target.model_copy(update={"probe": None})
    verdict = await bench.fresh().verify(blind, bench.rig.door, "refused")
    assert verdict.holds is UNKNOWN
    assert "probe" in " ".join(verdict.notes)


@every_connector
async def test_a_target_without_neighbours_says_what_was_not_shown(bench: Bench) -> None:
    """Nobody else was looked at, and the verdict says so."""
    await bench.closed()
    alone = bench.rig.target.model_copy(update={"neighbours": ()})
    assert "spared" in " ".join((await bench.fresh().verify(alone, bench.rig.door, "refused")).notes)


@having("down")
async def test_the_proof_does_not_need_the_control_plane(bench: Bench, fault: str) -> None:
    """Callers are refused and neighbours served: that stands when the admin API has gone away."""
    await bench.closed()
    bench.rig.break_with(fault)
    assert (await bench.verify()).holds is YES


# Doubt.


@having("hang")
async def test_a_call_that_took_effect_unanswered_is_observed_and_not_repeated(bench: Bench, fault: str) -> None:
    """A time-out is doubt, not success and not failure; a look finds our mark, and a repetition changes nothing."""
    snapshot = await bench.capture()
    bench.rig.break_with(fault)
    with pytest.raises(InDoubt):
        await bench.suspend(snapshot)
    seen = await bench.observe()
    assert (seen.closed, seen.ours) == (YES, YES if marks(bench.rig) else UNKNOWN)
    assert not (await bench.suspend(snapshot)).changed
    assert bench.rig.effects() == 1


@having("lost")
async def test_a_call_that_was_lost_is_observed_and_made_again(bench: Bench, fault: str) -> None:
    """The look finds an open door, so the same key may be used again, and then it closes once."""
    snapshot = await bench.capture()
    bench.rig.break_with(fault)
    with pytest.raises(InDoubt):
        await bench.suspend(snapshot)
    assert (await bench.observe()).closed is NO
    assert (await bench.suspend(snapshot)).changed
    assert bench.rig.effects() == 1


@every_connector
async def test_killed_between_effect_and_receipt(bench: Bench) -> None:
    """A process closes the door and is killed; the next one finds the work done, by its mark, and leaves it."""
    rig = bench.rig
    order = {"target": rig.target.id, "door": rig.door.name, "operation_key": KEY}
    order["inventory"] = rig.inventory.model_dump_json(by_alias=True)
    child = begin(order, rig.environment)
    await asyncio.to_thread(child.join)
    assert child.exitcode == -signal.SIGKILL
    seen = await bench.observe()
    assert (seen.closed, seen.ours, rig.effects()) == (YES, YES if marks(rig) else UNKNOWN, 1)
    assert not (await bench.closed())[1].changed
    assert rig.effects() == 1


@every_connector
async def test_looking_at_an_operation_that_never_was_finds_none(bench: Bench) -> None:
    """An open door that bears no mark of ours: nothing happened."""
    seen = await bench.observe("inc-1.never-started")
    assert (seen.closed, seen.ours) == (NO, NO if marks(bench.rig) else UNKNOWN)


@having("error", "conflict", "overloaded", "wrong key", "down")
async def test_no_failure_is_a_receipt(bench: Bench, fault: str) -> None:
    """What was not done is an error that says what to do, without any secret; nothing changed."""
    snapshot = await bench.capture()
    bench.rig.break_with(fault)
    bench.connector = bench.fresh()
    with pytest.raises((Unanswered, Refused)) as caught:
        await bench.suspend(snapshot)
    assert all(problem.do and problem.code for problem in caught.value.problems)
    assert not [secret for secret in bench.rig.environment.values() if secret in repr(caught.value)]
    assert bench.rig.effects() == 0


@having("busy")
async def test_a_busy_system_is_asked_again_when_it_says_so(bench: Bench, fault: str) -> None:
    """Turned away once with a time to come back: the idempotent call is made again, and takes effect once."""
    snapshot = await bench.capture()
    bench.rig.break_with(fault)
    assert (await bench.suspend(snapshot)).changed
    assert bench.rig.effects() == 1


# Open again.


@every_connector
async def test_a_resume_brings_the_captured_state_back(bench: Bench) -> None:
    """Callers are served again, the state is the captured one, and a second resume changes nothing."""
    snapshot, receipt = await bench.closed()
    opened = await bench.resume(snapshot, receipt)
    assert opened.changed
    assert (await bench.verify("serving")).holds is YES
    assert (await bench.capture()).state == snapshot.state
    assert not (await bench.resume(snapshot, receipt)).changed
    assert bench.rig.effects() == 2


@every_connector
async def test_a_resume_does_not_overwrite_what_others_changed(bench: Bench) -> None:
    """Drift is named and nothing is touched."""
    snapshot, receipt = await bench.closed()
    bench.rig.change_behind_our_back()
    before = bench.rig.effects()
    with pytest.raises(Refused) as caught:
        await bench.resume(snapshot, receipt)
    assert "changed" in str(caught.value)
    assert bench.rig.effects() == before


@every_connector
async def test_a_door_that_others_closed_is_not_ours_to_open(bench: Bench) -> None:
    """Who finds a door closed does not open it."""
    bench.rig.close_behind_our_back()
    snapshot, receipt = await bench.closed()
    before = bench.rig.effects()
    with pytest.raises(Refused):
        await bench.resume(snapshot, receipt)
    assert bench.rig.effects() == before


# Keep.


@every_connector
async def test_an_artefact_comes_whole_and_with_its_digest(bench: Bench, tmp_path: Path) -> None:
    """What is kept is what was read, and its digest and size say so; a digest alone holds no bytes."""
    (tmp_path / "card.json").write_bytes(b'{"model": "x"}' * 9)
    for keep in ("content", "digest"):
        evidence = {"model_card": Artefact(file=str(tmp_path / "card.json"), keep=keep)}
        target = bench.rig.target.model_copy(update={"evidence": evidence})
        got = await bench.connector.collect(target, "model_card")
        assert (got.digest, got.size) == (hashlib.sha256(b'{"model": "x"}' * 9).hexdigest(), 126)
        assert got.content == (b'{"model": "x"}' * 9 if keep == "content" else None)


@every_connector
async def test_an_artefact_that_is_not_there_is_named(bench: Bench) -> None:
    """The known ones are listed; nothing is made up."""
    with pytest.raises(NotFound):
        await bench.connector.collect(bench.rig.target, "no_such_artefact")


def test_the_families_of_error_are_those_of_the_port() -> None:
    """Doubt is a kind of silence: whoever handles silence handles doubt."""
    assert issubclass(InDoubt, Unanswered)
    assert issubclass(Unanswered, FiredoorError)
