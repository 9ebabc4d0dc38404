"""Ray: take an application off Ray Serve and deploy it again, or stop a job for good.

Decides that an application which is not deployed, or is being deleted, is a closed door; that Serve's whole
configuration is sent, always with the other applications in it, because what a PUT leaves out is deleted; and that a
stopped job cannot be undone. Neither can bear a mark of ours: an application that is gone bears nothing, and a job's
metadata cannot be changed. Uses the REST APIs of Ray's dashboard (https://docs.ray.io/en/latest/serve/api/ and
https://docs.ray.io/en/latest/cluster/running-applications/job-submission/rest.html). Leaves the order of things to
`parts.door_connector`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import ClassVar
from urllib.parse import quote

from pydantic import Field, ValidationError, model_validator

from firedoor.connectors.parts.api import Api
from firedoor.connectors.parts.calls import Answer
from firedoor.connectors.parts.config_problems import config_problems
from firedoor.connectors.parts.door_connector import Description, Live, Work
from firedoor.connectors.parts.platform_api import MarklessConnector, PlatformDoor, read_object, unreadable
from firedoor.core.json_types import JsonObject, text_at
from firedoor.core.ports import CallerSaw, Members, PlannedCall
from firedoor.core.problems import InvalidInput, Problem, Refused, Unanswered
from firedoor.core.targets import Door, Part, Target
from firedoor.core.ternary import NO, UNKNOWN, YES, of

_SERVE, _JOBS = "/api/serve/applications/", "/api/jobs"
_ENDED, _RUNS = ("STOPPED", "FAILED", "SUCCEEDED"), ("PENDING", "RUNNING")
_SENT_AGAIN = ("proxy_location", "http_options", "grpc_options", "target_capacity")
_HEARD_OF = 0.6  # seconds in which Serve's proxies learn of it: a look that came sooner would meet the old route
_PAUSE = 0.3  # seconds between two looks at an application that is being deployed


class RayDoor(PlatformDoor):
    """One application of Ray Serve, or one job, behind a dashboard; `settle_seconds` is how long a resume waits."""

    application: str | None = Field(default=None, min_length=1)
    job: str | None = Field(default=None, min_length=1)
    with_headers: dict[str, str] = Field(default_factory=dict, alias="headers")
    settle_seconds: float = Field(default=60.0, ge=0, le=600)

    @model_validator(mode="after")
    def _one_of_both(self) -> RayDoor:
        if (self.application is None) == (self.job is None):
            raise ValueError("name an `application` or a `job`, and not both")
        return self

    def headers(self) -> dict[str, str]:
        """What the dashboard asks for."""
        return self.with_headers


class RayProbe(Part):
    """A look at a job, as whoever started it would take one."""

    url: str
    job: str = Field(min_length=1)
    headers: dict[str, str] = Field(default_factory=dict)


class RayConnector(MarklessConnector[RayDoor]):
    """Takes applications off Serve and stops jobs; see docs/how-to/connect-with-ray.md."""

    kind: ClassVar[str] = "ray"
    Config = RayDoor

    def changed_names(self, settings: RayDoor) -> frozenset[str]:  # noqa: ARG002 - the same for every door
        """An application that is gone shows nothing of what it was."""
        return frozenset({"closed", "application", "status"})

    def describe(self, target: Target, door: Door, settings: RayDoor) -> Description:  # noqa: ARG002 - the door says it all
        """The calls, and what else they reach."""
        url = settings.url.rstrip("/")
        if settings.job is not None:
            job = f"{url}{_JOBS}/{settings.job}"
            planned = (
                PlannedCall(verb="capture", summary=f"GET {job}"),
                PlannedCall(verb="suspend", summary=f"POST {job}/stop"),
            )
            touched: tuple[str, ...] = ("the job is not started again from here; what it has not saved is lost",)
            return Description(planned, (*touched, *settings.blast_radius), ("Ray: the dashboard's job API",), "no")
        calls = (
            PlannedCall(verb="capture", summary=f"GET {url}{_SERVE}"),
            PlannedCall(
                verb="suspend", summary=f"PUT {url}{_SERVE} without {settings.application}, all others with it"
            ),
            PlannedCall(verb="resume", summary=f"PUT {url}{_SERVE} with it as captured, and all others"),
        )
        touched = (
            "the PUT is for the whole cluster: what somebody deploys between our look and it is taken off",
            f"other applications that call {settings.application} by its handle fail with it",
            "a pipeline that deploys the same configuration again brings it back",
            "logging, tracing and controller options of the cluster are not shown by Ray and fall back to its defaults",
            "its replicas end, with whatever they hold in memory; a resume loads the model again",
        )
        return Description(calls, (*touched, *settings.blast_radius), ("Ray: the dashboard's Serve API",))

    async def look(self, target: Target, door: Door, settings: RayDoor) -> Live:  # noqa: ARG002 - the door says it all
        """Ask how the application or the job stands."""
        if settings.job is not None:
            return await self._job(settings, settings.job)
        answer = await self.api(settings).get(_SERVE)
        row = _applications(_object(answer)).get(settings.application or "")
        closed = row is None or row.get("status") == "DELETING"
        config = None if row is None or closed else row.get("deployed_app_config")
        if not closed and not isinstance(config, dict):
            message = f"{settings.application} was deployed by a program, which leaves no configuration to restore"
            do = "deploy it from a configuration (`serve deploy`), or close another door of it; nothing was changed"
            raise unreadable(message, do)
        state = {"closed": closed, "application": answer.redactor.value(config)}
        return Live(state=state, closed=of(closed), at=self._context.now())

    async def close(self, work: Work[RayDoor]) -> Members:
        """Send the configuration without the application, or stop the job."""
        settings = work.settings
        if settings.job is not None:
            answer = await self.api(settings).change("POST", f"{_JOBS}/{quote(settings.job, safe='')}/stop", {})
            return {"status": answer.status}
        told = await self._send(settings, None)
        await asyncio.sleep(min(_HEARD_OF, settings.settle_seconds))
        return told

    async def open(self, work: Work[RayDoor]) -> Members:
        """Send the configuration with the captured application in it, and wait until it runs."""
        told = await self._send(work.settings, work.snapshot.state["application"])
        return {**told, "application": await self._settled(work.settings)}

    async def _settled(self, settings: RayDoor) -> str | None:
        """Wait until Ray says what became of the application; return its word."""
        status = None
        end = asyncio.get_running_loop().time() + settings.settle_seconds
        while asyncio.get_running_loop().time() < end:
            with suppress(Unanswered):  # Ray has taken the configuration; that it is slow to say more changes nothing
                rows = _applications(_object(await self.api(settings).get(_SERVE)))
                status = text_at(rows.get(settings.application or "", {}), "status") or None
            if status not in (None, "NOT_STARTED", "DEPLOYING", "DELETING"):
                break
            await asyncio.sleep(_PAUSE)
        return status

    def check_probe(self, config: Mapping[str, object]) -> None:
        """Raise InvalidInput with all problems of a probe."""
        _probe(config)

    async def call(self, target: Target, config: Mapping[str, object], timeout_seconds: float) -> CallerSaw:  # noqa: ARG002 - the probe names its job
        """Ask whether the job runs. Ray's own word is all that there is; a job that waits to run counts as running."""
        probe = _probe(config)
        api = Api(self._context, probe.url, probe.headers, timeout_seconds)
        found = _object(await api.get(f"{_JOBS}/{quote(probe.job, safe='')}"))
        status = str(found.get("status"))
        serving = YES if status in _RUNS else NO if status in _ENDED else UNKNOWN
        return CallerSaw(serving=serving, detail=f"Ray says {status}")

    async def _job(self, settings: RayDoor, job: str) -> Live:
        answer = await self.api(settings).get(f"{_JOBS}/{quote(job, safe='')}")
        found = _object(answer)
        status = found.get("status")
        closed = YES if status in _ENDED else NO if status in _RUNS else UNKNOWN
        kept = {"status": status, "submission_id": found.get("submission_id"), "start_time": found.get("start_time")}
        return Live(
            state={"closed": closed is YES, **answer.redactor.members(kept)}, closed=closed, at=self._context.now()
        )

    async def _send(self, settings: RayDoor, config: Members | None) -> Members:
        """Read the whole configuration and send it back, with the application as given, or without it."""
        document = _object(await self.api(settings).get(_SERVE))
        rows = _applications(document)
        if config is not None and rows.get(settings.application or "", {}).get("status", "DELETING") != "DELETING":
            message = f"{settings.application} was deployed by somebody else meanwhile"
            raise Refused(
                Problem(code="K206", message=message, do="look who; what runs there now is not what we closed")
            )
        others = [
            row["deployed_app_config"]
            for name, row in rows.items()
            if name != settings.application and isinstance(row.get("deployed_app_config"), dict)
            if row.get("status") != "DELETING"
        ]
        body = {name: document[name] for name in _SENT_AGAIN if document.get(name) is not None}
        body["applications"] = others if config is None else [*others, config]
        answer = await self.api(settings).change("PUT", _SERVE, body)
        return {"status": answer.status, "others": len(others)}


def _object(answer: Answer) -> JsonObject:
    return read_object(answer, "one of a Ray dashboard")


def _applications(document: JsonObject) -> dict[str, JsonObject]:
    """Return what is deployed, by name. Raises Unanswered when the answer does not say: nothing must look closed."""
    found = document.get("applications")
    if isinstance(found, dict):
        return {str(name): row for name, row in found.items() if isinstance(row, dict)}
    raise unreadable("the answer does not hold applications")


def _probe(config: Mapping[str, object]) -> RayProbe:
    try:
        return RayProbe.model_validate(dict(config))
    except ValidationError as error:
        do = "a probe via ray has a url, a job, and headers where the dashboard asks for them"
        raise InvalidInput(config_problems(error, RayProbe, do, "config")) from None
