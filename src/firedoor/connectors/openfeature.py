"""OpenFeature flags from flagd's source file: turn a flag off in the JSON that flagd and in-process providers read.

flagd has no call that changes a flag, so the door is its source. Decides that a flag which is DISABLED, or which gives
everybody its off variant, is a closed door, and that our mark stands in the flag's metadata. The file has the form of
https://flagd.dev/reference/flag-definitions/. Leaves changing a file whole or not at all to `parts.kept_file`, and the
order of things to `parts.door_connector`.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from firedoor.connectors.parts import kept_file
from firedoor.connectors.parts.door_connector import Description, DoorConnector, Live, Work
from firedoor.core.ports import Members, PlannedCall
from firedoor.core.problems import Problem, Refused, Unanswered
from firedoor.core.targets import Door, Part, Target
from firedoor.core.ternary import of

_MARK = "firedoor.closed_by"
_KEPT = ("state", "defaultVariant", "targeting", "variants")


class OpenFeatureDoor(Part):
    """One flag in one file. With `off_variant` everybody gets that variant; without, the flag is DISABLED.

    A disabled flag gives applications the default that stands in their own code; an off variant does not depend on it.
    """

    file: str = Field(pattern=r"^/.*\.json$")
    flag: str = Field(min_length=1, max_length=255)
    off_variant: str | None = Field(default=None, min_length=1)
    blast_radius: tuple[str, ...] = ()


class OpenFeatureConnector(DoorConnector[OpenFeatureDoor]):
    """Changes the file of flags; see docs/how-to/connect-with-feature-flags.md."""

    kind: ClassVar[str] = "openfeature"
    Config = OpenFeatureDoor

    def changed_names(self, settings: OpenFeatureDoor) -> frozenset[str]:
        """What turning off changes in the definition; the variants and all else must stay."""
        how = {"state"} if settings.off_variant is None else {"defaultVariant", "targeting"}
        return frozenset({"closed", *how})

    def describe(self, target: Target, door: Door, settings: OpenFeatureDoor) -> Description:  # noqa: ARG002 - the door says it all
        """The file, what is written into it, and who puts it back."""
        off = "DISABLED" if settings.off_variant is None else f"{settings.off_variant} for everybody"
        calls = (
            PlannedCall(verb="capture", summary=f"read {settings.flag} in {settings.file}"),
            PlannedCall(
                verb="suspend", summary=f"replace {settings.file} with {settings.flag} {off}, and our mark in it"
            ),
            PlannedCall(verb="resume", summary=f"replace {settings.file} with {settings.flag} as captured"),
        )
        fallback = (
            () if settings.off_variant else ("applications fall back to the default in their code: it must be off",)
        )
        touched = (
            f"every application whose flagd or provider reads {settings.file}; who reads another copy is not stopped",
            "a deployment, a ConfigMap or a synchronised repository that owns the file writes the old one back",
            *fallback,
            "providers hear of it when they next look at the file; a request that is being answered is finished",
        )
        rights = (f"read and replace files in {Path(settings.file).parent}",)
        return Description(calls, (*touched, *settings.blast_radius), rights)

    async def look(self, target: Target, door: Door, settings: OpenFeatureDoor) -> Live:  # noqa: ARG002 - the door says it all
        """Read the flag. Raises Unanswered when the file does not hold it, or could not be replaced."""
        _, flag = await asyncio.to_thread(_read, settings)
        return self._live(flag, settings)

    async def close(self, work: Work[OpenFeatureDoor]) -> Members:
        """Replace the file, if the flag still is as it was seen."""
        off = work.settings.off_variant
        change: Members = {"state": "DISABLED"} if off is None else {"defaultVariant": off, "targeting": {}}
        if off is not None and off not in (work.live.state.get("variants") or {}):
            message = f"{work.settings.flag} has no variant {off!r}"
            raise Unanswered(Problem(code="K207", message=message, do="compare `off_variant` with the file"))
        return await asyncio.to_thread(self._replace, work, change, work.mark)

    async def open(self, work: Work[OpenFeatureDoor]) -> Members:
        """Put the captured parts back and take our mark away."""
        names = self.changed_names(work.settings) - {"closed"}
        return await asyncio.to_thread(self._replace, work, {name: work.snapshot.state[name] for name in names}, None)

    def _live(self, flag: Members, settings: OpenFeatureDoor) -> Live:
        everybody = flag.get("defaultVariant") == settings.off_variant and not flag.get("targeting")
        closed = flag.get("state") == "DISABLED" or (settings.off_variant is not None and everybody)
        kept = {name: flag.get(name) for name in _KEPT}
        mark = _metadata(flag).get(_MARK)
        return Live(state={"closed": closed, **kept}, closed=of(closed), at=self._context.now(), mark=mark)

    def _replace(self, work: Work[OpenFeatureDoor], change: Members, mark: str | None) -> Members:
        document, flag = _read(work.settings)
        if self._live(flag, work.settings).state != work.live.state:
            message = f"{work.settings.flag} was changed while we were about to"
            raise Refused(Problem(code="K206", message=message, do="look at it, capture the state again, then decide"))
        for name, value in change.items():
            flag[name] = value
            if value is None:  # it was not there when it was captured
                del flag[name]
        metadata = {name: text for name, text in _metadata(flag).items() if name != _MARK}
        flag["metadata"] = {**metadata, **({_MARK: mark} if mark else {})}
        if not flag["metadata"]:
            del flag["metadata"]
        kept_file.replace(Path(work.settings.file), json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        return {"file": work.settings.file}


def _read(settings: OpenFeatureDoor) -> tuple[Members, Members]:
    """Return the document and, within it, the flag. Raises Unanswered when there is none that could be changed."""
    path = Path(settings.file)
    kept_file.may_change(path.parent)
    try:
        document: Members | None = json.loads(kept_file.read(path) or "null")
    except ValueError as error:
        raise _unreadable(f"{path} is no JSON: {error}") from None
    document = document if isinstance(document, dict) else {}
    flags = document.get("flags")
    flag = flags.get(settings.flag) if isinstance(flags, dict) else None
    if isinstance(flag, dict) and flag.get("state") in ("ENABLED", "DISABLED"):
        return document, flag
    raise _unreadable(f"{path} holds no flag {settings.flag!r} with a state")


def _unreadable(message: str) -> Unanswered:
    return Unanswered(Problem(code="K207", message=message, do="compare the door with the file; nothing was changed"))


def _metadata(flag: Members) -> Members:
    found = flag.get("metadata")
    return found if isinstance(found, dict) else {}
