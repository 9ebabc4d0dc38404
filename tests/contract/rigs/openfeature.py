"""The rig of the openfeature connector: a file of flags in flagd's form, and an application that reads it at each call.

flagd itself is a program that cannot be installed from a registry here; the application reads the file as it would.
"""

from __future__ import annotations

import ctypes
import json
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import httpx
from tests.contract.connector_suite import TIMEOUT
from tests.parts import free_port
from tests.patience import stop

from firedoor.core.targets import Door, HttpProbe, Inventory, Target

FLAGS = ("chat-large", "chat-small")
APPLICATION = Path(__file__).parents[1] / "rigs_support" / "flag_app.py"
NO_CALL = "a file is replaced by the operating system in one step; there is no answer that could go missing or be wrong"
MOVED_FROM, MOVED_TO, NONBLOCK = 0x40, 0x80, 0o4000


class Replacements:
    """Counts how often a file of a folder was replaced by another, whoever did it (inotify)."""

    def __init__(self, folder: Path, name: str) -> None:
        library = ctypes.CDLL(None, use_errno=True)
        self._name = name
        self._watch = library.inotify_init1(NONBLOCK)
        assert library.inotify_add_watch(self._watch, os.fsencode(folder), MOVED_FROM | MOVED_TO) >= 0
        self.count = 0

    def read(self) -> int:
        """Return how many there were since the count was last set."""
        try:
            heard = os.read(self._watch, 65536)
        except BlockingIOError:
            heard = b""
        while heard:
            _, mask, _, length = struct.unpack_from("iIII", heard)
            name = heard[16 : 16 + length].rstrip(b"\0").decode()
            self.count += mask == MOVED_TO and name == self._name  # the other half keeps two of these from being merged
            heard = heard[16 + length :]
        return self.count

    def close(self) -> None:
        os.close(self._watch)


class Rig:
    """Two flags in one file, each before a model."""

    kind: ClassVar[str] = "openfeature"
    cannot: ClassVar[Mapping[str, str]] = {
        "lie": NO_CALL,
        "hang": NO_CALL,
        "lost": NO_CALL,
        "busy": NO_CALL,
        "overloaded": NO_CALL,
        "overblock": "the whole new file is ours: nobody else adds to what it closes",
        "error": "a disk that fails cannot be staged without rights that the tests may not have",
        "conflict": "it is seen only between a look and a change, which a test of its own stages",
        "wrong key": "a file has no key but the rights of the process",
    }

    def __init__(self) -> None:
        self.environment: dict[str, str] = {}
        self.inventory = Inventory()

    @property
    def target(self) -> Target:
        return self.inventory.targets["chat-large"]

    @property
    def door(self) -> Door:
        return self.target.doors[0]

    def start(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="firedoor-flags-")
        self.file = Path(self._folder.name) / "flags.json"
        self._replacements = Replacements(self.file.parent, self.file.name)
        command = [sys.executable, str(APPLICATION), "flagd", str(self.file)]
        self._application = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.application = f"http://127.0.0.1:{self._application.stdout.readline().strip()}"

    def stop(self) -> None:
        stop(self._application)
        self._replacements.close()
        self._folder.cleanup()

    def reset(self) -> None:
        flag = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on"}
        self.write({name: {**flag, "metadata": {"owner": "chat"}} for name in FLAGS})
        self._replacements.read()
        self._replacements.count = 0
        httpx.delete(f"{self.application}/cache", trust_env=False).raise_for_status()
        self.inventory = self.listing(self.file)

    def effects(self) -> int:
        return self._replacements.read()

    def break_with(self, fault: str) -> None:
        nowhere = f"http://127.0.0.1:{free_port()}"
        if fault == "down":
            gone = self.file.parent / "unmounted" / "flags.json"
            self.replace(doors=self.listing(gone).targets["chat-large"].doors)
        elif fault == "dark":
            for name in FLAGS:
                self.replace(name, probe=HttpProbe(url=nowhere, timeout_seconds=TIMEOUT))
        else:  # half: the application has heard that the flag is on, and does not look again
            httpx.put(f"{self.application}/cache", trust_env=False).raise_for_status()
            httpx.get(f"{self.application}/chat-large", trust_env=False).raise_for_status()

    def change_behind_our_back(self) -> None:
        self.edit("chat-large", variants={"on": True, "off": False, "half": True})

    def close_behind_our_back(self) -> None:
        self.edit("chat-large", state="DISABLED")

    def flags(self) -> dict[str, Any]:
        """Return the flags as the file has them."""
        return dict(json.loads(self.file.read_text())["flags"])

    def edit(self, name: str, **change: Any) -> None:
        """Change a flag in place, as an editor does."""
        flags = self.flags()
        self.write({**flags, name: {**flags[name], **change}})

    def write(self, flags: Mapping[str, Any]) -> None:
        """Write the file in place, which is not counted."""
        self.file.write_text(json.dumps({"$schema": "https://flagd.dev/schema/v0/flags.json", "flags": flags}))

    def replace(self, name: str = "chat-large", **change: Any) -> None:
        """Put a changed target into the inventory."""
        changed = self.inventory.targets[name].model_copy(update=change)
        self.inventory = Inventory(targets={**self.inventory.targets, name: changed})

    def listing(self, file: Path, **config: Any) -> Inventory:
        """The inventory, with this file in the doors."""
        targets = {}
        for name, other in (FLAGS, FLAGS[::-1]):
            door = {"file": str(file), "flag": name, **config}
            targets[name] = {
                "doors": [{"name": "flag", "connector": self.kind, "config": door}],
                "probe": {"url": f"{self.application}/{name}", "timeout_seconds": TIMEOUT},
                "neighbours": [other],
            }
        return Inventory.model_validate({"targets": targets})
