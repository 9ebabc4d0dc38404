"""Many questions at once: a list of {id, duty, event, at, tz, facts}, answered one by one.

Decides that a wrong question never stops the others: its place holds an error that
names the field and the nearest valid word. Leaves each answer to `answer`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from firedoor.core.journal import Body
from firedoor.core.problems import FiredoorError, InvalidInput, Problem, nearest
from firedoor.duties.answer import answer
from firedoor.duties.catalogue import Catalogue

KEYS = ("id", "duty", "event", "at", "tz", "facts")


def batch(catalogue: Catalogue, questions: Iterable[object]) -> list[Body]:
    """Return an answer for each question, in order, each with the id that was given (else its number from 1).

    An answer has the keys of `answer`. A question that cannot be answered gives
    {id, error: {code, field, message, do}, problems: [all of them, in that shape]}.
    """
    return [_one(catalogue, number, question) for number, question in enumerate(questions, 1)]


def _one(catalogue: Catalogue, number: int, question: object) -> Body:
    given = question.get("id") if isinstance(question, Mapping) else None
    name = {"id": number if given is None else given}
    try:
        return name | _answer(catalogue, question)
    except FiredoorError as error:
        problems = [_written(problem) for problem in error.problems]
        return {**name, "error": problems[0], "problems": problems}


def _answer(catalogue: Catalogue, question: object) -> Body:
    if not isinstance(question, Mapping):
        raise InvalidInput(_problem("", "a question is an object", f"its keys: {', '.join(KEYS)}"))
    words = [str(key)[:60] for key in question if key not in KEYS]
    problems = [_problem(word, f'"{word}" is no part of a question', nearest(word, KEYS)) for word in words]
    problems += [problem for key in ("duty", "event", "at", "tz") for problem in _text_problems(key, question.get(key))]
    facts = question.get("facts")
    if facts is not None and not isinstance(facts, Mapping):
        problems.append(_problem("facts", "facts are an object of names and values", 'write {"people_affected": 3}'))
    if problems:
        raise InvalidInput([*problems, *_unknown_duty(catalogue, question.get("duty"))])
    duty, event, at, tz = (str(question.get(key) or "") for key in ("duty", "event", "at", "tz"))
    return answer(catalogue, duty, event, at, tz, facts or {})


def _unknown_duty(catalogue: Catalogue, key: object) -> tuple[Problem, ...]:
    if not isinstance(key, str) or not key or key in catalogue:
        return ()
    return (catalogue.unknown(key),)


def _text_problems(key: str, value: object) -> list[Problem]:
    if value is None or value == "":
        needed = {"duty": "name the duty, such as eu.gdpr.art33.sa", "at": "write 2026-10-24T10:00:00+02:00"}
        return [_problem(key, f"{key} is missing", needed[key])] if key in needed else []
    if isinstance(value, str):
        return []
    return [_problem(key, f"{key} is text: got {str(value)[:40]}", "put it in quotation marks")]


def _problem(field: str, message: str, do: str) -> Problem:
    return Problem(code="L107", field=field, message=message, do=do)


def _written(problem: Problem) -> Body:
    field = problem.field or ""
    within = "facts." if problem.code.startswith("F") and field else ""
    return {"code": problem.code, "field": within + field, "message": problem.message, "do": problem.do}
