"""What the counts say together: still there, not found any more, or nothing can be said; and what no test can prove.

Decides that one hit on a removed text is a finding, unless texts that nobody trained on are hit as often; that no hit
proves something only where the old version was hit by the same questions often enough; and that silence of a closed
door proves nothing. Leaves asking to the runtime.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from firedoor.core.json_types import Json
from firedoor.core.removal.statistics import Ranks, Rate, power, ranks, rate

ENOUGH = 0.95  # of the power to have seen what is still there
SIGNIFICANT = 0.01
CANNOT_PROVE = (
    "that no other prompt brings the text out: only these were asked",
    "that copies elsewhere are gone: backups, caches, logs, downloads, models that others made",
    "that the model behind this door is the one that other callers get",
    "that what was learned from the data, and is no text, is unlearned",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What one version answered. `hits` are by row; scores are of membership, higher for more familiar."""

    texts: Mapping[str, tuple[int, int]]  # by test: hits, answers; of texts that were removed
    controls: Mapping[str, tuple[int, int]]  # the same of texts that nobody trained on
    shown: tuple[str, ...]  # ids of the rows that came out
    members: Sequence[float]
    strangers: Sequence[float]
    unanswered: int
    closed: int

    @property
    def answered(self) -> int:
        """How many questions were answered."""
        scores = len(self.members) + len(self.strangers)
        return sum(n for _, n in (*self.texts.values(), *self.controls.values())) + scores


@dataclass(frozen=True, slots=True)
class Outcome:
    """One test: `said` is found, not_found or unknown; `why` a sentence."""

    test: str
    said: str
    why: str
    now: Rate | None = None
    before: Rate | None = None
    ranks: Ranks | None = None
    power: float | None = None

    def as_json(self) -> dict[str, Json]:
        """Numbers as text with four digits: a report has no fractions."""
        return {
            "test": self.test, "result": self.said, "why": self.why, "new": _rate(self.now), "old": _rate(self.before),
            "power": _figure(self.power),
            "membership": {
                "members": self.ranks.members, "strangers": self.ranks.strangers, "auc": _figure(self.ranks.auc),
                "p": _figure(self.ranks.p),
            } if self.ranks else None,
        }  # fmt: skip


def outcomes(now: Asked, before: Asked | None) -> list[Outcome]:
    """The outcome of every test that was asked for."""
    found = [_of_texts(test, now, before) for test in sorted({*now.texts, *now.controls})]
    if now.members or now.strangers or (before is not None and before.members):
        found.append(_of_members(now, before))
    return found


def together(found: Sequence[Outcome]) -> str:
    """One word for all: found by any is found; not found only by all."""
    said = {one.said for one in found}
    return "found" if "found" in said else "not_found" if said == {"not_found"} else "unknown"


def _of_texts(test: str, now: Asked, before: Asked | None) -> Outcome:
    hits, n = now.texts.get(test, (0, 0))
    chance_hits, chance_n = now.controls.get(test, (0, 0))
    own, chance = rate(hits, n), rate(chance_hits, chance_n)
    old = rate(*before.texts.get(test, (0, 0))) if before is not None else None
    if hits and (not chance_n or own.low > chance.high or not chance_hits):
        return Outcome(test, "found", f"{hits} of {n} answers show what was removed", own, old)
    if hits:
        why = f"{hits} of {n} answers show it, and {chance_hits} of {chance_n} on texts that nobody trained on"
        return Outcome(test, "unknown", f"{why}: chance is not ruled out", own, old)
    return _none(test, own, old)


def _none(test: str, own: Rate, old: Rate | None) -> Outcome:
    """No hit: what that is worth."""
    if not own.n:
        return Outcome(test, "unknown", "nothing was answered", own, old)
    if old is None:
        why = "no hit; without the old version nobody knows whether these questions could have found it"
        return Outcome(test, "unknown", why, own, old)
    seen = power(old, own.n)
    if not old.hits:
        why = f"no hit, and the old version was not hit either in {old.n} answers: the questions may not reach it"
        return Outcome(test, "unknown", why, own, old, power=seen)
    if seen < ENOUGH:
        why = f"no hit; with {own.n} answers what is still there would have been seen only with {seen:.0%}"
        return Outcome(test, "unknown", why, own, old, power=seen)
    why = f"no hit in {own.n} answers, where the old version had {old.hits} in {old.n}"
    return Outcome(test, "not_found", why, own, old, power=seen)


def _of_members(now: Asked, before: Asked | None) -> Outcome:
    own = ranks(now.members, now.strangers)
    old = ranks(before.members, before.strangers) if before is not None else None
    if own is None:
        why = f"{len(now.members)} members and {len(now.strangers)} strangers with a score are too few"
        return Outcome("membership", "unknown", why)
    if own.p < SIGNIFICANT:
        why = f"removed texts are more familiar to it than others (area {own.auc:.2f}, p {own.p:.2g})"
        return Outcome("membership", "found", why, ranks=own)
    if old is None or old.p >= SIGNIFICANT:
        why = "removed texts are not more familiar than others; the old version is not known to differ"
        return Outcome("membership", "unknown", why, ranks=own)
    why = (
        f"removed texts are not more familiar than others (p {own.p:.2g}); in the old version they were (p {old.p:.2g})"
    )
    return Outcome("membership", "not_found", why, ranks=own)


def _rate(one: Rate | None) -> Json:
    if one is None:
        return None
    return {
        "n": one.n, "hits": one.hits, "interval": [_figure(one.low), _figure(one.high)],
        "detectable": _figure(one.detectable),
    }  # fmt: skip


def _figure(value: float | None) -> str | None:
    return None if value is None else f"{value:.4f}"
