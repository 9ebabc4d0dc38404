"""The agenda of the lessons session: what the record itself asks to be talked about.

Decides which things on the record call for a question (a limit that was missed, an answer
that came late, a door that failed, a drift, glass that was broken, a fact nobody knows) and
words each as a question about the work, never about guilt. Leaves the session to people and
what they change to `measures` and `proposals`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from firedoor.core.history.durations import span
from firedoor.core.journal import Body, Entry, Kind

TOPICS = {
    "clock": "Legal limits", "answer": "Answers that came late", "door": "Doors that did not close",
    "drift": "What did not stay closed",
    "glass": "Broken glass", "failure": "Steps that failed", "unknown": "Facts nobody knew",
}  # fmt: skip
MAXIMUM_UNKNOWN = 12  # facts named one by one; the rest are counted


def agenda(report: Body, entries: Sequence[Entry], title: Callable[[str], str] = str) -> list[Body]:
    """Return the points in the order of TOPICS: {topic, heading, about, question, entry (its number, or None)}.

    `title` gives the name of an operation for people, by its id.
    """
    made = (
        *_clocks(report["clocks"]), *_answers(report["decisions"]), *_doors(report["containment"]),
        *_glass(entries), *_failures(entries, title), *_unknown(report["unknown"]),
    )  # fmt: skip
    order = list(TOPICS)
    return sorted(made, key=lambda point: order.index(point["topic"]))


def _point(topic: str, about: str, question: str, entry: int | None = None) -> Body:
    return {"topic": topic, "heading": TOPICS[topic], "about": about, "question": question, "entry": entry}


def _clocks(clocks: Iterable[Body]) -> Iterator[Body]:
    for clock in clocks:
        if clock["result"] == "late":
            over = span(clock["margin_seconds"]) if clock["margin_seconds"] is not None else "some time"
            reasons = f" The reasons given: {clock['reasons_for_delay']}" if clock["reasons_for_delay"] else ""
            about = f"{clock['title']} ({clock['citation']}) was sent {over} after its limit.{reasons}"
            yield _point("clock", about, "What would have had to be ready earlier, and who will see to it?")
        elif clock["result"] == "missed":
            about = f"{clock['title']} ({clock['citation']}): the limit {clock['due']} passed and nothing was sent."
            yield _point("clock", about, "What is done about it now, and what kept it from being sent?")


def _answers(decisions: Iterable[Body]) -> Iterator[Body]:
    for one in decisions:
        if one["late"]:
            took = span(one["waited_seconds"])
            about = f"{one['task']}, {one['question']} The answer of {one['by']} ({one['role']}) took {took}."
            question = "Was the time too short, did the question reach nobody, or was something missing to answer it?"
            yield _point("answer", about, question, one["seq"])


def _doors(targets: Iterable[Body]) -> Iterator[Body]:
    for target in targets:
        for event in target["events"]:
            for door in event["doors"]:
                if event["verb"] == "suspend" and door["proved"] != "yes":
                    said = door["problem"] or door.get("seen") or "nothing proved it closed"
                    about = f"{target['target']}, door {door['door']}: {said}."
                    yield _point(
                        "door", about, "Why did this door not close, and when is it tried again?", event["seq"]
                    )
        if target["state"] == "failed":
            about = f"{target['target']} was not proved closed."
            yield _point("door", about, "Which second door would have closed it?")
        if target["state"] == "by_hand":
            about = f"{target['target']} was closed by hand, on somebody's word."
            yield _point(
                "door", about, "What does the inventory need so that a machine closes and proves it next time?"
            )
        held = target.get("held")
        if held and held["drifts"]:
            about = f"{target['target']} was found open again {held['drifts']} time(s) while it was to stay closed."
            yield _point("drift", about, "Who or what opened it, and how is it kept from doing so?")


def _glass(entries: Iterable[Entry]) -> Iterator[Body]:
    for entry in entries:
        if entry.kind == Kind.GLASS_BROKEN:
            asked = ", ".join(entry.body.get("asked", ())) or "another role"
            did = "proposed an answer to" if entry.body.get("proposes") else "answered"
            about = f"{entry.body['by']} {did} a question that was for {asked}: {entry.body.get('why', '')}"
            yield _point("glass", about, "Who should have been there, and is the roster right?", entry.seq)
        elif entry.kind == Kind.TASK_ESCALATED:
            about = f"A question went on to {entry.body['role']}, because nobody had answered it."
            yield _point("answer", about, "Did the first role know that it was asked?", entry.seq)


def _failures(entries: Iterable[Entry], title: Callable[[str], str]) -> Iterator[Body]:
    for entry in entries:
        if entry.kind == Kind.FAILED and entry.body.get("final"):
            about = f"{title(str(entry.body['op']))}: failed for good. {entry.body['problem']}"
            question = "Could this have been seen before the incident, by a drill or by the doctor's checks?"
            yield _point("failure", about, question, entry.seq)


def _unknown(facts: Sequence[Body]) -> Iterator[Body]:
    for fact in facts[:MAXIMUM_UNKNOWN]:
        ask = f" {fact['ask'].rstrip('.')}{'' if fact['ask'].endswith('?') else '.'}" if fact["ask"] else ""
        yield _point("unknown", f"{_plain(fact['name'])}.{ask}", "Can it be known next time, and where would it stand?")
    if len(facts) > MAXIMUM_UNKNOWN:
        more = len(facts) - MAXIMUM_UNKNOWN
        words = "1 more fact is not known." if more == 1 else f"{more} more facts are not known."
        yield _point("unknown", words, "Which of them would have changed a decision?")


def _plain(name: object) -> str:
    return str(name).replace("_", " ")
