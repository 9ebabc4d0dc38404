"""What the common suite does not show of doors in a cluster: policies, jobs, autoscalers, owners, trust."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.contract.connector_suite import TIMEOUT
from tests.contract.odd_server import odd_server, reply
from tests.contract.rigs_support.kubernetes import (
    AUTOSCALERS,
    DEPLOYMENTS,
    JOBS,
    KEYS,
    MODELS,
    NAMESPACE,
    POLICIES,
    SCALED_OBJECTS,
    SERVICES,
    KubernetesCluster,
    deployment,
    job,
    metadata,
    service,
    template,
)
from tests.contract.systems.test_http_connector import certificate

from firedoor.connectors.parts.context import ConnectorContext, open_client
from firedoor.connectors.parts.opened import OpenConnectors
from firedoor.core.ports import Receipt, Snapshot
from firedoor.core.problems import FiredoorError, InDoubt, InvalidInput, Refused, Unanswered
from firedoor.core.targets import ConnectorProbe, Inventory, Target
from firedoor.core.ternary import NO, UNKNOWN, YES
from firedoor.runtime.config.secrets import ReferencedSecrets

KEY = "inc-1.suspend.target.1"
PAUSED = "autoscaling.keda.sh/paused-replicas"


class Bench:
    """One target of the cluster, driven through its only door."""

    def __init__(self, cluster: KubernetesCluster, client: Any) -> None:
        self.cluster, self._client = cluster, client
        self.model("scale")

    def model(self, action: str, prefix: str = "", connector: str = "kubernetes", **config: Any) -> None:
        """Choose what is under test; its neighbour is described in the same way."""
        first = {} if connector == "kserve" else {"action": action}
        made = [self.cluster.target(name, connector, {**first, **config}, prefix) for name in MODELS]
        if action == "job-suspend":
            made = [one.model_copy(update={"probe": self._job_probe(one.id)}) for one in made]
        self._use(Inventory(targets={one.id: one for one in made}))

    def _job_probe(self, name: str) -> ConnectorProbe:
        reader = {"cluster": self.cluster.cluster("KUBE_READER"), "namespace": NAMESPACE, "job": f"train-{name}"}
        return ConnectorProbe(via="kubernetes", config=reader, timeout_seconds=TIMEOUT)

    def _use(self, inventory: Inventory) -> None:
        self.inventory = inventory
        context = ConnectorContext(self._client, ReferencedSecrets(KEYS), lambda: datetime.now(UTC), inventory)
        self.connectors = OpenConnectors(context)
        self.target: Target = inventory.targets["chat-large"]
        self.door = self.target.doors[0]
        self.connector = self.connectors[self.door.connector]

    async def close(self) -> tuple[Snapshot, Receipt]:
        snapshot = await self.connector.capture_state(self.target, self.door)
        return snapshot, await self.connector.suspend(self.target, self.door, snapshot, KEY)

    async def open(self, snapshot: Snapshot, receipt: Receipt) -> Receipt:
        return await self.connector.resume(self.target, self.door, snapshot, "inc-1.resume", receipt)

    async def holds(self, expect: Any = "refused") -> Any:
        return (await self.connector.verify(self.target, self.door, expect)).holds

    async def radius(self) -> str:
        return " | ".join((await self.connector.plan(self.target, self.door)).blast_radius)


@pytest.fixture(scope="module", name="running")
def _running() -> Iterator[KubernetesCluster]:
    cluster = KubernetesCluster()
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture(name="bench")
async def _bench(running: KubernetesCluster) -> AsyncIterator[Bench]:
    running.reset()
    async with open_client() as client:
        yield Bench(running, client)


def autoscaler(lowest: int, name: str = "chat-large") -> dict[str, Any]:
    aim = {"kind": "Deployment", "name": name}
    return {
        "metadata": metadata(f"hpa-{name}"),
        "spec": {"minReplicas": lowest, "maxReplicas": 9, "scaleTargetRef": aim},
    }


def scaled_object(**annotations: str) -> dict[str, Any]:
    aim = {"name": "chat-large"}
    return {"metadata": metadata("so-chat-large", annotations=annotations), "spec": {"scaleTargetRef": aim}}


def policy(name: str, **specification: Any) -> dict[str, Any]:
    return {"metadata": metadata(name), "spec": {"podSelector": {}, "policyTypes": ["Ingress"], **specification}}


# Scaling.


async def test_closing_leaves_what_is_needed_to_undo_it_by_hand(bench: Bench) -> None:
    """The object itself says whose work it is and what stood there before."""
    await bench.close()
    held = bench.cluster.show(DEPLOYMENTS, "chat-large")
    assert held["metadata"]["annotations"] == {
        "firedoor.io/closed-by": f"firedoor:{KEY}",
        "firedoor.io/before": "replicas: 3",
    }


async def test_opening_takes_our_marks_away(bench: Bench) -> None:
    """Nothing of ours is left on an open door."""
    await bench.open(*await bench.close())
    held = bench.cluster.show(DEPLOYMENTS, "chat-large")
    assert (held["spec"]["replicas"], held["metadata"].get("annotations", {})) == (3, {})


async def test_an_autoscaler_that_rests_does_not_stand_in_the_way(bench: Bench) -> None:
    """With minReplicas of 1 or more nothing happens while replicas are 0; the plan says so."""
    bench.cluster.reset(**{AUTOSCALERS: [autoscaler(2), autoscaler(0, "another")]})
    assert "hpa-chat-large rests while replicas are 0" in await bench.radius()
    assert (await bench.close())[1].changed
    assert bench.cluster.show(AUTOSCALERS, "hpa-chat-large")["spec"]["minReplicas"] == 2


@pytest.mark.parametrize("scaler", [{AUTOSCALERS: [autoscaler(0)]}, {SCALED_OBJECTS: [scaled_object()]}])
async def test_what_would_scale_up_again_is_refused_unless_the_door_says_pause(bench: Bench, scaler: Any) -> None:
    """A door that would not stay closed is not closed by half: it says which key to write."""
    bench.cluster.reset(**scaler)
    assert "would scale it up again" in await bench.radius()
    with pytest.raises(Refused, match="autoscaler: pause"):
        await bench.close()
    assert bench.cluster.show(DEPLOYMENTS, "chat-large")["spec"]["replicas"] == 3


async def test_an_autoscaler_from_nothing_is_paused_and_let_go(bench: Bench) -> None:
    """Its minReplicas of 0 become 1, under which it rests, and 0 again at the end."""
    bench.cluster.reset(**{AUTOSCALERS: [autoscaler(0)]})
    bench.model("scale", autoscaler="pause")
    snapshot, receipt = await bench.close()
    assert bench.cluster.show(AUTOSCALERS, "hpa-chat-large")["spec"]["minReplicas"] == 1
    await bench.open(snapshot, receipt)
    held = bench.cluster.show(AUTOSCALERS, "hpa-chat-large")
    assert (held["spec"]["minReplicas"], held["metadata"].get("annotations", {})) == (0, {})


@pytest.mark.parametrize("before", [{}, {PAUSED: "4"}])
async def test_keda_is_paused_and_let_go(bench: Bench, before: dict[str, str]) -> None:
    """KEDA scales down itself when it is paused: the work is still ours, and its own annotation comes back."""
    bench.cluster.reset(**{SCALED_OBJECTS: [scaled_object(**before)]})
    bench.model("scale", autoscaler="pause")
    snapshot, receipt = await bench.close()
    held = bench.cluster.show(SCALED_OBJECTS, "so-chat-large")["metadata"]["annotations"]
    assert (held[PAUSED], await bench.holds()) == ("0", YES)
    assert (await bench.connector.observe(bench.target, bench.door, KEY)).ours is YES
    await bench.open(snapshot, receipt)
    assert bench.cluster.show(SCALED_OBJECTS, "so-chat-large")["metadata"].get("annotations", {}) == before
    assert (await bench.connector.capture_state(bench.target, bench.door)).state["autoscalers"] == (
        snapshot.state["autoscalers"]
    )


async def test_a_crash_after_the_pause_leaves_work_of_ours(bench: Bench) -> None:
    """KEDA scaled down at our request and our own change never came: the next process knows it by the pause's mark."""
    bench.cluster.reset(**{SCALED_OBJECTS: [scaled_object()]})
    bench.model("scale", autoscaler="pause")
    snapshot = await bench.connector.capture_state(bench.target, bench.door)
    ours = {PAUSED: "0", "firedoor.io/closed-by": f"firedoor:{KEY}", "firedoor.io/before": ""}
    bench.cluster.change(SCALED_OBJECTS, "so-chat-large", {"metadata": {"annotations": ours}})
    bench.model("scale", autoscaler="pause")  # a connector without memory, as after a restart
    seen = await bench.connector.observe(bench.target, bench.door, KEY)
    again = await bench.connector.suspend(bench.target, bench.door, snapshot, KEY)
    assert (seen.closed, seen.ours, again.changed) == (YES, YES, False)
    assert (await bench.open(snapshot, again)).changed
    assert bench.cluster.show(DEPLOYMENTS, "chat-large")["spec"]["replicas"] == 3


async def test_a_status_that_moves_is_no_conflict(bench: Bench) -> None:
    """A resourceVersion that moved without a change of the specification is read again, and the door closes."""
    snapshot = await bench.connector.capture_state(bench.target, bench.door)
    bench.cluster.rival(DEPLOYMENTS, "chat-large", {"status": {"readyReplicas": 2}})
    assert (await bench.connector.suspend(bench.target, bench.door, snapshot, KEY)).changed


async def test_pods_that_still_run_are_no_closed_door(bench: Bench) -> None:
    """The platform does not say closed while replicas are left, whatever was asked for."""
    await bench.close()
    bench.cluster.change(DEPLOYMENTS, "chat-large", {"status": {"replicas": 1}})
    control = (await bench.connector.verify(bench.target, bench.door, "refused")).probes[-1]
    assert (control.what, control.serving) == ("control", UNKNOWN)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("argocd.argoproj.io/tracking-id", "prod:apps/Deployment:models/chat-large", "Argo CD"),
        ("kustomize.toolkit.fluxcd.io/name", "models", "Flux"),
        ("app.kubernetes.io/managed-by", "Helm", "Helm"),
    ],
)
async def test_a_plan_names_who_may_undo_it(bench: Bench, key: str, value: str, said: str) -> None:
    """GitOps puts back what it finds in git: the person who presses reads that before."""
    bench.cluster.change(DEPLOYMENTS, "chat-large", {"metadata": {"annotations": {key: value}, "labels": {key: value}}})
    assert f"managed by {said}" in await bench.radius()


async def test_a_plan_is_made_where_the_cluster_is_silent(bench: Bench) -> None:
    """What could not be asked is said to be unknown, and nothing is raised."""
    bench.model("scale", name="no-such-model")
    assert "not known" in await bench.radius()


# Network policies.


async def test_a_policy_closes_pods_off_and_goes_again(bench: Bench) -> None:
    """It bears our label and our mark, denies both directions, and its deletion opens the door."""
    bench.model("network-policy")
    assert await bench.holds() is NO
    snapshot, receipt = await bench.close()
    made = bench.cluster.show(POLICIES, "firedoor-chat-large")
    assert made["spec"] == {"podSelector": {"matchLabels": {"app": "chat-large"}}, "policyTypes": ["Ingress", "Egress"]}
    assert made["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "firedoor"}
    assert await bench.holds() is YES
    assert (await bench.open(snapshot, receipt)).changed
    assert (await bench.holds("serving"), bench.cluster.show(POLICIES, "firedoor-chat-large")) == (YES, None)


async def test_a_policy_that_nobody_enforces_does_not_hold(bench: Bench) -> None:
    """The API takes it gladly; callers are served all the same, and only that counts."""
    bench.model("network-policy")
    bench.cluster.settings(enforced=False)
    await bench.close()
    assert await bench.holds() is NO


async def test_a_policy_that_another_one_overrules_is_refused(bench: Bench) -> None:
    """Policies add up: one that allows wins, so denying would close nothing."""
    bench.cluster.reset(**{POLICIES: [policy("allow-web", ingress=[{}])]})
    bench.model("network-policy")
    assert "allow-web allows traffic" in await bench.radius()
    with pytest.raises(Refused, match="allow-web"):
        await bench.close()


@pytest.mark.parametrize(
    "selector",
    [
        {"matchLabels": {"app": "chat-small"}},
        {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["chat-large"]}]},
        {"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]},
        {"matchExpressions": [{"key": "tier", "operator": "Exists"}]},
    ],
)
async def test_a_policy_for_other_pods_does_not_matter(bench: Bench, selector: dict[str, Any]) -> None:
    """Only a policy that selects these pods can allow them anything."""
    bench.cluster.reset(**{POLICIES: [policy("allow", podSelector=selector, ingress=[{}])]})
    bench.model("network-policy")
    assert (await bench.close())[1].changed


async def test_a_policy_of_our_name_that_says_something_else_is_not_touched(bench: Bench) -> None:
    """Neither open nor closed: nothing is overwritten, nothing deleted."""
    bench.cluster.reset(**{POLICIES: [policy("firedoor-chat-large", podSelector={"matchLabels": {"app": "x"}})]})
    bench.model("network-policy")
    with pytest.raises(Refused):
        await bench.close()
    assert bench.cluster.proxy.effects == 0


async def test_a_policy_that_somebody_widened_is_not_deleted(bench: Bench) -> None:
    """What was changed since is somebody else's decision."""
    bench.model("network-policy")
    snapshot, receipt = await bench.close()
    bench.cluster.change(POLICIES, "firedoor-chat-large", {"spec": {"podSelector": {"matchLabels": {"kind": "model"}}}})
    with pytest.raises(Refused):
        await bench.open(snapshot, receipt)


# Jobs.


async def test_a_job_stops_running_and_runs_again(bench: Bench) -> None:
    """Proved by its pods, which an account that may only read looks at; what was lost is said before."""
    bench.model("job-suspend", "train-")
    assert (await bench.connector.plan(bench.target, bench.door)).reversible == "lossy"
    assert await bench.holds() is NO
    snapshot, receipt = await bench.close()
    assert await bench.holds() is YES
    await bench.open(snapshot, receipt)
    assert await bench.holds("serving") is YES


async def test_a_job_of_kueue_is_refused(bench: Bench) -> None:
    """Kueue would start it again; its own switch is named."""
    labelled = job("chat-large", **{"kueue.x-k8s.io/queue-name": "gpu"})
    bench.cluster.reset(**{JOBS: [labelled, job("chat-small")]})
    bench.model("job-suspend", "train-")
    with pytest.raises(Refused, match="Workload"):
        await bench.close()


async def test_a_finished_job_is_closed_and_not_ours(bench: Bench) -> None:
    """There is nothing to stop, and nothing to start again."""
    bench.cluster.change(JOBS, "train-chat-large", {"status": {"conditions": [{"type": "Complete", "status": "True"}]}})
    bench.model("job-suspend", "train-")
    snapshot, receipt = await bench.close()
    assert not receipt.changed
    with pytest.raises(Refused):
        await bench.open(snapshot, receipt)


async def test_the_account_of_the_probe_cannot_close(bench: Bench) -> None:
    """The reader's token is turned away, and that is said with what to do."""
    bench.model("scale", cluster=bench.cluster.cluster("KUBE_READER"))
    with pytest.raises(Unanswered, match="rights"):
        await bench.close()


# KServe.


async def test_kserve_is_closed_when_its_controller_says_so(bench: Bench) -> None:
    """Asked to stop and not yet stopped is unknown on the platform's side."""
    bench.model("", "isvc-", "kserve")
    await bench.close()
    assert await bench.holds() is YES
    bench.cluster.change(
        SERVICES, "isvc-chat-large", {"status": {"conditions": [{"type": "Stopped", "status": "False"}]}}
    )
    control = (await bench.connector.verify(bench.target, bench.door, "refused")).probes[-1]
    assert control.serving in (UNKNOWN, NO)


async def test_the_canary_is_captured_and_said(bench: Bench) -> None:
    """The state holds its share, and a plan names it; the specification is kept as a digest only."""
    bench.model("", "isvc-", "kserve")
    state = (await bench.connector.capture_state(bench.target, bench.door)).state
    assert (state["canary_percent"], state["parts"]) == (20, ["predictor"])
    assert "canary takes 20 %" in await bench.radius()


# Whom it trusts, and what it takes for an answer.


def door_of(**cluster: Any) -> dict[str, Any]:
    return {"action": "scale", "namespace": "models", "name": "x", "cluster": cluster, "timeout_seconds": TIMEOUT}


@pytest.mark.parametrize(
    "cluster",
    [
        {},
        {"server": "https://k8s.example"},
        {"server": "https://k8s.example", "token": "a-token-in-the-open"},
        {"server": "http://k8s.example", "token": "secret://env/KUBE_TOKEN"},
        {"server": "https://k8s.example", "token": "secret://env/KUBE_TOKEN", "in_cluster": True},
        {"in_cluster": True, "context": "prod"},
    ],
)
async def test_a_cluster_that_is_not_said_clearly_is_refused(bench: Bench, cluster: dict[str, Any]) -> None:
    """One way to the cluster, with certificates, and no secret in the file."""
    door = bench.door.model_copy(update={"config": door_of(**cluster)})
    with pytest.raises(InvalidInput) as caught:
        bench.connector.check(bench.target, door)
    assert "a-token-in-the-open" not in str(caught.value)


@pytest.mark.parametrize(("key", "value"), [("autoscaler", "pause"), ("policy", "x"), ("workload", "Deployment")])
def test_a_key_of_another_action_is_refused(bench: Bench, key: str, value: str) -> None:
    """What would have no effect is no accepted wish."""
    config = {**door_of(in_cluster=True), "action": "job-suspend", key: value}
    with pytest.raises(InvalidInput, match=key):
        bench.connector.check(bench.target, bench.door.model_copy(update={"config": config}))


async def seen(bench: Bench, config: dict[str, Any]) -> FiredoorError:
    """Return the error of a look through a door with this configuration."""
    with pytest.raises(FiredoorError) as caught:
        await bench.connector.capture_state(bench.target, bench.door.model_copy(update={"config": config}))
    assert not [secret for secret in KEYS.values() if secret in repr(caught.value)]
    return caught.value


async def test_a_kubeconfig_that_checks_no_certificate_is_refused(bench: Bench, tmp_path: Path) -> None:
    """insecure-skip-tls-verify does not pass, even where a person wrote it."""
    file = tmp_path / "config"
    server = {"server": "https://127.0.0.1:6443", "insecure-skip-tls-verify": True}
    file.write_text(yaml.safe_dump(kubeconfig(server)))
    assert "without checking" in str(await seen(bench, door_of(kubeconfig=str(file), context="rig")))


async def test_a_kubeconfig_is_a_way_to_the_cluster(bench: Bench, tmp_path: Path) -> None:
    """Its server and its token are used, and it is not written to."""
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump(kubeconfig({"server": bench.cluster.proxy.url})))
    before = file.read_bytes()
    bench.model("scale", cluster={"kubeconfig": str(file), "context": "rig"})
    assert (await bench.close())[1].changed
    assert file.read_bytes() == before


def kubeconfig(server: dict[str, Any]) -> dict[str, Any]:
    return {
        "clusters": [{"name": "rig", "cluster": server}],
        "users": [{"name": "rig", "user": {"token": KEYS["KUBE_TOKEN"]}}],
        "contexts": [{"name": "rig", "context": {"cluster": "rig", "user": "rig"}}],
    }


async def test_an_account_of_a_pod_is_missed_outside_of_a_pod(bench: Bench) -> None:
    """in_cluster outside of a cluster is a problem in words."""
    assert "this cluster cannot be used" in str(await seen(bench, door_of(in_cluster=True)))


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (reply(302, None, location="http://127.0.0.1:1/"), "K208"),
        (reply(200, b"<html>sign in</html>"), "K207"),
        (reply(200, {"kind": "Status"}), "K207"),
        (reply(404, {"kind": "Status"}), "K204"),
        (reply(403, {"message": "the-token-that-closes-doors may not"}), "K203"),
    ],
)
async def test_an_odd_answer_is_no_state(bench: Bench, answer: bytes, code: str) -> None:
    """A redirect, a sign-in page, another document: nothing is captured, and the token is not repeated."""
    async with odd_server(lambda _: answer) as server:
        error = await seen(bench, door_of(server=server.url, token="secret://env/KUBE_TOKEN"))
    assert error.problems[0].code == code
    assert len(server.asked) <= 3  # one look each at the workload and what scales it: nothing was repeated


async def test_a_server_with_a_strange_certificate_gets_no_token(bench: Bench, tmp_path: Path) -> None:
    """The certificate is checked before anything is sent; with its authority the same door works."""
    authority, context = certificate(tmp_path)
    body = {**deployment("x"), "items": []}
    async with odd_server(lambda _: reply(200, body), context) as server:
        at = {"server": server.url, "token": "secret://env/KUBE_TOKEN"}
        error = await seen(bench, door_of(**at))
        assert (isinstance(error, InDoubt), server.asked) == (False, [])
        door = bench.door.model_copy(update={"config": door_of(**at, certificate_authority=str(authority))})
        assert (await bench.connector.capture_state(bench.target, door)).state["replicas"] == 3


def test_the_shapes_of_the_rig_are_used() -> None:
    """The rig's objects are what the API would hold: a kind, a name, a namespace."""
    made = [deployment("x"), service("x"), job("x"), {"kind": "Pod", "metadata": metadata("x"), "spec": template("x")}]
    assert all(one["kind"] and one["metadata"]["namespace"] == NAMESPACE for one in made)
