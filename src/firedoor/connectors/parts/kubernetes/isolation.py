"""Closing pods off by a NetworkPolicy that allows nothing.

Decides that the policy is one of our own (created, never changed; deleted only as the very object that we made), and
that it counts as closing only where no other policy allows traffic to the same pods: policies add up, and one that
allows wins. Whether the cluster's network enforces policies at all cannot be asked; only the data plane shows it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from firedoor.connectors.parts.door_connector import Description, Live, Work
from firedoor.connectors.parts.kubernetes import objects
from firedoor.connectors.parts.kubernetes.api import DEPLOYMENTS, POLICIES, STATEFUL_SETS, KubernetesApi, Resource
from firedoor.connectors.parts.kubernetes.door import Action, KubernetesDoor, planned
from firedoor.core.ports import Members
from firedoor.core.problems import Problem, Refused
from firedoor.core.ternary import NO, UNKNOWN, YES, Ternary


class Isolation(Action):
    """`action: network-policy`."""

    changes = frozenset({"policy"})

    async def look(self, api: KubernetesApi, door: KubernetesDoor) -> Live:
        """Read the workload's labels, our policy, and every other policy that reaches its pods."""
        item, policies = await asyncio.gather(_workload(api, door), _policies(api, door))
        labels = _pod_labels(item)
        ours = next((policy for policy in policies if policy["metadata"]["name"] == policy_name(door)), None)
        others = [policy for policy in policies if policy is not ours and _selects(policy, labels)]
        allowing = sorted(str(one["metadata"]["name"]) for one in others if _allows(one, door.directions))
        selector = item["spec"].get("selector") or {}
        state: Members = {"policy": None if ours is None else ours["spec"], "selector": selector, "allowing": allowing}
        closed = NO if ours is None else _closed(ours["spec"], selector, allowing, door)
        return self.seen(ours or {"metadata": {}}, state, closed)

    async def platform(self, api: KubernetesApi, door: KubernetesDoor) -> Ternary:
        """Closed when our policy stands and none allows what it denies."""
        return (await self.look(api, door)).closed

    def was_closed(self, state: Members) -> bool:
        """Whether the policy was there when the state was captured."""
        return state.get("policy") is not None

    async def close(self, api: KubernetesApi, work: Work[KubernetesDoor]) -> Members:
        """Create the policy. Refuses where it would change nothing because another policy allows the traffic."""
        door, state = work.settings, work.live.state
        if state["allowing"]:
            message = f"{work.target.id}/{work.door.name}: {', '.join(state['allowing'])} would still allow traffic"
            do = "policies add up and one that allows wins: close it by action: scale, or remove those policies first"
            raise Refused(Problem(code="K305", message=message, do=do))
        marks = objects.marked(work.mark, "no policy of this name")
        body = {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": policy_name(door), "labels": {objects.MANAGED_BY: "firedoor"}, **marks},
            "spec": denial(state["selector"], door),
        }
        made = await api.create(door.cluster, POLICIES, door.namespace, body, door.timeout_seconds)
        return {**self.told(made), "owners": []}

    async def open(self, api: KubernetesApi, work: Work[KubernetesDoor]) -> Members:
        """Delete the policy, if it is still the very one that bears our mark."""
        door = work.settings
        seconds = door.timeout_seconds
        found = await api.get(door.cluster, POLICIES, door.namespace, policy_name(door), seconds)
        policy = objects.required(found, f"NetworkPolicy {policy_name(door)}")
        if objects.generation(policy) != work.live.version_token:
            message = f"NetworkPolicy {policy_name(door)} was changed meanwhile"
            raise Refused(Problem(code="K206", message=message, do="look at it, then decide again"))
        only = {"uid": policy["metadata"].get("uid"), "resource_version": policy["metadata"].get("resourceVersion")}
        await api.delete(door.cluster, POLICIES, door.namespace, policy_name(door), only, seconds)
        return {"deleted": policy_name(door)}

    def describe(self, door: KubernetesDoor) -> Description:
        """The calls, as they would be made."""
        where = POLICIES.path(door.namespace)
        what = _workload_kind(door)
        return Description(
            calls=planned(
                door,
                f"GET {what.path(door.namespace, door.name)} and {where}",
                f"POST {where} {policy_name(door)}: deny {' and '.join(door.directions)}",
                f"DELETE {where}/{policy_name(door)}",
            ),
            blast_radius=(
                f"every pod in {door.namespace} that the selector of {door.workload} {door.name} matches",
                "it works only where the cluster's network plugin enforces policies: the probe shows it, no API does",
                "connections that are open already may go on, as the plugin decides",
                *(() if "Egress" in door.directions else ("its pods may still call out: batch work goes on",)),
            ),
            permissions=(
                f"{what.group} {what.plural}: get (only {door.name})",
                "networking.k8s.io networkpolicies: list, create",
                f"networking.k8s.io networkpolicies: get, delete (only {policy_name(door)})",
            ),
        )


def policy_name(door: KubernetesDoor) -> str:
    """What our policy is called."""
    return door.policy or f"firedoor-{door.name}"


def denial(selector: Members, door: KubernetesDoor) -> Members:
    """A policy that selects pods and allows nothing: no rule is named for a direction that is listed."""
    return {"podSelector": selector, "policyTypes": list(door.directions)}


def _closed(found: Members, selector: Members, allowing: list[str], door: KubernetesDoor) -> Ternary:
    shape = {key: value for key, value in found.items() if value not in ([], None)}
    return YES if shape == denial(selector, door) and not allowing else UNKNOWN


def _workload_kind(door: KubernetesDoor) -> Resource:
    return STATEFUL_SETS if door.workload == "StatefulSet" else DEPLOYMENTS


async def _workload(api: KubernetesApi, door: KubernetesDoor) -> Members:
    item = await api.get(door.cluster, _workload_kind(door), door.namespace, door.name, door.timeout_seconds)
    return objects.required(item, f"{door.workload} {door.namespace}/{door.name}")


async def _policies(api: KubernetesApi, door: KubernetesDoor) -> list[Members]:
    return list(await api.list(door.cluster, POLICIES, door.namespace, door.timeout_seconds))


def _pod_labels(item: Members) -> Mapping[str, str]:
    return (item["spec"].get("template") or {}).get("metadata", {}).get("labels") or {}


def _allows(policy: Members, directions: tuple[str, ...]) -> bool:
    return any(policy["spec"].get(direction.lower()) for direction in directions)


def _selects(policy: Members, labels: Mapping[str, str]) -> bool:
    """Whether a policy reaches pods with these labels; an empty selector reaches all of the namespace."""
    selector = policy["spec"].get("podSelector") or {}
    exact = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return exact and all(_matches(one, labels) for one in selector.get("matchExpressions") or ())


def _matches(expression: Members, labels: Mapping[str, str]) -> bool:
    """One expression of a label selector, by the four operators that Kubernetes has."""
    value = labels.get(expression["key"])
    match expression["operator"]:
        case "In":
            return value in expression["values"]
        case "NotIn":
            return value not in expression["values"]
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case _:
            return True  # an operator that we do not know may match: better one warning too many
