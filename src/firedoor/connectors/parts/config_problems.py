"""What is wrong with how a door or a probe is described, as problems.

Decides the code of all of them (K101, which `core.problems.faulty` knows) and that each names its field. Leaves the
words to `core.language.validation`, and reading a description to each connector.
"""

from __future__ import annotations

from pydantic import BaseModel, ValidationError

from firedoor.core.language.validation import faults
from firedoor.core.problems import Problem


def config_problems(error: ValidationError, form: type[BaseModel], page: str, prefix: str = "") -> list[Problem]:
    """Every fault, at its field below `prefix`; `page` says where such a description is explained."""
    return [
        Problem(
            code="K101", field=".".join(filter(None, (prefix, fault.field))) or None, message=fault.message,
            do="; ".join(filter(None, (fault.do, page))),
        )
        for fault in faults(error, form)
    ]  # fmt: skip
