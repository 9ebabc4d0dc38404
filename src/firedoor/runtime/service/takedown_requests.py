"""Requests of strangers, from the door to the incident: kept first, then taken up, looked at and added to by a link.

Decides that an answer is given once a request is on disk, and that the same work is done for every one before that;
that an incident takes it up afterwards: the open one in which the same person asked or which is about the same content,
else a new one by the start rules that an alert meets; and that what no incident has taken up is tried again. Leaves the
law to the core, and who may send how much to `door_limits`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from firedoor.core.alerts.alert import Alert, Method
from firedoor.core.canonical import digest
from firedoor.core.clocks.first_answer import first_answer
from firedoor.core.isolated import fault_of
from firedoor.core.lifecycle import IncidentType
from firedoor.core.person import Person
from firedoor.core.problems import Problem, Refused
from firedoor.core.requests.request import DISPUTED, LetterKind
from firedoor.core.requests.submission import Submission
from firedoor.core.tasks.request_actions import Told
from firedoor.core.tasks.withdrawals import may_be_a_child
from firedoor.core.ternary import NO, UNKNOWN, YES
from firedoor.runtime.repeating import Failing, attempt
from firedoor.runtime.service.facade import Service
from firedoor.runtime.service.requests import requests_told
from firedoor.store.database.sql import table
from firedoor.store.database.tables import AlertRow
from firedoor.store.identity import takedown_requests as store
from firedoor.store.identity.shared_secrets import house_secret
from firedoor.store.identity.takedown_requests import Kept

SOURCE = "takedown-requests"
BELONGS = "the same person asked there, or somebody about the same content"
SHOWN = "number and status page, in the answer to the request"  # what a confirmation of receipt is here
PROOFS = "report-form"  # the name of the key
AGAIN = 30.0  # seconds between two looks at what no incident has taken up
BY = Person("report page", frozenset(), f"source:{SOURCE}")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the sender is given at once. `secret` is in the address of the status page and shown this once."""

    number: str
    secret: str
    missing: tuple[str, ...]
    due: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a request stands. `told` is the request as every door shows it; empty until an incident has taken it up.

    `disputes` are the complaints about its answer, in the same form.
    """

    kept: Kept
    told: dict[str, object]
    disputes: tuple[Mapping[str, object], ...] = ()
    child: bool = False  # whether the person shown is, as far as the incident knows, under 18


class TakedownRequests:
    """The calls of the door for strangers."""

    def __init__(self, service: Service) -> None:
        self.service, self.world = service, service.world
        self._one_by_one = asyncio.Lock()
        self._wake = asyncio.Event()
        self._proof_key = b""

    async def receive(self, said: Submission, once: str = "") -> Receipt:
        """Keep a request; on disk when this returns. Raises InvalidInput for a law that is not known.

        The same words under the same key `once` are answered as they were the first time.
        """
        now = self.world.now()
        told = await asyncio.to_thread(first_answer, self.world.law, said, now)
        kept, secret = await asyncio.to_thread(store.keep, self.world.store, said, now, once)
        if kept.received_at != now:
            told = await asyncio.to_thread(first_answer, self.world.law, said, kept.received_at)
        self._wake.set()
        return Receipt(kept.number, secret, told.missing, told.due)

    async def receive_mail(self, said: Submission, key: str, received_at: datetime | None) -> Receipt:
        """Keep what people read of an e-mail. It counts from when our server had it, at the latest from now.

        The same message again is the same request, whenever that is.
        """
        now = self.world.now()
        came = min(received_at or now, now)
        told = await asyncio.to_thread(first_answer, self.world.law, said, came)
        kept, secret = await asyncio.to_thread(
            lambda: store.keep(self.world.store, said, came, f"mail:{key}", lasts=timedelta(days=36500))
        )
        self._wake.set()
        return Receipt(kept.number, secret, told.missing, told.due)

    async def proof_key(self) -> bytes:
        """The key of the tokens that a proof is made for; all processes have the same."""
        if not self._proof_key:
            self._proof_key = await asyncio.to_thread(house_secret, self.world.store, PROOFS)
        return self._proof_key

    async def standing(self, secret: str) -> Standing | None:
        """How the request of a status page stands; None for a secret that nobody was given."""
        kept = await asyncio.to_thread(store.by_secret, self.world.store, secret)
        if kept is None or not kept.incident:
            return None if kept is None else Standing(kept, {})
        view, plan = await self.service.view(kept.incident), await self.service.plan_of(kept.incident)
        told = await asyncio.to_thread(requests_told, self.world, plan, view)
        own = dict(next((one for one in told if one["id"] == kept.request), {}))
        disputed = f"{own.get('reference', kept.number)}{DISPUTED}"
        disputes = tuple(one for one in told if one["reference"] == disputed)
        return Standing(kept, own, disputes, may_be_a_child(view))

    async def add(self, kept: Kept, said: Submission, why: str) -> None:
        """Add to a request that an incident has taken up. Raises Refused where it was answered."""
        came = {name: answer for name, answer in said.elements.items() if answer == "yes"}  # what is not said now stays
        told = replace(_told(kept, said), elements=came)
        await self.service.complete_request(kept.incident, kept.request, None, told, why, BY)

    async def withdraw(self, kept: Kept, places: Sequence[str], why: str) -> None:
        """Take back these places, with none the whole request. Raises Refused where it was answered."""
        words = f"Withdrawn by the status page. {why}".strip()
        await self.service.withdraw_request(kept.incident, kept.request, places, words, BY)

    async def dispute(self, kept: Kept, why: str) -> None:
        """The person does not agree with the answer: that is a complaint, with the clocks that laws give it."""
        await self.service.dispute_request(kept.incident, kept.request, why, BY)

    async def forever(self, failing: Failing | None = None) -> None:
        """Take up what came in, at once, and what could not be taken up before, again and again; no fault ends it."""
        while True:
            self._wake.clear()
            await attempt("takedown requests", self.look, failing)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(AGAIN):  # `wait_for` of 3.11 may swallow that the server stops
                    await self._wake.wait()

    async def look(self) -> None:
        """Take up everything that waits, each for itself. Raises the first fault once all have had their turn."""
        await asyncio.to_thread(store.prepare, self.world.store)
        faults = []
        for number in await asyncio.to_thread(store.waiting, self.world.store):
            try:
                await self.take_up(number)
            except Exception as error:  # noqa: BLE001 - one person's request must not hold up another's
                log.warning("the request %s is not taken up yet: %s", number, fault_of(error).words)
                faults.append(error)
        if faults:  # health says so for as long as it lasts
            raise faults[0]

    async def take_up(self, number: str) -> None:
        """Give a request to its incident; nothing happens where it has one."""
        async with self._one_by_one:  # two requests of one person that come at once are one incident
            kept = await asyncio.to_thread(store.by_number, self.world.store, number)
            if kept is None or kept.incident or kept.said is None:
                return
            incident = await asyncio.to_thread(store.joins, self.world.store, number)
            found = await self._given(kept, kept.said, (incident, BELONGS) if incident else None)
            if found:
                await asyncio.to_thread(store.taken_up, self.world.store, number, *found)

    async def _given(self, kept: Kept, said: Submission, belongs: tuple[str, str] | None) -> tuple[str, str] | None:
        """By an alert, so that its rules decide; None where they leave it to people, who see the alert."""
        if not (incident := await asyncio.to_thread(self._incident_of, kept)):
            await self.service.take_in(_alert(kept, said), belongs)
            incident = await asyncio.to_thread(self._incident_of, kept)
        if not incident:
            return None
        view = await self.service.view(incident)
        request = next((one.id for one in view.requests.values() if one.reference == kept.number), "")
        if not request:  # never another's, however alike they are: who holds the link reads and adds
            message = f"{incident} has the alert of {kept.number} and no request of that number"
            raise Refused(Problem(code="Q116", message=message, do="`firedoor audit` says what cannot be read"))
        await self.service.complete_request(incident, request, None, _told(kept, said), _why(said), BY)
        if not said.unasked:  # who wrote an e-mail was shown nothing yet
            await self.service.note_letter(
                incident, request, LetterKind.ACKNOWLEDGEMENT, kept.received_at, f"{kept.number}: {SHOWN}", BY
            )
        return incident, request

    def _incident_of(self, kept: Kept) -> str:
        """The incident to which the alert of a request belongs by now; "" for none."""
        columns = table(AlertRow).c
        same = (columns.source == SOURCE) & (columns.fingerprint == kept.fingerprint)
        return next((str(row["incident"]) for row in self.world.store.rows(AlertRow, same) if row["incident"]), "")


def _told(kept: Kept, said: Submission) -> Told:
    return Told(
        elements=said.elements, requester=said.signature, requester_contact=said.contact, reference=kept.number,
        locators=(*said.locators, *(f"{one.algorithm}:{one.value}" for one in said.hashes)),
    )  # fmt: skip


def _why(said: Submission) -> str:
    """The words of the entry: for whom somebody asks, and what they say."""
    age = " They say that the person shown is not under 18." if said.under_18 is NO else ""
    how = "Read from an e-mail" if said.unasked else f"Sent by the report page, {_FOR[said.standing]}"
    return f"{how}.{age} {said.statement}".strip()[:5000]


_FOR = {
    "me": "by the person shown",
    "agent": "by somebody who acts for the person shown",
    "parent": "by a parent or guardian",
    "organisation": "by an organisation",
}


def _alert(kept: Kept, said: Submission) -> Alert:
    """A stranger's word can open the question about a child, and never settle it: whoever did the harm may write it."""
    return Alert(
        source=SOURCE, source_id=kept.number, fingerprint=kept.fingerprint, occurred_at=kept.received_at,
        title="Removal request", incident_type=IncidentType.NONCONSENSUAL_GENERATION, method=Method.REMOVAL_REQUEST,
        possible_minor=YES if said.under_18 is YES else UNKNOWN, content_hashes=said.hashes, locators=said.locators,
        raw_sha256=digest(["takedown-request", kept.number]),
    )  # fmt: skip
