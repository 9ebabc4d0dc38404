"""What `doctor` says about Prefect's server: whether it asks who is there, and whose deployments its work pool holds.

Decides what is wrong and what is worth knowing. Changes nothing, and says nothing where no server answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import httpx

    from firedoor.runtime.config.settings import Settings

TIMEOUT = 3.0  # seconds
SHOWN = 200  # deployments that are looked at; Prefect lists no more at once
REFUSED = (401, 403)
Told = tuple[Literal["well", "note", "wrong"], str, str]


def state(settings: Settings, prefect: str) -> Iterator[Told]:
    """How the server of this installation is, by what `/readyz` says of it, and everything about it."""
    if prefect == "away":
        yield _away(settings)
    elif prefect == "taken":
        message = f'the work pool "{settings.prefect_work_pool}" is another installation\'s'
        do = "set FIREDOOR_PREFECT_WORK_POOL to a name of your own, the same for all processes of this database"
        yield "wrong", f"{message}; incidents run without Prefect", do
    else:
        yield "well", f"{prefect}{_at(settings) if prefect != 'off' else ''}", ""
    if prefect != "off":
        yield from server(settings)


def _at(settings: Settings) -> str:
    from firedoor.runtime.prefect.settings import named_server, private_address

    address = named_server() or private_address(settings.data_dir / "prefect")
    return f", at {address}" if address else ""


def _away(settings: Settings) -> Told:
    """A server that does not answer; where its fixed port is somebody else's, that is why."""
    from firedoor.runtime.prefect.settings import named_server, taken

    if settings.prefect_port and named_server() is None and taken(settings.prefect_port):
        message = f"away: something else listens at port {settings.prefect_port}, which FIREDOOR_PREFECT_PORT names"
        return "wrong", message, "stop that, or name another port and start Firedoor again"
    words = settings.data_dir / "prefect" / "server.log"
    return "note", "away; incidents are run without it", f"its words are in {words}"


def server(settings: Settings) -> Iterator[Told]:
    """Everything about the server, each with what to do."""
    import httpx

    from firedoor.core.problems import Refused
    from firedoor.interfaces.cli.system.prefect import where
    from firedoor.runtime.prefect.settings import named_server

    try:
        url, password = where(settings)
    except Refused:
        return
    with httpx.Client(base_url=url, timeout=TIMEOUT, trust_env=False) as client:
        try:
            yield protected(client.post("/flows/count", json={}).status_code, private=named_server() is None)
            if password:
                user, _, secret = password.partition(":")
                client.auth = httpx.BasicAuth(user, secret)
            yield from deployments(client, settings)
        except httpx.HTTPError:
            return


def protected(status: int, *, private: bool) -> Told:
    """What the answer to somebody without a password means."""
    if status in REFUSED:
        return "well", "its server asks for a password", ""
    if private:
        do = "start `firedoor up` again; if it stays open, report it"
        return "wrong", "the private server answers anybody on this machine", do
    do = "set PREFECT_SERVER_API_AUTH_STRING there, or keep it in a network of its own; see SECURITY.md"
    return "note", "your Prefect server answers anybody who reaches it, and runs what they deploy", do


def deployments(client: httpx.Client, settings: Settings) -> Iterator[Told]:
    """The deployments of our work pool that Firedoor did not make as they are."""
    chosen = {"work_pools": {"name": {"any_": [settings.prefect_work_pool]}}, "limit": SHOWN}
    answer = client.post("/deployments/filter", json=chosen)
    if not answer.is_success:
        return
    for name in strange(answer.json(), entrypoints()):
        message = f'the deployment "{name[:100]}" in our work pool is not as Firedoor makes them, and is never driven'
        yield "wrong", message, "delete it in Prefect, and ask who made or changed it"


def entrypoints() -> frozenset[str]:
    """Those of the deployments that Firedoor makes of the playbooks here."""
    from firedoor.runtime.config import playbooks
    from firedoor.runtime.execution.performer import RESTRICTED
    from firedoor.runtime.prefect.flow import addresses

    return frozenset(address for name in (*playbooks.all_playbooks(), RESTRICTED) for address in addresses(name))


def strange(found: Sequence[Mapping[str, object]], known: frozenset[str]) -> list[str]:
    """The names of deployments that run other code than ours, or the same code otherwise."""
    return [
        str(one["name"])
        for one in found
        if one.get("entrypoint") not in known or one.get("pull_steps") or one.get("path") or one.get("job_variables")
    ]
