"""Performs what a plan asks about copies of content: find and remove them, block hashes, prove that they are gone.

Decides that nothing is believed that was not looked at, that one copy's trouble keeps no other from being removed, and
that a proof which fails writes down what was seen and names what is left. Leaves what a copy is and what proves it to
`core`, and the calls to the store's drivers. Content is never read: only hashes, places and statuses.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urljoin

from firedoor.core.entries.copies import CopySaid
from firedoor.core.execution import copies as rules
from firedoor.core.execution.turn import Launch
from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Body, Draft
from firedoor.core.playbook.plan import Call
from firedoor.core.problems import FiredoorError, InDoubt, InvalidInput, Problem, Unanswered
from firedoor.core.removal.copy import Copy, CopyState, How, copy_id
from firedoor.core.removal.drawn import drawn
from firedoor.core.removal.matching import MAXIMUM_COPIES, Search, Wanted
from firedoor.core.removal.noting import noted
from firedoor.core.removal.ports import ContentSystem, Look, Saw
from firedoor.core.targets import Target
from firedoor.core.ternary import NO, YES
from firedoor.runtime.config.container import World
from firedoor.runtime.removal.canary import canary_hashes

FEW = 4  # calls to one store at once
NO_INDEX = "the inventory names no index of hashes, so only the places that people named are known"
NOT_TRIED = "not tried: the inventory does not say how to upload"
Performed = tuple[tuple[Draft, ...], str, Body]


class NotProved(Unanswered):
    """Something is not as it must be. What was seen meanwhile is written down all the same."""

    def __init__(self, drafts: tuple[Draft, ...], code: str, message: str, do: str) -> None:
        super().__init__(Problem(code=code, message=message[:1900], do=do))
        self.drafts = drafts


async def about_copies(world: World, view: IncidentView, target: Target, launch: Launch, call: Call) -> Performed:
    """Perform one operation. Returns the entries, the outcome and the result to show."""
    work = _Work(view, target.id, world.stores(target), launch)
    match call.verb:
        case "find":
            return await work.find()
        case "remove":
            return await work.remove()
        case "block":
            drafts, outcome, result = await work.block(world)
            return drafts, outcome, result
        case _:
            return await work.prove()


class _Work:
    def __init__(self, view: IncidentView, store: str, system: ContentSystem, launch: Launch) -> None:
        self.view, self.store, self.system = view, store, system
        self.op, self.key = launch.instance.id, launch.key
        operation = launch.instance.operation
        self.block_op = f"{operation.step}.block{self.op.removeprefix(operation.id)}"
        self.copies = dict(view.copies)  # as this operation has changed them

    async def find(self) -> Performed:
        search = await self._search()
        if len(search.found) > MAXIMUM_COPIES:
            message = f"there are over {MAXIMUM_COPIES} copies at {self.store}"
            raise InvalidInput(
                Problem(code="R122", message=message, do="remove them in bulk with the store's own tools")
            )
        drafts = rules.newly_found(self.view, self.store, self.system.key_of, search, self.op)
        fresh = [said for draft in drafts for said in draft.body["copies"]]
        waiting = {CopyState.FOUND, CopyState.CANDIDATE}
        open_ones = rules.undecided(self.view, self.store) or [one for one in fresh if one["state"] in waiting]
        result: Body = {
            "target": self.store, "looked_at": search.looked_at, "copies": _counted(one["state"] for one in fresh),
        }  # fmt: skip
        if search.not_looked:
            result["not_looked"] = list(search.not_looked)
        return drafts, "found" if open_ones else "none", result

    async def remove(self) -> Performed:
        wanted = rules.to_remove(self.view, self.store, approved=True)
        drafts, failed = await self._removed(wanted)
        if failed:
            raise NotProved(
                drafts, "R123", f"{self.store}: {_names(failed)}", "see whether the store is up, or remove it by hand"
            )
        return drafts, "done", {"target": self.store, "copies": {str(CopyState.REMOVED): len(wanted)}}

    async def block(self, world: World) -> Performed:
        words = self._words()
        wanted = (await self._search()).wanted
        hashes = [("sha256", one) for one in sorted(wanted.sha256)] + [("pdq", one) for one in sorted(wanted.pdq)]
        hashes += canary_hashes(words)
        failed: list[str] = []
        count = 0
        for algorithm, value in hashes:
            try:
                await self.system.block(algorithm, value, f"{self.key}:{value[:12]}")
                count += 1
            except InDoubt as error:
                count += await self.system.blocked(algorithm, value) is YES
                failed.append(str(error.problems[0].message))
            except Unanswered as error:
                failed.append(str(error.problems[0].message))
        await world.note_blocked(self.view.id, self.store, hashes)
        if failed:
            message = f"{self.store}: {len(failed)} of {len(hashes)} hashes are not on the blocklist: {failed[0]}"
            raise NotProved((), "R124", message, "see whether the filter is up, or block them by hand")
        return (), "done", {"target": self.store, "blocked": count, "test_picture": _sha256(drawn(words))}

    async def prove(self) -> Performed:
        again, failed = await self._removed(rules.to_remove(self.view, self.store, approved=False))
        looks = await self._looks()
        uploads, found, upload = await self._uploads()
        lists = await self._lists()
        view = replace(self.view, copies=self.copies)
        proof = rules.proof(view, self.store, looks, [*uploads, *lists], self.op)
        drafts = (*again, *proof.drafts, *noted(self.store, found, self.op))
        open_ones = [*proof.open, *(f"{name}: could not be removed again ({why})" for name, why in failed)]
        if open_ones:
            message = f"{self.store}: {'; '.join(open_ones)}"
            raise NotProved(
                drafts, "R125", message, "remove what is left; it is looked at again by itself, then you are asked"
            )
        return drafts, "done", {"target": self.store, "copies": dict(proof.counts), "upload": upload}

    async def _search(self) -> Search:
        wanted = rules.wanted_of(self.view)
        if not self.system.has("index"):
            return Search(not_looked=(NO_INDEX,), wanted=wanted)
        return await self.system.search(wanted)

    async def _removed(self, wanted: Sequence[Copy]) -> tuple[tuple[Draft, ...], list[tuple[str, str]]]:
        """Take copies away. Returns the entries, and the names of those that could not be, with why."""
        failed: list[tuple[str, str]] = []

        async def one(copy: Copy) -> CopySaid:
            try:
                done = await self.system.remove(copy.locator, f"{self.key}:{copy.id[:12]}")
            except InDoubt as error:
                if await self.system.removed(copy.locator) is YES:
                    return {"copy": copy.id, "state": CopyState.REMOVED, "why": "the call broke off; it is away"}
                failed.append((copy.name, error.problems[0].message))
            except Unanswered as error:
                failed.append((copy.name, error.problems[0].message))
            else:
                said: CopySaid = {"copy": copy.id, "state": CopyState.REMOVED}
                if done.undo:
                    said["undo"] = done.undo
                if not done.changed:
                    said["why"] = "it was away already"
                return said
            return {"copy": copy.id, "state": CopyState.ASKED, "why": failed[-1][1][:300]}

        said = [one for one in await _few(one(copy) for copy in wanted) if self._changes(one)]
        for change in said:
            self.copies[change["copy"]] = replace(self.copies[change["copy"]], state=CopyState(change["state"]))
        return noted(self.store, said, self.op), failed

    def _changes(self, said: CopySaid) -> bool:
        return said["state"] != self.copies[said["copy"]].state

    async def _looks(self) -> dict[str, tuple[Copy, CopyState, Look]]:
        """Every address, asked by a stranger; where nobody can look from outside, nothing is proved."""
        view = replace(self.view, copies=self.copies)
        hidden = self.system.has("hidden_is_gone")

        async def one(copy: Copy) -> tuple[Copy, Look]:
            if not self.system.has("outside"):
                return copy, Look(Saw.UNKNOWN, detail="the inventory has no address of this store for strangers")
            try:
                return copy, await self.system.look(copy.locator)
            except FiredoorError as error:
                return copy, Look(Saw.UNKNOWN, detail=error.problems[0].message)

        seen = await _few(one(copy) for copy in rules.to_look_at(view, self.store))
        return {copy.id: (copy, rules.seen(copy, look, hidden_is_gone=hidden), look) for copy, look in seen}

    async def _uploads(self) -> tuple[list[str], list[CopySaid], str]:
        """Try our own picture, and the same picture saved again. What got through is a copy to take away."""
        if not self.system.has("upload"):
            return [], [], NOT_TRIED
        words, open_ones, found = self._words(), [], []
        tries = [("the test picture", drawn(words))]
        if any(algorithm == "pdq" for algorithm, _ in canary_hashes(words)) and await self._by_picture(words):
            tries.append(("the test picture, saved again", drawn(words, "again")))
        for name, content in tries:
            look = await self.system.upload(f"firedoor-test-{_sha256(content)[:8]}.png", content)
            if look.saw is Saw.GONE:
                continue
            got = look.saw is Saw.SERVING
            sentence = (
                "got through: an upload that must be refused was taken"
                if got
                else f"could not be tried ({look.detail})"
            )
            open_ones.append(f"re-upload of {name} {sentence}")
            found += self._let_in(look) if got else []
        return open_ones, found, "refused" if not open_ones else "; ".join(open_ones)

    async def _by_picture(self, words: str) -> bool:
        """Whether the filter holds the picture's perceptual hash, so that it must know it again."""
        pdq = next(value for algorithm, value in canary_hashes(words) if algorithm == "pdq")
        return self.system.has("blocklist") and await self.system.blocked("pdq", pdq) is YES

    def _let_in(self, look: Look) -> list[CopySaid]:
        key = self.system.key_of(urljoin(self._upload_url(), look.detail)) if look.detail else None
        if key is None or copy_id(self.store, key) in self.copies:
            return []
        name = copy_id(self.store, key)
        return [
            {"copy": name, "state": CopyState.ASKED, "copy_locator": key, "how": How.UPLOAD, "why": "our own picture"}
        ]

    def _upload_url(self) -> str:
        content = getattr(self.system, "content", None)
        return content.upload.url if content is not None and content.upload is not None else ""

    async def _lists(self) -> list[str]:
        """Whether every hash still stands on the blocklist. One that fell off is put back, and told."""
        block = self.view.operations.get(self.block_op)
        if not self.system.has("blocklist") or block is None or block.status != "finished" or block.by_hand:
            return []
        wanted: Wanted = rules.wanted_of(self.view)
        hashes = [("sha256", one) for one in sorted(wanted.sha256)] + [("pdq", one) for one in sorted(wanted.pdq)]
        missing = [one for one in [*hashes, *canary_hashes(self._words())] if await self.system.blocked(*one) is NO]
        for algorithm, value in missing:
            await self.system.block(algorithm, value, f"{self.key}:{value[:12]}:again")
        count = len(missing)
        return [f"{count} hashes had fallen off the blocklist and were put back" for _ in range(bool(missing))]

    def _words(self) -> str:
        """What the test picture of this incident at this store is drawn from."""
        return f"{self.view.id} at {self.store}"


async def _few(works: Iterable[Coroutine[Any, Any, Any]]) -> list[Any]:
    """Do a few at once, in order."""
    gate = asyncio.Semaphore(FEW)

    async def one(work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401
        async with gate:
            return await work

    return list(await asyncio.gather(*(one(work) for work in works)))


def _counted(states: Iterable[str]) -> dict[str, int]:
    found = list(states)
    return {str(state): found.count(state) for state in dict.fromkeys(found)}


def _names(failed: Sequence[tuple[str, str]]) -> str:
    shown = "; ".join(f"{name} could not be removed ({why})" for name, why in failed[: rules.NAMED])
    return shown + (f"; and {len(failed) - rules.NAMED} more" if len(failed) > rules.NAMED else "")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


Performing = Callable[[World, IncidentView, Target, Launch, Call], Coroutine[Any, Any, Performed]]
