"""`firedoor demo`: a whole incident, on this machine, in about a minute.

Decides the order in which a newcomer sees things. Every figure on the screen was read
back from the system a moment before (the API, the models, Prefect, the command line);
nothing is asserted. A scene that does not see what it should ends the demonstration
with exit code 1. Leaves the processes to `stage`, the people to `cast`, the look to
`script`.
"""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import TypeVar

import httpx

from firedoor.core.json_types import text_at
from firedoor.demo import corpus
from firedoor.demo.calls import LOOK, UNHURRIED, Calls, Prefect, interrupted, must, open_client, until, write_alert
from firedoor.demo.cast import CAST, answer_to, who_answers
from firedoor.demo.script import Script
from firedoor.demo.stage import Stage, StageError
from firedoor.demo.witness import SERVING, Witness, ask, words_of
from firedoor.interfaces.shapes.incident import Incident, Task

T = TypeVar("T")
KEEPER = next(member.name for member in CAST if "dpo" in member.roles)  # not everybody who sends may add evidence
LEAKING, NEIGHBOUR = "chat-large", "chat-small"
PAUSE = 0.12  # seconds after an answer, so that what follows from it is seen before the next one
WEIGHED, REOPENED = "containment.risk", "remediation.resume.approve"
CLOSED = "containment.suspend.reflex.suspend"
QUIET = 5.0  # seconds without any answer after which people answer whatever waits
ENDED = ("closed", "dismissed")


def run(keep: Path, *, stay: bool = False) -> int:
    """Show the demonstration; returns the exit code. `keep` is the folder in which the report is left."""
    interrupted.clear()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    script, stage, code = Script(), Stage(), 0
    try:
        _Demonstration(stage, script, keep).play(stay=stay)
    except (StageError, httpx.HTTPError) as error:
        script.fault(f"{type(error).__name__}: {error}", stage.words_of("firedoor"))
        code = 1
    except KeyboardInterrupt:
        script.note("interrupted; ending what was started")
    if interrupted.is_set() and not stay:
        code = 130
    return _clear(stage, script, code)


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    interrupted.set()
    raise KeyboardInterrupt


def _clear(stage: Stage, script: Script, code: int) -> int:
    """End everything, and say what is left: nothing."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    left = stage.close()
    for what in left:
        script.fault(f"left behind: {what}")
    script.end(clean=not left, code=code)
    return code or (1 if left else 0)


def _too_early(task: Task, page: Incident) -> bool:
    """Nobody reports before the risk was weighed, and nobody opens a door before it was looked at twice."""
    ended = {op["id"] for op in page["progress"] if op["status"] == "finished"}
    looked = any(event["verb"] == "look" for target in page["targets"] for event in target["events"])
    return (task["kind"] == "submit" and WEIGHED not in ended) or (task["op"] == REOPENED and not looked)


class _Demonstration:
    """The scenes."""

    calls: Calls
    models: httpx.Client

    def __init__(self, stage: Stage, script: Script, keep: Path) -> None:
        self.stage = stage
        self.script = script
        self.keep = keep

    def play(self, *, stay: bool) -> None:
        """Play them in order."""
        self.script.opening()
        self._start()
        self._leak()
        self._alert()
        self._kept()
        self._people()
        self._clocks()
        self._proof()
        self._prefect()
        self._report()
        if stay:
            self.script.note("everything still runs, so that you can look around; Ctrl-C ends it")
            signal.pause()

    def _until(self, look: Callable[[], T | None], otherwise: str, pause: float = LOOK) -> T:
        return until(look, otherwise, self.stage.patience(), pause)

    def _start(self) -> None:
        self.script.scene("A model server and Firedoor start, each as a process of its own")
        self.stage.set_up()
        self.models = open_client(self.stage.model["url"])
        self.script.row("models", self.stage.model["url"], "OpenAI-compatible; they stand for yours")
        seconds = self.stage.start_firedoor()
        self.calls = Calls(self.stage.server["url"], self.stage.server["token"])
        self.script.row("firedoor", self.stage.server["url"], f"accepts alerts {seconds:.1f} s after its start")
        self._until(lambda: self.calls.part("prefect") == "ready", "Prefect does not start", UNHURRIED)
        self.script.row("prefect", self.stage.prefect_url(), "nothing urgent ever waits for it")

    def _leak(self) -> None:
        self.script.scene("The model leaks a customer record that it should never have seen")
        self.script.row(f"ask {LEAKING}", f'"{corpus.LEAK_PROMPT}"')
        said = words_of(ask(self.models, self.stage.api_key, LEAKING, corpus.LEAK_PROMPT))
        must(said and said in corpus.CUSTOMER_RECORD, f"{LEAKING} did not leak: {said}")
        self.script.row("it answers", f"[red]{self.script.escape(said)}[/]")
        self.script.note("(synthetic: 31 February does not exist, and nobody lives at Nowhere Lane 0)")
        said = words_of(ask(self.models, self.stage.api_key, NEIGHBOUR, corpus.PLAIN_PROMPT))
        self.script.row(f"ask {NEIGHBOUR}", f'"{corpus.PLAIN_PROMPT}"', self.script.escape(said))

    def _alert(self) -> None:
        """Post the alert while two witnesses ask both models from outside, without a pause."""
        self.script.scene("A detector posts its alert (Alertmanager, version 4), and the door shuts")
        file, detector = write_alert(self.stage.folder), self.calls.new_token("alertmanager", ("source",))
        closing, neighbour = (Witness(self.stage.model["url"], self.stage.api_key, n) for n in (LEAKING, NEIGHBOUR))
        with closing, neighbour:
            self._until(lambda: closing.seen and neighbour.seen, "the witnesses see nothing")
            began = time.monotonic()
            received = self.calls.send_alert(file, detector)
            answered = time.monotonic()
            refused_at, status = self._until(closing.first_refusal, f"{LEAKING} goes on answering")
            again = [self.calls.send_alert(file, detector) for _ in range(3)][-1]
            self._until(lambda: neighbour.seen[-1][0] > refused_at, "the neighbour is not seen any more")
        self.calls.incident = str(received["incident"])
        must(received["decision"] == "start", f"the alert started nothing: {received}")
        must(neighbour.statuses == {SERVING}, f"{NEIGHBOUR} answered {neighbour.statuses}")
        row, after = self.script.row, 1000 * (refused_at - began)
        row("202 Accepted", f"[bold]{self.calls.incident}[/]", f"on disk {1000 * (answered - began):.0f} ms later")
        self.script.note(received["reasons"][0])
        row(LEAKING, f"[green]refuses ({status})[/]", f"[bold]{after:.0f} ms after the alert[/], seen from outside")
        row(
            NEIGHBOUR,
            f"[green]answers ({neighbour.last()})[/]",
            f"each of the {len(neighbour.seen)} times it was asked",
        )
        row("sent again", again["decision"], f"{again['deliveries']} times in all, and one incident")

    def _kept(self) -> None:
        """The journal around the suspension: what was kept before it, and what proved it."""
        self.script.scene("What was kept before anything was changed, and what was proved")
        page = self._until(self._suspended, f"{LEAKING} is not shown as suspended")
        for entry in self.calls.journal():
            body, number = entry["body"], f"entry {entry['seq']}"
            if entry["kind"] == "evidence.kept":
                size = self.script.size(int(str(body["size"])))
                self.script.row(number, f"kept {text_at(body, 'sha256')[:16]}", f"{body['name']} ({size})")
            elif entry["kind"] == "operation.started" and text_at(body, "op").endswith(".reflex.suspend"):
                self.script.row(number, "[bold]suspend begins[/]")
        for target in page["targets"]:
            doors = [door for event in target["events"] for door in event["doors"] if door["proved"] == "yes"]
            self.script.row(
                "proof", f"[green]{target['state']}[/]", f"{target['target']}: {self.script.looks(doors[0])}"
            )

    def _suspended(self) -> Incident | None:
        page = self.calls.page()
        return page if any(target["state"] == "suspended" for target in page["targets"]) else None

    def _people(self) -> None:
        """The people answer what only people may decide, each with a token of their own."""
        self.script.scene("People decide what only people may decide (all of them invented)")
        tokens = {member.name: self.calls.new_token(member.name, member.roles) for member in CAST}
        shown: set[str] = set()
        given, patience = time.monotonic(), self.stage.patience()
        while (page := self.calls.page())["state"] not in ENDED:
            waiting = [task["question"] for task in page["tasks"]]
            quiet = time.monotonic() - given
            must(not patience.lost(), f"it does not go on; it waits for {waiting}")
            tasks = [task for task in page["tasks"] if quiet > QUIET or not _too_early(task, page)]
            if any(self._given(task, tokens) for task in tasks):
                given, patience = time.monotonic(), self.stage.patience()
            time.sleep(PAUSE)
            self._show_new_clocks(shown)
        held = f"{page['head']['seq']} entries, {page['evidence']} pieces of evidence"
        self.script.row(page["id"], f"[green]{page['state']}[/]", held)

    def _given(self, task: Task, tokens: Mapping[str, str]) -> bool:
        """Have the first person answer whom the rules let answer."""
        body = answer_to(task)
        for member in who_answers(task):
            if "version" in body["fields"]:
                del body["fields"]["version"]
                body["fields"]["as_sent_sha256"] = self.calls.hand_in(str(task["clock"]), tokens[KEEPER])
            if self.calls.answer(task, body, tokens[member.name]):
                self.script.answer(member.shown, f"[bold]T{task['number']}[/] {body['choice']}", task["question"])
                return True
        return False

    def _show_new_clocks(self, shown: set[str]) -> None:
        for clock in self.calls.clocks():
            if clock["id"] not in shown:
                shown.add(clock["id"])
                self.script.clock(clock)

    def _clocks(self) -> None:
        self.script.scene("Every clock of the law, as it ended")
        for clock in self.calls.clocks():
            self.script.settled(clock)

    def _proof(self) -> None:
        self.script.scene("The proof")
        done = self.stage.command("journal", "verify")
        self.script.console("firedoor journal verify", done.stdout)
        must(done.returncode == 0, f"the journal does not hold: {done.stdout}{done.stderr}")
        self._second_look()
        status = ask(self.models, self.stage.api_key, LEAKING, corpus.PLAIN_PROMPT).status_code
        self.script.row(LEAKING, f"answers ({status})", "opened again when two managers had agreed")

    def _second_look(self) -> None:
        """Replicas lag and autoscalers open again, so what is closed is looked at; here after seconds, not minutes."""
        journal = self.calls.journal()
        first = next((e for e in journal if e["kind"] == "operation.finished" and e["body"]["op"] == CLOSED), None)
        second = next((entry for entry in journal if entry["kind"] == "hold.seen"), None)
        must(first and second, "nobody looked again")
        if first and second:
            gap = datetime.fromisoformat(second["at"]) - datetime.fromisoformat(first["at"])
            seen = second["body"]["seen"]
            self.script.row("second look", f"after {gap.total_seconds():.1f} s", f"{seen} (every 10 min as shipped)")

    def _prefect(self) -> None:
        """The flow run with its task runs, as Prefect itself tells it."""
        self.script.scene("The same story in Prefect, for those who live there")
        url = self.stage.prefect_url()
        prefect = Prefect(url, self.stage.prefect_password())
        run = self._until(lambda: prefect.flow_run(self.calls.incident), "Prefect shows no completed run", UNHURRIED)
        tasks = prefect.task_runs(str(run["id"]))
        states = Counter(str(task["state_name"]).lower() for task in tasks)
        counted = ", ".join(f"{number} task runs {state}" for state, number in states.items())
        self.script.row("flow run", f"{run['name']}", f"[green]{run['state_name']}[/]; {counted}")
        names = [
            str(task["name"]) for task in tasks if "Whether" not in str(task["name"])
        ]  # conditions say little here
        self.script.row("among them", self.script.escape("; ".join([*names[:5], "...", *names[-3:]])))
        self.script.address("page", f"{url}/runs/flow-run/{run['id']}")
        self.script.row("sign in", "firedoor prefect --password", "prints the password of this start; nobody else can")

    def _report(self) -> None:
        self.script.scene("The report, for those who were not there")
        self.keep.mkdir(parents=True, exist_ok=True)
        wanted = {"report.html": "/report?format=html", "report.md": "/report?format=md", "journal.jsonl": "/export"}
        for name, path in wanted.items():
            file = self.keep / f"{self.calls.incident}-{name}"
            file.write_text(self.calls.text(path), encoding="utf-8")
            self.script.row(self.script.size(file.stat().st_size), str(file))
