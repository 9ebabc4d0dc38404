"""A Kubernetes cluster's API, through the official client: who we are there, one bounded call, what its failure means.

Decides how a door names its cluster (a server and a token by reference, a kubeconfig, or the pod's own account), that
certificates are always checked, and that the client neither repeats a call nor follows a redirect by itself. Leaves
which objects are read and changed to the connectors, and the families of error to `calls`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple, Self
from urllib.parse import urlsplit

import httpx
from pydantic import Field, model_validator

from firedoor.connectors.parts import calls
from firedoor.connectors.parts.context import ConnectorContext
from firedoor.connectors.parts.kubernetes.client_types import Call, Extra, Response
from firedoor.connectors.parts.redaction import Redactor
from firedoor.core.json_types import Json
from firedoor.core.ports import Members
from firedoor.core.problems import FiredoorError, InDoubt, InvalidInput, Problem, Unanswered
from firedoor.core.targets import Part

if TYPE_CHECKING:
    from kubernetes.client import ApiClient, CustomObjectsApi

DNS_LABEL = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"  # RFC 1123, as Kubernetes reads it
DNS_NAME = r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_RETRY_WITHIN = 10.0  # seconds
_ATTEMPTS = 5
_CONNECTING = 30.0  # seconds for the client to be made
_LARGEST = 32 * 1024 * 1024  # bytes; the list of a large cluster's objects
Items = list[Members]  # named here: in KubernetesApi, `list` is a method
_MERGE = "application/merge-patch+json"  # RFC 7386; custom resources know no strategic merge


class Cluster(Part):
    """Where a cluster is and who we are there; exactly one of `server`, `kubeconfig` and `in_cluster`."""

    server: str | None = None
    token: str | None = Field(default=None, pattern=r"^secret://(env|file)/\S+$")
    certificate_authority: str | None = None
    kubeconfig: str | None = None
    context: str | None = None
    in_cluster: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.server is not None) + (self.kubeconfig is not None) + self.in_cluster != 1:
            raise ValueError("write one of server (with token), kubeconfig and in_cluster: true")
        if (self.token is None) != (self.server is None):
            raise ValueError("server and token belong together; write the token as secret://env/NAME")
        if self.context and not self.kubeconfig:
            raise ValueError("context belongs to kubeconfig")
        if self.certificate_authority and not self.server:
            raise ValueError("certificate_authority belongs to server")
        if self.server and not _is_safe(self.server):
            raise ValueError("server must be https://...; plain http is for the loopback only")
        return self

    def where(self) -> str:
        """Name the cluster for people."""
        if self.in_cluster:
            return "this cluster"
        return self.server or f"the cluster of {self.kubeconfig}" + (f" ({self.context})" if self.context else "")


class Resource(NamedTuple):
    """One kind of object: its API group, version and plural name."""

    group: str
    version: str
    plural: str

    def path(self, namespace: str, name: str = "") -> str:
        """Where it is, for people."""
        return f"/apis/{self.group}/{self.version}/namespaces/{namespace}/{self.plural}" + (f"/{name}" if name else "")


DEPLOYMENTS = Resource("apps", "v1", "deployments")
STATEFUL_SETS = Resource("apps", "v1", "statefulsets")
JOBS = Resource("batch", "v1", "jobs")
POLICIES = Resource("networking.k8s.io", "v1", "networkpolicies")
AUTOSCALERS = Resource("autoscaling", "v2", "horizontalpodautoscalers")
SCALED_OBJECTS = Resource("keda.sh", "v1alpha1", "scaledobjects")
INFERENCE_SERVICES = Resource("serving.kserve.io", "v1beta1", "inferenceservices")


class Asked(NamedTuple):
    """One call as it is described to people and to `calls`: never with a secret in it."""

    method: str
    path: str
    seconds: float
    changes: bool = False


class KubernetesApi:
    """Calls to clusters on behalf of one connector; the client of each cluster is kept."""

    def __init__(self, context: ConnectorContext) -> None:
        self._context = context
        self._clients: dict[Cluster, ApiClient] = {}

    async def get(self, cluster: Cluster, what: Resource, namespace: str, name: str, seconds: float) -> Members | None:
        """Read one object; None where there is none. Raises Unanswered."""
        asked = Asked("GET", what.path(namespace, name), seconds)
        status, document = await self._call(
            cluster,
            asked,
            lambda api, extra: api.get_namespaced_custom_object(*_at(what, namespace), name, **extra),
            also=(404,),
        )
        return None if status == 404 else _object(document, asked)

    async def list(
        self, cluster: Cluster, what: Resource, namespace: str | None, seconds: float, label_selector: str | None = None
    ) -> Items:
        """Read a namespace's objects, or all; empty where the cluster does not know the kind. Raises Unanswered."""
        asked = Asked("GET", what.path(namespace or "*"), seconds)

        def call(api: CustomObjectsApi, extra: Extra) -> object:
            if namespace is None:
                return api.list_cluster_custom_object(*what, label_selector=label_selector, **extra)
            return api.list_namespaced_custom_object(*_at(what, namespace), label_selector=label_selector, **extra)

        status, document = await self._call(cluster, asked, call, also=(404,))
        return [] if status == 404 else _items(document, asked)

    async def pods(self, cluster: Cluster, namespace: str, labels: str, seconds: float) -> Items:
        """Read the pods with these labels. Raises Unanswered."""
        asked = Asked("GET", f"/api/v1/namespaces/{namespace}/pods?labelSelector={labels}", seconds)

        def call(api: CustomObjectsApi, extra: Extra) -> object:
            # The generated class for pods takes seconds to import, longer than a probe waits.
            path, query = f"/api/v1/namespaces/{namespace}/pods", [("labelSelector", labels)]
            accept = {"Accept": "application/json"}
            request = api.api_client.param_serialize(
                "GET", path, query_params=query, header_params=accept, auth_settings=["BearerToken"]
            )
            return api.api_client.call_api(*request, _request_timeout=extra["_request_timeout"]).response

        _, document = await self._call(cluster, asked, call)
        return _items(document, asked)

    async def patch(
        self, cluster: Cluster, what: Resource, namespace: str, name: str, body: Members, seconds: float
    ) -> Members:
        """Merge a change into an object. Raises Unanswered, InDoubt, or Refused where its resourceVersion moved."""
        asked = Asked("PATCH", what.path(namespace, name), seconds, changes=True)

        def call(api: CustomObjectsApi, extra: Extra) -> object:
            at = _at(what, namespace)
            return api.patch_namespaced_custom_object(*at, name, body, _content_type=_MERGE, **extra)

        return _object((await self._call(cluster, asked, call))[1], asked)

    async def create(self, cluster: Cluster, what: Resource, namespace: str, body: Members, seconds: float) -> Members:
        """Create an object. Raises Unanswered, InDoubt, or Refused where one of its name is there."""
        asked = Asked("POST", what.path(namespace), seconds, changes=True)

        def call(api: CustomObjectsApi, extra: Extra) -> object:
            return api.create_namespaced_custom_object(*_at(what, namespace), body, **extra)

        return _object((await self._call(cluster, asked, call))[1], asked)

    async def delete(
        self, cluster: Cluster, what: Resource, namespace: str, name: str, only: Mapping[str, str], seconds: float
    ) -> None:
        """Delete an object, if it is the very one (`uid`, `resource_version`). Raises as `patch` does."""
        asked = Asked("DELETE", what.path(namespace, name), seconds, changes=True)

        def call(api: CustomObjectsApi, extra: Extra) -> object:
            from kubernetes.client import V1DeleteOptions, V1Preconditions

            body = V1DeleteOptions(preconditions=V1Preconditions(**only))
            return api.delete_namespaced_custom_object(*_at(what, namespace), name, body=body, **extra)

        await self._call(cluster, asked, call)

    async def _call(self, cluster: Cluster, asked: Asked, call: Call, also: tuple[int, ...] = ()) -> tuple[int, Json]:
        """Call, and again where we were turned away; the errors are those of `calls.perform`."""
        redactor = Redactor()
        token = None if cluster.token is None else self._context.secrets.resolve(cluster.token)
        await self._ready(cluster, asked)
        waited = 0.0
        for attempt in range(1, _ATTEMPTS + 1):
            ready = calls.Ready(asked.method, asked.path, {}, None, redactor)
            try:
                async with asyncio.timeout(asked.seconds + 0.5):  # the client bounds each read; this bounds a drip
                    answer = await asyncio.to_thread(self._send, cluster, token, asked, call, redactor)
            except TimeoutError as error:
                raise calls.broken(error, ready, changes=asked.changes) from None
            if answer.status in (200, 201, 202) or answer.status in also:
                return answer.status, answer.document() if answer.content else None
            pause = calls.pause_after(answer, attempt, self._context.now())
            if not calls.turned_away(answer) or waited + pause > _RETRY_WITHIN or attempt == _ATTEMPTS:
                raise calls.refusal(answer, ready, changes=asked.changes)
            waited += pause
            await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    async def _ready(self, cluster: Cluster, asked: Asked) -> None:
        """Make the client first: its import and a kubeconfig's credential program must not cost the call its time."""
        if cluster in self._clients:
            return
        try:
            async with asyncio.timeout(_CONNECTING):
                await asyncio.to_thread(self._client, cluster)
        except TimeoutError as error:
            raise calls.broken(
                error, calls.Ready(asked.method, asked.path, {}, None, Redactor()), changes=False
            ) from None

    def _send(self, cluster: Cluster, token: str | None, asked: Asked, call: Call, redactor: Redactor) -> calls.Answer:
        """Make one call with the blocking client, in a thread of its own."""
        client = self._client(cluster)
        if token is not None:
            client.configuration.api_key["BearerToken"] = f"Bearer {token}"
        from kubernetes.client import CustomObjectsApi
        from kubernetes.client.exceptions import ApiException

        status: int | None
        headers: Mapping[str, str] | None
        content: str | bytes
        try:
            response = call(CustomObjectsApi(client), {"_preload_content": False, "_request_timeout": asked.seconds})
            status, headers, content = _read(response)
        except ApiException as error:
            status, headers, content = error.status, error.headers, (error.body or error.reason or "")
        except (_transport().HTTPError, OSError) as error:
            raise _broken(error, asked) from None
        finally:
            redactor.learn(str(client.configuration.api_key.get("BearerToken", "")).partition(" ")[2])
        if not status:
            raise _untrusted(redactor.text(str(content)), asked)
        raw = content if isinstance(content, bytes) else str(content).encode()
        return calls.Answer(int(status), httpx.Headers(dict(headers or {})), raw, 1, redactor)

    def _client(self, cluster: Cluster) -> ApiClient:
        if cluster not in self._clients:
            self._clients[cluster] = _connected(cluster)
        return self._clients[cluster]


def _connected(cluster: Cluster) -> ApiClient:
    """Make the client of a cluster. Raises InvalidInput where it cannot be used safely."""
    try:
        from kubernetes import client, config
    except ImportError:
        do = 'pip install "firedoor[kubernetes]"'
        raise InvalidInput(Problem(code="K108", message="the Kubernetes client is not installed", do=do)) from None
    settings = client.Configuration()
    load: ModuleType = config  # its functions have no annotations
    settings.proxy = None  # no proxy by environment, as everywhere in Firedoor
    settings.retries = False  # as urllib3 reads it: no repetition, no redirect followed
    try:
        if cluster.in_cluster:
            load.load_incluster_config(client_configuration=settings)
        elif cluster.kubeconfig:
            path = str(Path(cluster.kubeconfig).expanduser())
            load.load_kube_config(path, cluster.context, client_configuration=settings, persist_config=False)
        else:
            settings.host = str(cluster.server).rstrip("/")
            settings.ssl_ca_cert = cluster.certificate_authority
        _check_trust(settings.host, verified=settings.verify_ssl)
        return client.ApiClient(settings)
    except (config.ConfigException, OSError, ValueError) as error:
        do = "compare the door's `cluster` with the how-to of the kubernetes connector"
        message = f"{cluster.where()} cannot be used: {error}"
        raise InvalidInput(Problem(code="K109", message=message[:300], do=do)) from None


def _check_trust(host: str, *, verified: bool) -> None:
    if not verified or not _is_safe(host):
        do = "give the cluster's certificate-authority; remove insecure-skip-tls-verify"
        raise InvalidInput(Problem(code="K109", message=f"{host} would be used without checking who it is", do=do))


def _is_safe(server: str) -> bool:
    parts = urlsplit(server)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    )


def _transport() -> ModuleType:
    """The errors of urllib3, which is the client's own."""
    from kubernetes.client import rest

    errors: ModuleType = vars(rest)["urllib3"].exceptions  # it imports it, and does not say that others may
    return errors


def _broken(error: Exception, asked: Asked) -> FiredoorError:
    """Say what a call without a whole answer means: one that was never sent changed nothing."""
    known, where = _transport(), f"{asked.method} {asked.path}"
    not_sent = (known.NewConnectionError, known.ConnectTimeoutError, known.NameResolutionError)
    if not asked.changes or isinstance(error, not_sent):
        do = "see whether the cluster's API is up and reachable from here; nothing was changed by this call"
        return Unanswered(Problem(code="K201", message=f"{where} was not answered: {_words(error)}", do=do))
    do = "observe the door before anything is repeated: the call may have had its effect"
    return InDoubt(Problem(code="K202", message=f"{where} broke off: {_words(error)}", do=do))


def _read(response: object) -> tuple[int, Mapping[str, str], bytes]:
    if not isinstance(response, Response):
        raise TypeError("the client has read the answer although it was told not to")
    content = bytes(response.read(_LARGEST + 1))
    if len(content) > _LARGEST:
        raise _transport().HTTPError(f"the answer is larger than {_LARGEST} bytes")
    response.release_conn()
    return response.status, response.headers, content


def _words(error: Exception) -> str:
    """What the client says, without the addresses of its own objects."""
    return str(error).rpartition(">: ")[2][:200] or type(error).__name__


def _untrusted(reason: str, asked: Asked) -> FiredoorError:
    """A failure of TLS. Only one of the handshake is sure to have sent nothing."""
    where = f"{asked.method} {asked.path}: {reason[:200]}"
    if "CERTIFICATE_VERIFY_FAILED" in reason or not asked.changes:
        do = "give the authority that signed the API server's certificate; nothing was sent"
        return Unanswered(Problem(code="K201", message=where, do=do))
    do = "observe the door before anything is repeated: the call may have had its effect"
    return InDoubt(Problem(code="K202", message=where, do=do))


def _at(what: Resource, namespace: str) -> tuple[str, str, str, str]:
    return what.group, what.version, namespace, what.plural


def _object(document: object, asked: Asked) -> Members:
    if not isinstance(document, dict) or not isinstance(document.get("metadata"), dict):
        do = "look whether the server is the cluster's API; nothing was done on the strength of this answer"
        message = f"{asked.method} {asked.path} answered no object: {json.dumps(document)[:80]}"
        raise (InDoubt if asked.changes else Unanswered)(Problem(code="K207", message=message, do=do))
    return document


def _items(document: object, asked: Asked) -> Items:
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        message = f"{asked.method} {asked.path} answered no list"
        raise Unanswered(Problem(code="K207", message=message, do="look whether the server is the cluster's API"))
    return [item for item in document["items"] if isinstance(item, dict)]
