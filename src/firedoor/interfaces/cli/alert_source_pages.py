"""The pages about the sources that ship, one each: what to set at the detector, and what becomes of what it sends.

Decides the order and the words of a page. Everything on it comes from the source's own file; what an example becomes is
what the parser makes of it. Leaves the forms of payloads to `alerts.vendors`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from firedoor.alerts.mapping import Condition
from firedoor.alerts.registry import find
from firedoor.alerts.shipped import ShippedSource, shipped
from firedoor.core.alerts.alert import Alert
from firedoor.core.alerts.signatures import SCHEMES

INDEX, FOLDER = "alert-sources.md", "sources"
_WAYS = {
    "bearer": "token", "path": "token in the address", "hmac": "signature", "sns": "signature of Amazon SNS",
}  # fmt: skip
_TOPIC = "arn:aws:sns:eu-west-1:123456789012:privacy"
_LEFT_OUT = {"fingerprint", "raw_sha256", "source", "severity_raw", "labels", "received_at", "trusted_bank"}
_HEAD = """\
# Sources of alerts

This page and the pages of the sources are written from the sources themselves (`make docs`); tests hold them against
the parser. How an alert is sent, and the sources that are written in code (`alertmanager`, `cloudevents`, `generic`,
`presidio`), are in [Send alerts](../how-to/send-alerts.md). A detector that is not here needs
[a mapping](../how-to/send-alerts.md#somebody-elses-json-a-mapping): `firedoor alert map --sample FILE` proposes one.

| source | detector | proves itself by |
| --- | --- | --- |
"""


def index() -> str:
    """The list of all sources."""
    return _HEAD + "".join(
        f"| [`{name}`]({FOLDER}/{name}.md) | {one.title} | {' or '.join(_WAYS[way] for way in one.authentication)} |\n"
        for name, one in shipped().items()
    )


def pages() -> Mapping[str, str]:
    """Every page by its name within the folder of references."""
    return {INDEX: index(), **{f"{FOLDER}/{name}.md": page(one) for name, one in shipped().items()}}


def page(one: ShippedSource) -> str:
    """The page of one source."""
    where = ", ".join(f"<{address}>" for address in one.documented_at)
    to = f"Deliveries go to `/api/v1/alerts/{one.source}`. The vendor's description: {where}."
    parts = [
        f"# {one.title}\n\nThis page is written from the source itself (`make docs`).\n\n{to}\n",
        f"## At Firedoor\n\n{_at_firedoor(one)}",
        f"## At the detector\n\n{one.setup.strip()}\n\nWithout a `2xx` the sender: {one.retries}.\n",
        f"## What is read\n\n{_what_is_read(one)}",
        f"## Examples\n\n{''.join(_examples(one))}",
    ]
    return "\n".join(parts).rstrip() + "\n"


def _at_firedoor(one: ShippedSource) -> str:
    variable = "FIREDOOR_SOURCE_SECRET_" + one.source.upper().replace("-", "_")
    said = []
    if "bearer" in one.authentication:
        said.append(f"```console\n$ firedoor token create --role source --name source:{one.source}\n```\n")
    if "path" in one.authentication:
        said.append(
            "The token may stand in the address. Replace it often: see "
            "[Send alerts](../../how-to/send-alerts.md#bearer-token).\n"
        )
    if "hmac" in one.authentication and one.signature is not None:
        name = next((name for name, scheme in SCHEMES.items() if scheme == one.signature), "its own")
        said.append(
            f"Deliveries may be signed in the way `{name}` ([ways](../../how-to/send-alerts.md#signature)):\n\n"
            f"```console\n$ export {variable}=secret://file/run/secrets/{one.source}\n```\n"
        )
    if "sns" in one.authentication:
        said.append(
            "Give the certificate of Amazon SNS and your topics, as in "
            "[Send alerts](../../how-to/send-alerts.md#amazon-sns):\n\n"
            f"```console\n$ export {variable}=secret://file/run/secrets/sns.pem\n"
            f"$ export FIREDOOR_ALERT_SENDERS='{json.dumps({one.source: {'topics': [_TOPIC]}})}'\n```\n"
        )
    return "\n".join(said)


def _what_is_read(one: ShippedSource) -> str:
    """Where each of our fields stands, and what the sender's words mean. Whatever is not named is not looked at."""
    rows = [f"| `{name}` | {_code(path)} |" for name, path in one.fields.items()]
    rows += [f"| `labels.{name}` | {_code(path)} |" for name, path in one.labels.items()]
    rows += [f"| `{name}` | {_code(str(value))}, unless it is sent |" for name, value in one.constants.items()]
    said = ["| ours | the sender's |\n| --- | --- |\n" + "\n".join(rows) + "\n"]
    if one.alerts_at:
        said.append(f"The alerts are at {_code(one.alerts_at)}; each is taken by itself.\n")
    said += [f"Only where {_condition(path, wanted)}.\n" for path, wanted in one.alert_when.items()]
    said += [f"A child may be concerned where {_condition(path, wanted)}.\n" for path, wanted in one.minor_when.items()]
    tables: tuple[tuple[str, Mapping[str, object]], ...] = (
        ("severity", one.severities), ("status", one.statuses), ("incident", one.incidents)
    )  # fmt: skip
    for name, table in tables:
        if table:
            said.append(f"| {name} that is sent | is |\n| --- | --- |\n" + "".join(
                f"| {_code(word)} | `{meant}` |\n" for word, meant in table.items()))  # fmt: skip
    said.append('"Resolved" closes no incident: it is recorded with it. The same `id` delivered again is a copy.\n')
    return "\n".join(said)


def _condition(path: str, wanted: Condition) -> str:
    values = wanted if isinstance(wanted, tuple) else (wanted,)
    said = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
    return f"{_code(path)} is {' or '.join(_code(word) for word in said)}"


def _examples(one: ShippedSource) -> Iterator[str]:
    source = find(one.source)
    for given, example in zip(one.examples, source.examples, strict=True):
        beside = "".join(f" --header '{name}={value}'" for name, value in given.headers.items())
        yield f"{given.about}:\n\n```json\n{given.body.strip()}\n```\n\n"
        yield f"```console\n$ firedoor alert parse --source {one.source}{beside} {example.file}\n```\n\n"
        yield from (_becomes(alert) for alert in source.parse(example.body or b"", example.headers))


def _becomes(alert: Alert) -> str:
    """What an alert says, without what every alert has."""
    dumped = alert.model_dump(mode="json", exclude=_LEFT_OUT)
    rows = "".join(
        f"| `{name}` | {_code(', '.join(map(str, value)) if isinstance(value, list) else str(value))} |\n"
        for name, value in dumped.items()
        if value not in (None, "", [], {}, False)
    )
    return f"| becomes | |\n| --- | --- |\n{rows}\n"


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"
