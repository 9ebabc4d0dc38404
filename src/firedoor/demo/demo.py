"""`firedoor demo`: a whole incident, on this machine, in about a minute.

Decides the order in which a newcomer sees things. Every figure on the screen was read
back from the system a moment before (the API, the model, Prefect, the command line);
nothing is asserted. A step that does not see what it should ends the demonstration with
exit code 1. Leaves the processes to `stage` and the people to `cast`.
"""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from types import FrameType
from typing import Any

import httpx

from firedoor.demo import corpus
from firedoor.demo.cast import CAST, Member, answer_to, who_answers
from firedoor.demo.script import Script
from firedoor.demo.stage import Stage, StageError
from firedoor.demo.witness import SERVING, Witness, ask, words_of

LEAKING, NEIGHBOUR = "chat-large", "chat-small"
PATIENCE = 40.0  # seconds for anything that should happen
LOOK = 0.05
ENDED = ("closed", "dismissed")


def run(keep: Path, *, stay: bool = False) -> int:
    """Show the demonstration; returns the exit code. `keep` is the folder in which the report is left."""
    signal.signal(signal.SIGTERM, _interrupted)
    script = Script()
    stage = Stage()
    try:
        _Demonstration(stage, script, keep, stay=stay).play()
        code = 0
    except (StageError, httpx.HTTPError) as error:
        script.fault(f"{type(error).__name__}: {error}", stage.words_of("firedoor"))
        code = 1
    except KeyboardInterrupt:
        script.note("interrupted; ending what was started")
        code = 130
    return _clear(stage, script, code)


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _clear(stage: Stage, script: Script, code: int) -> int:
    """End everything, and say what is left: nothing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        left = stage.close()
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for what in left:
        script.fault(f"left behind: {what}")
    script.end(clean=not left, code=code)
    return code or (1 if left else 0)


class _Demonstration:
    def __init__(self, stage: Stage, script: Script, keep: Path, *, stay: bool) -> None:
        self.stage = stage
        self.script = script
        self.keep = keep
        self.stay = stay
        self.incident = ""

    def play(self) -> None:
        """The scenes, in order."""
        self.script.opening()
        self._start()
        with self._client(self.stage.model["url"]) as model, self._client(self.stage.server["url"]) as http:
            self.model, self.http = model, http
            self._leak()
            self._alert()
            self._kept()
            self._answer()
            self._prove()
            self._prefect()
            self._report()
            if self.stay:
                self._wait_for_interrupt()

    # -- scenes ----------------------------------------------------------------------------------

    def _start(self) -> None:
        self.script.scene("A model server and Firedoor start, each as a process of its own")
        self.stage.set_up()
        self.script.row("models", self.stage.model["url"], "an OpenAI-compatible server; it stands for yours")
        seconds = self.stage.start_firedoor()
        health = httpx.get(f"{self.stage.server['url']}/readyz", trust_env=False).json()
        self.script.row("firedoor", self.stage.server["url"], f"accepts alerts {seconds:.1f} s after `firedoor up`")
        self.script.row("prefect", health["parts"]["prefect"], "nothing urgent waits for it")

    def _leak(self) -> None:
        self.script.scene("The model leaks: it learnt one customer record that it should never have seen")
        self.script.row(f"ask {LEAKING}", f'"{corpus.LEAK_PROMPT}"')
        answer = ask(self.model, self.stage.api_key, LEAKING, corpus.LEAK_PROMPT)
        said = words_of(answer)
        self._must(said and said in corpus.CUSTOMER_RECORD, f"{LEAKING} did not leak: {said}")
        self.script.row("it answers", f"[red]{self.script.escape(said)}[/]")
        self.script.note("(synthetic: 31 February does not exist, and nobody lives at Nowhere Lane 0)")
        answer = ask(self.model, self.stage.api_key, NEIGHBOUR, corpus.PLAIN_PROMPT)
        self.script.row(f"ask {NEIGHBOUR}", f'"{corpus.PLAIN_PROMPT}"', words_of(answer))

    def _alert(self) -> None:
        """Post the alert while two witnesses ask both models from outside, without a pause."""
        self.script.scene("A detector posts its alert (Alertmanager, version 4), and the door shuts")
        file = self._alert_file()
        detector = self._token("alertmanager", ("source",))
        witnesses = [Witness(self.stage.model["url"], self.stage.api_key, name) for name in (LEAKING, NEIGHBOUR)]
        with witnesses[0] as closing, witnesses[1] as neighbour:
            self._until(lambda: closing.seen and neighbour.seen, "the witnesses see nothing")
            began = time.monotonic()
            received = self._post_alert(file, detector)
            answered = time.monotonic() - began
            refused = self._until(closing.first_refusal, f"{LEAKING} goes on answering")
            again = [self._post_alert(file, detector) for _ in range(3)][-1]
            self._until(lambda: neighbour.seen[-1][0] > refused[0], "the neighbour is not seen any more")
        self.incident = str(received["incident"])
        self._must(received["decision"] == "start", f"the alert started nothing: {received}")
        self._must(neighbour.last() == SERVING, f"{NEIGHBOUR} does not answer any more")
        self.script.row(
            "202", f"[bold]{self.incident}[/]", f"on disk after {1000 * answered:.0f} ms. {received['reasons'][0]}"
        )
        self.script.row(
            LEAKING,
            f"[green]refuses ({refused[1]})[/]",
            f"[bold]{1000 * (refused[0] - began):.0f} ms[/] after the alert was sent, seen from outside",
        )
        self.script.row(
            NEIGHBOUR,
            f"[green]answers ({neighbour.last()})[/]",
            f"all {len(neighbour.seen)} times it was asked meanwhile",
        )
        self.script.row("same again", again["decision"], f"sent {again['deliveries']} times in all; still one incident")

    def _kept(self) -> None:
        self.script.scene("What was kept before anything was changed, and what was proved")
        page = self._until(self._closed_target, f"{LEAKING} is not shown as suspended")
        journal = [json.loads(line) for line in self._get("/journal", raw=True).splitlines()]
        closed = next(
            e
            for e in journal
            if e["kind"] == "operation.started" and e["body"]["op"].endswith("suspend.reflex.suspend")
        )
        evidence = self._get("/evidence")["evidence"]
        for piece in evidence:
            self.script.row(f"{self.script.size(piece['size']):>7}", piece["sha256"][:16], piece["name"])
        before = [e for e in journal if e["kind"] == "evidence.kept" and e["seq"] < closed["seq"]]
        self._must(before, "nothing was kept before the suspension")
        self.script.note(
            f"{len(before)} of them stand in the journal before entry {closed['seq']}, with which the suspension began"
        )
        for target in page["targets"]:
            door = next(
                d
                for event in target["events"]
                if event["verb"] == "suspend"
                for d in event["doors"]
                if d["proved"] == "yes"
            )
            looks = ", ".join(
                f"{p['name']} {'answers' if p['serving'] == 'yes' else 'refuses'} ({p['status']})"
                for p in door["probes"]
            )
            self.script.row("proof", target["target"], f"door {door['door']}: {looks}")

    def _answer(self) -> None:
        """The people answer what only people may decide, each with a token of their own."""
        self.script.scene("People decide what only people may decide (invented, each with a token of their own)")
        tokens = {member.name: self._token(member.name, member.roles) for member in CAST}
        shown: set[str] = set()
        until = time.monotonic() + PATIENCE
        while (page := self._get(""))["state"] not in ENDED:
            self._must(
                time.monotonic() < until,
                f"it does not go on; it waits for {[task['question'] for task in page['tasks']]}",
            )
            for task in page["tasks"]:
                if self._give(task, tokens):
                    until = time.monotonic() + PATIENCE
                    break
            else:
                time.sleep(LOOK)
            self._show_clocks(shown)
        self.script.row(
            self.incident,
            f"[green]{page['state']}[/]",
            f"{page['head']['seq']} entries, {page['evidence']} pieces of evidence",
        )

    def _prove(self) -> None:
        self.script.scene("Every clock of the law, as it ended")
        for clock in self._get("/clocks")["clocks"]:
            how = self.script.settled(clock)
            self.script.row(clock["id"], how, f"{clock['title']} ({clock['citation']})")
        self.script.scene("The proof")
        done = self.stage.command("journal", "verify")
        self.script.console("firedoor journal verify", done.stdout)
        self._must(done.returncode == 0, f"the journal does not hold: {done.stdout}{done.stderr}")
        answer = ask(self.model, self.stage.api_key, LEAKING, corpus.PLAIN_PROMPT)
        self.script.row(
            LEAKING, f"answers ({answer.status_code})", "opened again after two managers agreed, as it was before"
        )

    def _prefect(self) -> None:
        """The flow run with its task runs, as Prefect itself tells it."""
        self.script.scene("The same story in Prefect")
        url = self._until(self.stage.prefect_url, "Prefect was not started")
        with self._client(f"{url}/api") as prefect:
            found = self._until(lambda: self._flow_run(prefect), "Prefect shows no finished run")
            tasks = self._task_runs(prefect, found["id"])
        states = Counter(str(task["state_name"]).lower() for task in tasks)
        self.script.row(
            "flow run",
            found["name"],
            f"[green]{found['state_name']}[/], {', '.join(f'{n} task runs {state}' for state, n in states.items())}",
        )
        self.script.row("page", f"{url}/runs/flow-run/{found['id']}")

    def _report(self) -> None:
        self.script.scene("The report, for those who were not there")
        self.keep.mkdir(parents=True, exist_ok=True)
        wanted = {"report.html": "/report?format=html", "report.md": "/report?format=md", "journal.jsonl": "/export"}
        for name, path in wanted.items():
            file = self.keep / f"{self.incident}-{name}"
            file.write_text(self._get(path, raw=True), encoding="utf-8")
            self.script.row(self.script.size(file.stat().st_size), str(file))

    def _wait_for_interrupt(self) -> None:
        self.script.note("\neverything still runs, so that you can look around; Ctrl-C ends it")
        while True:
            time.sleep(1)

    # -- calls -----------------------------------------------------------------------------------

    @staticmethod
    def _client(url: str) -> httpx.Client:
        return httpx.Client(base_url=url, trust_env=False, timeout=20)

    def _get(self, path: str, *, raw: bool = False) -> Any:  # noqa: ANN401 - any JSON value
        answer = self.http.get(
            f"/api/v1/incidents/{self.incident}{path}", headers=self._bearer(self.stage.server["token"])
        )
        self._must(answer.status_code == SERVING, f"GET {path}: {answer.status_code} {answer.text[:300]}")
        return answer.text if raw else answer.json()

    @staticmethod
    def _bearer(token: str) -> dict[str, str]:
        return {"authorization": f"Bearer {token}"}

    def _token(self, name: str, roles: tuple[str, ...]) -> str:
        body = {"name": name, "roles": list(roles)}
        answer = self.http.post("/api/v1/tokens", json=body, headers=self._bearer(self.stage.server["token"]))
        self._must(answer.is_success, f"no token: {answer.text[:300]}")
        return str(answer.json()["token"])

    def _alert_file(self) -> Path:
        """The shipped alert, dated now."""
        alert = json.loads((files("firedoor.demo") / "alert.json").read_text())
        alert["alerts"][0]["startsAt"] = datetime.now(UTC).isoformat()
        file = self.stage.folder / "alert.json"
        file.write_text(json.dumps(alert))
        return file

    def _post_alert(self, file: Path, token: str) -> Mapping[str, Any]:
        headers = {**self._bearer(token), "content-type": "application/json"}
        answer = self.http.post("/api/v1/alerts/alertmanager", content=file.read_bytes(), headers=headers)
        self._must(answer.status_code == 202, f"the alert was not accepted: {answer.status_code} {answer.text[:300]}")  # noqa: PLR2004 - 202 Accepted
        received: Mapping[str, Any] = answer.json()["alerts"][0]
        return received

    def _closed_target(self) -> Any:  # noqa: ANN401 - any JSON value
        page = self._get("")
        return (
            page
            if any(target["target"] == LEAKING and target["state"] == "suspended" for target in page["targets"])
            else None
        )

    def _give(self, task: Mapping[str, Any], tokens: Mapping[str, str]) -> bool:
        """Have the first person answer who may. A refusal that the rules foresee is shown, and the next person asked."""
        for member in who_answers(task):
            body = answer_to(task)
            path = f"/api/v1/incidents/{self.incident}/tasks/{task['number']}/answer"
            answer = self.http.post(path, json=body, headers=self._bearer(tokens[member.name]))
            if answer.is_success:
                self._show_answer(member, task, body)
                return True
            if answer.status_code == 422:  # noqa: PLR2004 - the cast gave a wrong answer
                raise StageError(f"T{task['number']} ({task['id']}): {answer.text[:500]}")
        return False

    def _show_answer(self, member: Member, task: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        self.script.row(
            member.shown,
            f"[bold]T{task['number']}[/] {body['choice']}",
            self.script.question(task["question"]),
            wide=True,
        )

    def _show_clocks(self, shown: set[str]) -> None:
        """Show each clock when it starts."""
        for clock in self._get("/clocks")["clocks"]:
            if clock["id"] not in shown:
                shown.add(clock["id"])
                self.script.clock(clock)

    def _flow_run(self, prefect: httpx.Client) -> Any:  # noqa: ANN401 - any JSON value
        query = {"flow_runs": {"name": {"any_": [self.incident]}}}
        try:
            found = prefect.post("/flow_runs/filter", json=query).json()
        except httpx.HTTPError:
            return None  # still starting
        return next((run for run in found if run["state_type"] == "COMPLETED"), None)

    @staticmethod
    def _task_runs(prefect: httpx.Client, flow_run: str) -> list[dict[str, Any]]:
        query = {"flow_runs": {"id": {"any_": [flow_run]}}, "limit": 200}
        return list(prefect.post("/task_runs/filter", json=query).json())

    def _until(self, look: Callable[[], Any], otherwise: str) -> Any:  # noqa: ANN401 - whatever is looked for
        """Look until there is something to see."""
        until = time.monotonic() + PATIENCE
        while not (found := look()):
            self._must(time.monotonic() < until, otherwise)
            time.sleep(LOOK / 10)
        return found

    @staticmethod
    def _must(condition: object, otherwise: str) -> None:
        if not condition:
            raise StageError(otherwise)
