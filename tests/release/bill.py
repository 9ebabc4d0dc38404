"""The bill of materials of a build, in CycloneDX 1.6: every distribution that comes with Firedoor, and who asks for it.

Written from the lock file, and from the metadata of what is installed for licences. The same lock file gives the same
bytes: it bears no time, and its number follows from what it says.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, metadata

from cyclonedx.model import Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from tests.release.locked import ROOT, SELF, Build, Pin, project

FILE = ROOT / "requirements" / "firedoor.cdx.json"


def bill(build: Build) -> str:
    """The bill of a build as JSON; its licences are those of the distributions that are installed here."""
    itself = _itself(build.version)
    parts = {pin.name: _part(pin, required=pin.name in build.required()) for pin in build.pins}
    bom = Bom(components=parts.values(), serial_number=_number(build))
    bom.metadata.component = itself
    bom.register_dependency(itself, [parts[name] for name in build.direct | build.optional])
    for name, part in parts.items():
        bom.register_dependency(part, [parts[pin.name] for pin in build.pins if name in pin.asked_by])
    said = json.loads(JsonV1Dot6(bom).output_as_string())
    del said["metadata"]["timestamp"]
    return json.dumps(said, indent=1, sort_keys=True) + "\n"


def faults(text: str) -> str:
    """What the schema of CycloneDX says against a bill; nothing where it holds."""
    found = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text, all_errors=True) or ()
    return "; ".join(str(one.data.message) for one in found)


def _itself(version: str) -> Component:
    return Component(
        name=SELF, version=version, type=ComponentType.APPLICATION, bom_ref=SELF,
        purl=PackageURL("pypi", None, SELF, version),
        licenses=[LicenseExpression(project()["license"])], description=project()["description"],
    )  # fmt: skip


def _part(pin: Pin, *, required: bool) -> Component:
    return Component(
        name=pin.name, version=pin.version, type=ComponentType.LIBRARY, bom_ref=f"{pin.name}=={pin.version}",
        purl=PackageURL("pypi", None, pin.name, pin.version), licenses=_licences(pin),
        scope=ComponentScope.REQUIRED if required else ComponentScope.OPTIONAL,
        properties=[Property(name="firedoor:marker", value=pin.marker)] if pin.marker else (),
    )  # fmt: skip


def _licences(pin: Pin) -> Iterable[LicenseExpression | DisjunctiveLicense]:
    """What the distribution says of itself; nothing where another version, or none, is installed here."""
    try:
        said = metadata(pin.name)
    except PackageNotFoundError:
        return ()
    if said["Version"] != pin.version:
        return ()
    if said["License-Expression"]:
        return (LicenseExpression(said["License-Expression"]),)
    classified = [
        line.rpartition(" :: ")[2] for line in said.get_all("Classifier") or () if line.startswith("License ::")
    ]
    one_line = [line for line in (said["License"] or "",) if line and "\n" not in line]
    return tuple(DisjunctiveLicense(name=name) for name in sorted({*classified} or {*one_line}))


def _number(build: Build) -> uuid.UUID:
    said = "\n".join([build.version, *(f"{pin.name}=={pin.version} {pin.marker}" for pin in build.pins)])
    return uuid.uuid5(uuid.NAMESPACE_URL, said)
