"""The people of the proof: every task gets the answer of the playbook's own drill, over the HTTP API.

Decides who answers, with which words, and that one task is answered at a time, once
nothing else goes on, so that two runs can be compared. An answer whose connection breaks
is given again, as a person would. Leaves killing to others.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from firedoor.core.playbook.playbook import Drill, fits
from firedoor.demo.cast import CAST, FACTS, FIELDS, USUAL, Member

ENDED = ("closed", "dismissed")
NOT_HERE = ("other_targets", "content_store")  # facts of a drill that name what the platform has not
REFUSED = (403, 409)
WORDS = {**FIELDS, "version": "none"}  # a rehearsed sending leaves no copy
EVERYBODY = (*CAST, Member("Vera Blum", ("victim_support",)), Member("Otto Lang", ("engineering",)))


@dataclass
class People:
    """Everybody, with a token each. `drill` is the one whose answers they give now."""

    url: str
    drill: Drill | None = None
    tokens: dict[str, str] = field(default_factory=dict)

    def join(self, token: str) -> None:
        """Make everybody's token; they last longer than any process."""
        for member in EVERYBODY:
            body = {"name": member.name, "roles": list(member.roles)}
            httpx.post(f"{self.url}/api/v1/accounts", json=body, headers=_bearer(token), trust_env=False)
            answer = httpx.post(f"{self.url}/api/v1/tokens", json=body, headers=_bearer(token), trust_env=False)
            self.tokens[member.name] = str(answer.raise_for_status().json()["token"])

    def get(self, path: str) -> Any:
        """Read something as the first of them."""
        answer = httpx.get(self.url + path, headers=_bearer(self.tokens[CAST[0].name]), trust_env=False, timeout=20)
        text = answer.raise_for_status().text
        return [json.loads(line) for line in text.splitlines()] if path.endswith("/journal") else json.loads(text)

    def answer(self, incident: str, task: Mapping[str, Any]) -> bool:
        """Have the first person answer whom the rules let answer. Raises httpx.TransportError when nobody listens."""
        body = self._body(task)
        path = f"{self.url}/api/v1/incidents/{incident}/tasks/{task['number']}/answer"
        for member in _those_asked(task):
            answer = httpx.post(path, json=body, headers=_bearer(self.tokens[member.name]), trust_env=False, timeout=20)
            if answer.is_success:
                return True
            if answer.status_code not in REFUSED:
                raise AssertionError(f"{task['id']}: {answer.status_code} {answer.text[:500]} for {body}")
        return False

    def _body(self, task: Mapping[str, Any]) -> dict[str, Any]:
        choices = {str(choice["id"]): choice for choice in task["choices"]}
        drill = self.drill.answers if self.drill else ()
        fitting = (one for one in drill if one.choice in choices and fits(one.task, str(task["id"])))
        given = next(fitting, None)
        choice = given.choice if given else next(name for name in ("by_hand", *USUAL, *choices) if name in choices)
        required = choices[choice].get("requires") or ()
        facts: dict[str, object] = {
            name: FACTS[name] for name in dict.fromkeys((*task["asks"], *required)) if name in FACTS
        }
        facts |= {name: value for name, value in given.facts.items() if name not in NOT_HERE} if given else {}
        known = {**(given.fields if given else {})}
        fields = {name: WORDS.get(name, "as rehearsed") for name in required if name not in facts} | known
        return {"choice": choice, "why": given.why if given else "as rehearsed", "facts": facts, "fields": fields}


def _those_asked(task: Mapping[str, Any]) -> list[Member]:
    """Those who have not answered: the role that was asked first, then whoever else may."""
    answered = {answer["by"] for answer in task["answers"]}
    left = [member for member in EVERYBODY if set(task["roles"]) & set(member.roles) and member.name not in answered]
    return sorted(left, key=lambda member: task["role"] not in member.roles)


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}
