"""The door for requests to remove content, without an account: as JSON, as a form, and how one stands.

Decides how a body is read and what is answered; pictures and other bytes are no form. Leaves the page for people to
`report`, what a request may hold to `core.requests.submission`, and everything that follows to the runtime.
"""

from __future__ import annotations

from collections.abc import Mapping
from secrets import token_bytes
from typing import Annotated
from urllib.parse import parse_qs

import orjson
from fastapi import APIRouter, Depends, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from firedoor.core.clocks.state import is_shadow
from firedoor.core.incident.view import SETTLED_CLOCKS
from firedoor.core.json_types import array_at, objects_at, text_at
from firedoor.core.problems import InvalidInput, NotFound, Problem
from firedoor.core.requests import proof as proofs
from firedoor.core.requests.proof import Proof
from firedoor.core.requests.request import Outcome
from firedoor.core.requests.submission import LANGUAGES, Submission, read
from firedoor.core.requests.validity import ELEMENTS, asked_for
from firedoor.core.ternary import NO
from firedoor.interfaces.web.http.responses import JSON, Unsupported, answer, problem_body
from firedoor.interfaces.web.public.door_limits import DoorLimits, NeedsProof
from firedoor.interfaces.web.security.auth import Running, runtime_of
from firedoor.runtime.process.application import Runtime
from firedoor.runtime.service.takedown_requests import Standing
from firedoor.store.identity.takedown_requests import LONGEST_KEY, SHORTEST_KEY


def need_open_door(request: Request) -> None:
    """Nothing is at these addresses where the installation takes no requests of strangers."""
    if not runtime_of(request).settings.reports:
        raise HTTPException(404)


router = APIRouter(prefix="/api/v1", tags=["takedown requests"], dependencies=[Depends(need_open_door)])

PROOF = "Firedoor-Proof"
FORM = "application/x-www-form-urlencoded"
MAXIMUM_FIELDS = 500
STATUS = "/report/status/"
PAGE, ASKED = "/report", "/api/v1/takedown-requests"
EMBEDDED = frozenset((PAGE, ASKED))  # where the form of a platform's own page may lead
EXAMPLE = {
    "person": {"is": "me", "contact": "person@example.org"}, "locators": ["https://example.org/post/8812"],
    "statement": "It shows me, it was made by a machine, and I did not agree.", "signature": "Invented Person",
    "declares": ["no_consent", "intimate", "standing", "truth"], "language": "en",
}  # fmt: skip
ACCEPTED = {
    "number": "TR-7K3MQ-9XW2D", "status_url": "https://firedoor.example.org/report/status/SECRET", "missing": [],
    "due": "2026-11-23T10:00:00+00:00",
}  # fmt: skip


def limits_of(request: Request) -> DoorLimits:
    """How much strangers may send to this process."""
    limits: DoorLimits = request.app.state.door_limits
    return limits


Limits = Annotated[DoorLimits, Depends(limits_of)]


@router.post(
    "/takedown-requests", status_code=202, summary="Ask for content to be removed; no account is needed",
    openapi_extra={"requestBody": {"required": True, "content": {
        JSON: {"schema": {"type": "object"}, "example": EXAMPLE}, FORM: {"schema": {"type": "object"}},
    }}},
    responses={202: {"description": "Stored.", "content": {JSON: {"example": ACCEPTED}}}},
)  # fmt: skip
async def ask(request: Request, runtime: Running, limits: Limits) -> Response:
    """The answer comes once it is on disk: its number, the address of its status page, and what it still needs.

    The same body with the same `Idempotency-Key` within a day is answered with the same number and address.
    """
    key, proof = key_of(request), proof_of(request)
    now, secret = runtime.world.now(), await runtime.takedowns.proof_key()
    try:
        limits.admit(address_of(request), proofs.shown(secret, proof, now), proof.token, key or proof.token)
    except NeedsProof as error:
        return _challenge(error, proofs.new_token(secret, now, token_bytes(proofs.RANDOM)))
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    said = read_json(await request.body()) if kind == JSON else read_form(await _form(request, kind))
    receipt = await runtime.takedowns.receive(said, key or proof.token)
    where = f"{origin(runtime, request)}{STATUS}{receipt.secret}"
    body = {"number": receipt.number, "status_url": where, "missing": list(receipt.missing)}
    if receipt.due is not None:
        body["due"] = receipt.due.isoformat()
    return answer(body, 202, {"Location": where, "Referrer-Policy": "no-referrer"})


def _challenge(error: NeedsProof, token: str) -> Response:
    """Too many: with the token that a proof is made for."""
    headers = {"Retry-After": str(error.seconds), PROOF: token, f"{PROOF}-Bits": str(proofs.BITS)}
    return answer(problem_body(error.problems), error.http_status, headers)


def proof_of(request: Request) -> Proof:
    """The token, and the number that solves it, in one header with a space between them."""
    token, _, number = request.headers.get(PROOF, "")[:200].strip().partition(" ")
    return Proof(token, number.strip())


async def the_standing(runtime: Runtime, secret: str) -> Standing:
    """How a request stands. Raises NotFound alike for every address that is none."""
    found = await runtime.takedowns.standing(secret)
    if found is None:
        do = "check that the address is complete; a lost one cannot be made again"
        raise NotFound(Problem(code="Q113", message="no request has this address", do=do))
    return found


def shown(found: Standing, language: str = "") -> dict[str, object]:
    """What the person is told of their request, and nothing of what people here say among themselves."""
    told = found.told
    closing = told.get("answer")
    return {
        "number": found.kept.number, "received_at": found.kept.received_at.isoformat(),
        "status": told.get("status", "received"), "due": _first_due(told),
        "missing": _missing(told, language or found.kept.language),
        "copies": told.get("receipt"),
        "answer": _answer(closing) if isinstance(closing, Mapping) else None,
        "withdrawn": [
            {"at": one["at"], "locators": one["request_locators"]} for one in objects_at(told, "withdrawals")
        ],
        "disputes": [_dispute(one) for one in found.disputes],
    }  # fmt: skip


def _dispute(told: Mapping[str, object]) -> dict[str, object]:
    """A complaint about the answer: when it came, its first limit, and what came of it."""
    closing = told["answer"]
    return {
        "received_at": told["received_at"], "status": told["status"], "due": _first_due(told),
        "answer": _answer(closing) if isinstance(closing, Mapping) else None,
    }  # fmt: skip


def key_of(request: Request) -> str:
    """The `Idempotency-Key` of a program, with or without quotes; "" for none. Raises InvalidInput for a weak one."""
    given = request.headers.get("idempotency-key")
    if given is None:
        return ""
    key = given.strip().removeprefix('"').removesuffix('"')
    if not (SHORTEST_KEY <= len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        message = f"must be {SHORTEST_KEY} to {LONGEST_KEY} printable characters"
        do = "send a new random value, such as a UUID, with every request, and the same one when you repeat it"
        raise InvalidInput(Problem(code="Q121", field="Idempotency-Key", message=message, do=do))
    return key


def _missing(told: Mapping[str, object], language: str) -> list[str]:
    """The sentences that ask for the rest, in a language of the person's."""
    asked = {sentence for sentence in array_at(told, "ask") if isinstance(sentence, str)}
    names = [name for name, sentence in ELEMENTS.items() if sentence in asked]
    return list(asked_for(names, dict.fromkeys(names, NO), language))


def _answer(closing: Mapping[str, object]) -> dict[str, object]:
    """The outcome; of a refusal the reasons too, which whoever refuses writes for the person."""
    names = ("outcome", "at", "why") if closing["outcome"] == Outcome.REFUSED else ("outcome", "at")
    return {name: closing[name] for name in names}


def read_json(body: bytes) -> Submission:
    """Read a body of a program. Raises InvalidInput."""
    try:
        return read(orjson.loads(body))
    except orjson.JSONDecodeError:
        raise InvalidInput(Problem(code="W120", message="the body is not JSON", do="send one JSON object")) from None


def read_form(given: Mapping[str, list[str]], *, further: bool = False) -> Submission:
    """Read a form: one place or hash in a line. Raises InvalidInput."""
    one = {name: values[0].strip() for name, values in given.items()}
    body: dict[str, object] = {"person": {"is": one.get("is", ""), "contact": one.get("contact", "")}}
    body |= {name: one[name] for name in ("statement", "signature", "law") if one.get(name)}
    if one.get("language") in LANGUAGES:
        body["language"] = one["language"]
    if one.get("age_under_18") in ("yes", "no", "unknown"):
        body["age_under_18"] = one["age_under_18"]
    if "asked" in one:  # the form shows the declarations, so one that is not ticked was not made
        body["declares"] = given.get("declares", [])
    body["locators"] = _lines(given.get("locators", []))
    body["hashes"] = [dict(zip(("algorithm", "value"), line.partition(":")[::2], strict=True))
                      for line in _lines(given.get("hashes", []))]  # fmt: skip
    return read(body, further=further)


async def form_of(request: Request) -> dict[str, list[str]]:
    """The fields of a form. Raises Unsupported for anything that can carry a file, InvalidInput for too many."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return await _form(request, kind)


def address_of(request: Request) -> str:
    """From where somebody asks, as far as the server or its trusted proxy knows."""
    return request.client.host if request.client else ""


def origin(runtime: Runtime, request: Request) -> str:
    """The address under which people reach this server, without a slash at its end."""
    settings = runtime.settings
    own = settings.report_url or ("" if settings.report_port else settings.public_url)
    return own or str(request.base_url).rstrip("/")


async def _form(request: Request, kind: str) -> dict[str, list[str]]:
    if kind != FORM:
        message = "files are not taken in here, nor anything else that is no form"
        raise Unsupported(Problem(code="Q111", message=message, do=f"send {JSON} or {FORM}; never the picture itself"))
    try:
        text = (await request.body()).decode("utf-8")
        return parse_qs(text, keep_blank_values=True, max_num_fields=MAXIMUM_FIELDS)
    except ValueError:
        message = f"the form is not UTF-8, or has more than {MAXIMUM_FIELDS} fields"
        raise InvalidInput(Problem(code="W114", message=message, do="send fewer")) from None


def _lines(values: list[str]) -> list[str]:
    return [line.strip() for value in values for line in value.splitlines() if line.strip()]


def _first_due(told: Mapping[str, object]) -> str | None:
    clocks = [clock for clock in objects_at(told, "clocks")
              if clock.get("state") not in SETTLED_CLOCKS and not is_shadow(text_at(clock, "assumption"))]  # fmt: skip
    return min((text_at(clock, "due") for clock in clocks if clock.get("due")), default=None)
