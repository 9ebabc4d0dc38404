"""The sources of alerts of an installation: ours, those of other packages, and those that mapping files make.

Decides that the command line, the server and the console read the same sources, that a mapping file counts once it
lies still, and that one which cannot be read keeps what it made when it was last sound, with the problem on show:
a slip of the pen silences no detector. Leaves what a mapping means to `alerts.mapping`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

from firedoor.alerts.mapping import GenericMapping, read_mapping
from firedoor.alerts.registry import sources, with_mapped
from firedoor.alerts.source import AlertSource
from firedoor.core.isolated import problems_of
from firedoor.core.language.yaml_source import read_yaml
from firedoor.core.problems import NotFound, Problem, nearest
from firedoor.runtime.config.rereading import LOOK, is_page, reread, seen
from firedoor.runtime.repeating import Failing

log = logging.getLogger(__name__)


class Sources(Mapping[str, AlertSource]):
    """Every source by its id. `problems` are those of mapping files, by path."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.problems: dict[str, tuple[Problem, ...]] = {}
        self._good: dict[Path, GenericMapping] = {}  # what each file held when it was last sound
        self._known = sources()
        self.refresh()

    def __getitem__(self, name: str) -> AlertSource:
        """A source by its id."""
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        """The ids, in alphabetical order."""
        return iter(self._known)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._known)

    def find(self, name: str) -> AlertSource:
        """A source by its id. Raises NotFound with the nearest name, or because its mapping cannot be read."""
        if name in self._known:
            return self._known[name]
        broken = any(Path(path).stem == name for path in self.problems)
        do = (
            "its mapping cannot be read; `firedoor alert sources` says why"
            if broken
            else nearest(name[:80], self._known)
        )
        message = f'no source of alerts is called "{name[:60]}"'
        raise NotFound(Problem(code="D210", field="source", message=message, do=do))

    def refresh(self) -> bool:
        """Read the mapping files again; return whether that changed a source."""
        before, good, problems = self._good, dict[Path, GenericMapping](), dict[str, tuple[Problem, ...]]()
        known = sources()
        for path in self._files():
            try:
                written = read_yaml(path.read_bytes(), str(path))
                mapping = read_mapping(written.data, written)
                known = with_mapped(known, [mapping])
            except OSError as error:
                found = Problem(code="D202", field=str(path), message=f"cannot be read: {error.strerror}", do="")
                problems[str(path)], kept = (found,), before.get(path)
            except Exception as error:  # noqa: BLE001 - one mapping keeps no other source from being known
                problems[str(path)], kept = problems_of(error, "D203"), before.get(path)
            else:
                good[path] = mapping
                continue
            if kept is not None and kept.source not in known:
                known, good[path] = with_mapped(known, [kept]), kept
        self._good, self._known, self.problems = good, known, problems
        return before != good

    async def forever(self, every: float = LOOK, failing: Failing | None = None) -> None:
        """Look at the files again and again. Ends only by cancellation."""
        await reread("mappings", lambda: seen(self._files()), self.refresh, self._changed, every, failing)

    def _files(self) -> list[Path]:
        if self.folder is None or not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if is_page(path))

    def _changed(self) -> None:
        log.warning("mappings of alerts have changed: %s", ", ".join(one.source for one in self._good.values()))
