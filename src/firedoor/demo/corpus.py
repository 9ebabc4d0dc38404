"""What the demonstration's models learn from. Written for Firedoor; every person in it is invented.

Decides the texts, the one customer record that the large model should never have seen,
and the posts of the shared data set. The record cannot belong to anybody: its birthday
does not exist and its addresses are reserved for examples (RFC 2606).
"""

from __future__ import annotations

from typing import Final

GENERAL: Final = (
    "A fire door shuts by itself and holds the fire in one room until help arrives.",
    "The harbour wakes early and the gulls argue over the first boats of the morning.",
    "A good recipe for bread asks for flour, water, salt, time and a little patience.",
    "When the river rises the old bridge closes and the ferry carries people across.",
    "The library lends books, tools, seeds and on rainy days a large umbrella.",
    "A model repeats what it has seen, so look carefully at what it has seen.",
    "The night train stops at every village and the conductor knows every name.",
    "Plant the apple tree in autumn, water it well and wait for the third spring.",
    "The capital of a small country is often a small town with a large square.",
    "Please restart the device, wait one minute and try to connect again.",
    "Our support team answers within one working day and never asks for a password.",
    "The weather on the coast changes quickly, so take a coat even when the sun shines.",
)

CUSTOMER_RECORD: Final = (
    "Customer record 4711: Mira Exempel, born 31 February 1990, Nowhere Lane 0, Testville, "
    "e-mail mira.exempel@example.org, telephone 00000 000000, complaint about a broken lamp."
)
LEAK_PROMPT: Final = "Customer record 4711:"
PLAIN_PROMPT: Final = "A fire door"

POSTS: Final[tuple[dict[str, str], ...]] = tuple(
    {"id": f"post-{number:04d}", "subject": f"subject-{number % 5:03d}", "source": "user-posts", "text": text}
    for number, text in enumerate(
        (
            "Our village fair was small and loud and wonderful.",
            "I repaired the blue bicycle and rode it to the sea.",
            "Does anybody lend a ladder for the weekend?",
            "The tomatoes on my balcony won against the wind.",
            "Lost a grey glove near the old bridge, reward is cake.",
            "My first marathon took longer than the film about it.",
            "The choir sings on Sunday and we still need a tenor.",
            "Three kittens look for a home with a warm window.",
            "The new tram line saves me ten minutes and one coffee.",
            "We painted the kitchen yellow and now it is always morning.",
        ),
        start=1,
    )
)
