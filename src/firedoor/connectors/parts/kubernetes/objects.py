"""What Firedoor reads in and writes on a Kubernetes object, whatever its kind: our marks, its owners, its two versions.

Decides the names of our annotations, by which fields an owner who may undo our work is recognised (Argo CD, Flux, Helm,
a controller), and that a change is sent with the resourceVersion that was read a moment ago. Leaves the calls to
`kubernetes_api` and what is changed to the connectors.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from firedoor.core.canonical import digest
from firedoor.core.ports import Members
from firedoor.core.problems import Problem, Refused, Unanswered

CLOSED_BY = "firedoor.io/closed-by"
BEFORE = "firedoor.io/before"  # what stood there, for whoever has to undo our work by hand
MANAGED_BY = "app.kubernetes.io/managed-by"
TRIES = 3  # a status that moves between look and change is no change of anybody's will

_GITOPS: Mapping[str, str] = {
    "argocd.argoproj.io/tracking-id": "Argo CD",
    "argocd.argoproj.io/instance": "Argo CD",
    "kustomize.toolkit.fluxcd.io/name": "Flux",
    "helm.toolkit.fluxcd.io/name": "Flux",
    "meta.helm.sh/release-name": "Helm",
}


def noted(item: Members) -> Members:
    """The annotations of an object; empty where there are none."""
    return dict(item["metadata"].get("annotations") or {})


def generation(item: Members) -> str | None:
    """What moves when somebody changes the specification; a status or an annotation does not move it."""
    found = item["metadata"].get("generation")
    return None if found is None else str(found)


def locked(item: Members, **metadata: object) -> Members:
    """Metadata for a change that holds only if nobody has changed the object since `item` was read."""
    return {"resourceVersion": item["metadata"].get("resourceVersion"), **metadata}


def owners(item: Members) -> tuple[str, ...]:
    """Who else decides about the object and may undo our work, in words."""
    said = {**(item["metadata"].get("labels") or {}), **noted(item)}
    found = {f"{name} ({said[key]})": None for key, name in _GITOPS.items() if key in said}
    manager = said.get(MANAGED_BY)
    if manager and not any(str(manager) in name for name in found):
        found[str(manager)] = None
    for reference in item["metadata"].get("ownerReferences") or ():
        found[f"{reference.get('kind')}/{reference.get('name')}"] = None
    return tuple(found)


def owned(what: str, item: Members) -> tuple[str, ...]:
    """Sentences for a plan about whoever may undo our work."""
    return tuple(
        f"{what} is managed by {owner}, which may undo this when it next reconciles: pause it there, or look again"
        for owner in owners(item)
    )


def containers(template: Members) -> Members:
    """The images that a pod template runs, by container."""
    specification = template.get("spec") or {}
    return {str(one.get("name")): one.get("image") for one in specification.get("containers") or ()}


def template_digest(item: Members) -> str:
    """The digest of a pod template; it may hold values that we do not keep."""
    return digest((item.get("spec") or {}).get("template") or {})


def required(item: Members | None, what: str) -> Members:
    """The object, which must be there. Raises Unanswered."""
    if item is None:
        message = f"the cluster has no {what}"
        do = "compare namespace and name; nothing was changed"
        raise Unanswered(Problem(code="K204", message=message, do=do))
    return item


async def change(
    read: Callable[[], Awaitable[Members]],
    write: Callable[[Members], Awaitable[Members]],
    expected: Callable[[Members], bool],
) -> Members:
    """Read and write until the version that was read is the one that is changed.

    Raises Refused when what was read is not what is `expected`: somebody was there meanwhile.
    """
    for attempt in range(1, TRIES + 1):
        item = await read()
        if not expected(item):
            message = f"{item['metadata'].get('name')} was changed meanwhile (generation {generation(item)})"
            do = "look at it, capture the state again, then decide again"
            raise Refused(Problem(code="K206", message=message, do=do))
        try:
            return await write(item)
        except Refused:
            if attempt == TRIES:
                raise
    raise AssertionError("the last attempt returns or raises")


def unchanged(seen: str | None) -> Callable[[Members], bool]:
    """Whether a specification is still the one that was seen."""
    return lambda item: generation(item) == seen


def marked(mark: str | None, before: str, **more: str | None) -> Members:
    """Annotations that say whose work this is."""
    return {"annotations": {CLOSED_BY: mark, BEFORE: before, **more}}


def unmarked(**more: str | None) -> Members:
    """Annotations that take our marks away; None removes one (RFC 7386)."""
    return {"annotations": {CLOSED_BY: None, BEFORE: None, **more}}
