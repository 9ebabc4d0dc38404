"""What the words of consent records mean: purposes, states of consent, legal bases.

Decides which state a ledger's word stands for, and which purposes are other purposes for certain. A word that is in no
table is asked about and never guessed: it counts neither for a person nor against. Leaves columns to `columns`, and
what follows for a person to `standing`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from firedoor.core.problems import InvalidInput, Problem, nearest


class State(IntEnum):
    """What a person's latest entry says. The numbers are written into queries; they order nothing."""

    GRANTED = 1
    WITHDRAWN = 2
    OPTED_OUT = 3
    REFUSED = 4
    OBJECTED = 5
    EXPIRED = 6
    PENDING = 7
    UNKNOWN = 8  # a word that nobody has explained


_STATES: Mapping[State, str] = {
    State.GRANTED: """granted grant given give opt_in opted_in optin in yes y true t 1 1.0 on consented consent consents
        accepted accept active agreed agree allow allowed valid renewed reconfirmed consent_given consentgiven
        renewedconsentgiven explicit subscribed enabled approved signed permitted""",
    State.WITHDRAWN: """withdrawn withdraw withdrawal revoked revoke revocation cancelled canceled rescinded retracted
        consent_withdrawn consentwithdrawn consentrevoked consent_revoked terminated deleted erased""",
    State.OPTED_OUT: "opted_out opt_out optout optedout out unsubscribed do_not_train do_not_sell disabled",
    State.REFUSED: """refused refuse denied deny declined decline rejected reject no n false f 0 0.0 off not_given
        consentrefused consent_refused not_granted disallowed disagree""",
    State.OBJECTED: "objected object objection opposed opposition",
    State.EXPIRED: "expired lapsed consentexpired consent_expired invalid invalidated consentinvalidated",
    State.PENDING: """pending requested asked unanswered notice unknown none consentrequested consent_requested
        consentunknown consentrequestdeferred no_answer not_asked n/a na -""",
}
STATES: Mapping[str, State] = {word: state for state, words in _STATES.items() for word in words.split()}
# Purposes that are no training, whoever writes them. Anything else that is not mapped is asked about.
OTHER_PURPOSES = frozenset((
    "marketing", "email_marketing", "direct_marketing", "newsletter", "advertising", "ads", "personalised_ads",
    "personalized_ads", "analytics", "statistics", "measurement", "personalisation", "personalization", "profiling",
    "support", "customer_support", "service", "service_provision", "contract", "billing", "payment", "invoicing",
    "shipping", "security", "fraud_prevention", "functional", "necessary", "essential", "preferences", "cookies",
    "tracking", "survey", "surveys", "account", "notifications", "sms", "push", "social_media",
    "third_party_marketing",
))  # fmt: skip
# Legal bases other than consent, Art. 6(1) GDPR (b) to (f): they stand without an opt-in, until there is an objection.
OTHER_BASES = frozenset((
    "legitimate_interest", "legitimate_interests", "legitimateinterest", "li", "contract", "contractual",
    "legal_obligation", "vital_interest", "vital_interests", "public_task", "public_interest",
))  # fmt: skip
CONSENT_BASES = frozenset(("consent", "explicit_consent", "opt_in", "", "6_1_a", "art_6_1_a"))


def plain(word: str) -> str:
    """A word as it is compared: lower case, without a prefix such as `dpv:`, with _ for blanks and hyphens.

    >>> plain(" AI-Training "), plain("https://w3id.org/dpv#ConsentGiven")
    ('ai_training', 'consentgiven')
    """
    found = re.sub(r"^(?:https?://\S*[/#]|[a-z]+:(?!//))", "", word.strip(), flags=re.IGNORECASE)
    return re.sub(r"[\s\-.]+", "_", found.strip().lower()) if not _NUMBER.match(found) else found


_NUMBER = re.compile(r"-?\d+(\.\d+)?$")


def state_of(word: str) -> State:
    """The state that a word of a ledger stands for; UNKNOWN for one in no table."""
    return STATES.get(plain(word), State.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Purpose:
    """What is examined: our name of the purpose, and every word of the ledger that means it (our name too)."""

    name: str
    words: frozenset[str]


def purpose(given: str) -> Purpose:
    """Read `ai_training=model_training,training`. Raises InvalidInput for one without a name."""
    name, _, words = given.partition("=")
    if not name.strip():
        message = f'"{given}" names no purpose'
        raise InvalidInput(
            Problem(code="X301", message=message, field="--purpose", do="write --purpose ai_training=their_word")
        )
    every = {plain(name), *(plain(word) for word in words.split(",") if word.strip())}
    return Purpose(plain(name), frozenset(every))


@dataclass(frozen=True, slots=True)
class Sorted:
    """The purposes that a ledger names: those that are meant, those that certainly are not, and those to ask."""

    meant: tuple[str, ...]
    others: tuple[str, ...]
    open: tuple[str, ...]


def sort_purposes(found: Iterable[str], wanted: Purpose, others: frozenset[str]) -> Sorted:
    """Sort a ledger's words, as written there. `others` are those that the asker says mean something else."""
    kinds: dict[str, list[str]] = {"meant": [], "others": [], "open": []}
    for word in sorted(found):
        known = plain(word)
        kind = "meant" if known in wanted.words else "others" if known in others | OTHER_PURPOSES else "open"
        kinds[kind].append(word)
    return Sorted(*(tuple(kinds[kind]) for kind in ("meant", "others", "open")))


def purpose_questions(sort: Sorted, wanted: Purpose) -> list[str]:
    """What has to be asked about purposes, in words for the person who knows the ledger."""
    words = ", ".join((*sort.open, *sort.others)[:20])
    if not sort.meant:
        near = nearest(wanted.name, [plain(word) for word in (*sort.open, *sort.others)])
        said = (
            f"no entry of the ledger is for {wanted.name} ({', '.join(sorted(wanted.words))}); "
            f"it has: {words or 'none'}. "
            f"Which of them mean {wanted.name}? Say --purpose {wanted.name}=WORD,WORD{'; ' + near if near else ''}"
        )
        return [said]
    if sort.open:
        said = (
            f"does {', '.join(sort.open[:20])} mean {wanted.name}? Say --purpose {wanted.name}=WORD if so, "
            "--other-purpose WORD if not; until then nobody is counted by it"
        )
        return [said]
    return []
