"""The words of the field that screens, help, problems and documents use, and the phrases that they replace.

Decides, for each phrase that nobody outside the project would use, what to write. Leaves finding them to `test_words`.
Names in the journal, commands, options, routes and fields of the API are no prose and keep their names.
"""

from __future__ import annotations

EVERYWHERE = {  # a phrase in any text that people read -> what to write
    "clocks of the law": "legal deadlines",
    "clock of the law": "legal deadline",
    "nothing waits": "no open tasks, or: no messages waiting",
    "nobody answering is never an answer": "if nobody answers in time, it escalates to ...",
    "stands in the journal": "is recorded in the journal",
    "stand in the journal": "are recorded in the journal",
    "beside your name": "with your name",
    "by their word": "the sender did not say which version was sent",
    "this house": "this organisation, or: this installation",
    "worked out anew": "recalculated",
    "break the glass": "break glass",
    "limits that run out next": "next deadlines",
    "no limit runs": "no open legal deadlines",
    "no clock runs": "no open legal deadlines",
    "a fault of ours": "internal error",
}

SCREENS = {  # the same for the console and the help of the command line, which are read in a hurry
    "serves again": "is answering again",
    "idempotency key": "(say nothing of it)",
    "data plane": "verified from outside",
    "outer limit": "fixed deadline",
    "next limit": "next deadline",
    "far end": "the receiving system",
    "by the machine": "automatically",
    "is the watch well": "System health",
    "store well": "database OK",
    "drives well": "workers OK",
    "what waits for": "open tasks",
    "waits for somebody": "needs a second person",
    "waiting for people": "open tasks",
    "with losses": "not completely",
    "no legal advice": "this is not legal advice",
    "what was seen": "result of the check",
    "make an account": "create an account",
    "make a token": "create a token",
    "ways in": "sign-in",
}

TITLES = {  # a heading, a link or a button that says only this
    "left out": "skipped",
    "leave it out": "Skip the operation",
    "leave it": "Cancel",
    "not now": "Cancel",
    "act": "Actions",
    "figures": "Metrics",
    "count": "Apply",
    "clocks": "Legal deadlines",
    "say": "add",
    "health": "System health",
    "security": "Audit log",
}
