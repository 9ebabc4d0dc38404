"""Who is in the channel of an incident, what stands at its top, and what becomes of it when the incident has ended."""

from __future__ import annotations

from typing import Any

import pytest
from tests.slack.test_slack import (
    _built,  # noqa: F401 - a fixture
    _slack,  # noqa: F401 - a fixture
    incident_with_buttons,
    until,
)
from tests.support.api_house import House
from tests.support.slack_house import SlackHouse

from firedoor.interfaces.slack.channels import is_over
from firedoor.store.identity.accounts import change_account

SECRET = "Mx Secret of the third office"


async def opened(built: House, slack: SlackHouse) -> tuple[str, dict[str, Any]]:
    """An incident with its channel, everybody in it and the summary pinned."""
    incident, _ = await incident_with_buttons(built, slack)
    channel = slack.channel(incident.lower())
    await until(lambda: {"UCAS", "UDEE"} <= set(channel["members"]) and channel["pins"], "a whole channel")
    await quiet(built)
    return incident, channel


async def quiet(built: House) -> None:
    await until(lambda: not built.runtime.outbox._lanes, "the end of what is under way")


async def move(built: House, incident: str, severity: str) -> None:
    """Something changes that the summary shows."""
    facts = {"facts": {"severity": severity}, "why": "counted"}
    assert (await built.local.post(f"/api/v1/incidents/{incident}/facts", json=facts)).status_code == 200
    readers = {"roles": ["dpo", "commander"], "why": "fewer"}
    assert (await built.local.post(f"/api/v1/incidents/{incident}/readers", json=readers)).status_code == 200


async def test_the_name_and_the_topic_say_nothing(built: House, slack: SlackHouse) -> None:
    """A number, and that nothing about a person belongs here."""
    incident, channel = await opened(built, slack)
    assert channel["name"] == incident.lower()
    assert channel["topic"].startswith(f"Firedoor, {incident}. Write nothing here")


async def test_a_role_that_is_given_or_taken_changes_who_is_inside(built: House, slack: SlackHouse) -> None:
    """Within seconds, although no entry of the incident says so; somebody who is disabled leaves too."""
    _, channel = await opened(built, slack)
    store, now = built.runtime.world.store, built.runtime.world.now
    change_account(store, "vic", {"roles": ["dpo"]}, now())
    await until(lambda: "UVIC" in channel["members"], "an invitation")
    change_account(store, "vic", {"roles": ["viewer"]}, now())
    await until(lambda: "UVIC" not in channel["members"], "leaving after the role")
    change_account(store, "cas", {"disabled": True}, now())
    await until(lambda: "UCAS" not in channel["members"], "leaving after the account")
    assert "UDEE" in channel["members"]


async def test_somebody_who_could_not_be_invited_is_tried_again(built: House, slack: SlackHouse) -> None:
    """They hold up no message; when the summary changes they are asked in once more."""
    slack.users.remove("UDEE")
    incident, post = await incident_with_buttons(built, slack)
    channel = slack.channel(incident.lower())
    await quiet(built)
    assert post
    assert "UDEE" not in channel["members"]
    slack.users.add("UDEE")
    await move(built, incident, "critical")
    await until(lambda: "UDEE" in channel["members"], "an invitation")


async def test_a_channel_that_nobody_can_be_removed_from_is_left(built: House, slack: SlackHouse) -> None:
    """A setting of the workspace forbids it: what comes next comes into another channel, without that person."""
    incident, channel = await opened(built, slack)
    slack.refuse("conversations.kick", "restricted_action")
    readers = {"roles": ["dpo"], "why": SECRET}
    await built.local.post(f"/api/v1/incidents/{incident}/readers", json=readers)
    await until(lambda: slack.posts(f"{incident.lower()}-2", "firedoor_summary"), "another channel")
    assert channel["is_archived"]
    assert set(slack.channel(f"{incident.lower()}-2")["members"]) == {"UBOT", "UDEE"}


async def test_a_guest_is_shown_out_where_only_some_may_read(built: House, slack: SlackHouse) -> None:
    """Somebody inside asked a colleague in: Firedoor never invited them, and takes them out."""
    incident, channel = await opened(built, slack)
    channel["members"].append("UEVE")
    await move(built, incident, "critical")
    await until(lambda: "UEVE" not in channel["members"], "the guest's leaving")
    assert {"UCAS", "UDEE"} <= set(channel["members"])


@pytest.mark.parametrize("error", ["message_not_found", "cant_update_message", "edit_window_closed"])
async def test_a_summary_that_cannot_be_edited_is_written_anew(built: House, slack: SlackHouse, error: str) -> None:
    """And pinned in the place of the old one."""
    incident, channel = await opened(built, slack)
    slack.refuse("chat.update", error)
    await move(built, incident, "critical")
    await until(lambda: len(slack.posts(incident.lower(), "firedoor_summary")) == 2, "a new summary")
    newest = slack.posts(incident.lower(), "firedoor_summary")[-1]
    await until(lambda: channel["pins"] == [newest["ts"]], "the pin")
    assert "critical" in str(newest["blocks"])


async def test_a_summary_whose_pin_was_interrupted_is_pinned(built: House, slack: SlackHouse) -> None:
    """The message was there, the pin not: it is found, and not written twice."""
    slack.faults.append(("pins.add", 500, {}, {}))
    incident, channel = await opened(built, slack)
    (summary,) = slack.posts(incident.lower(), "firedoor_summary")
    assert channel["pins"] == [summary["ts"]]


async def test_the_channel_is_archived_behind_the_last_word(built: House, slack: SlackHouse) -> None:
    """When the incident has ended and nothing waits; its summary says so, and no other channel is made."""
    incident, channel = await opened(built, slack)
    for _ in range(60):
        tasks = (await built.local.get(f"/api/v1/incidents/{incident}/tasks?open=true")).json()["tasks"]
        if not tasks:
            break
        for task in tasks:
            await answered(built, incident, task)
        await built.runtime.driver.settled(incident)
    standing = (await built.local.get(f"/api/v1/incidents/{incident}")).json()
    assert standing["state"] in ("closed", "dismissed"), standing["state"]
    await until(lambda: channel["is_archived"], "the archive")
    assert standing["state"] in str(slack.posts(incident.lower(), "firedoor_summary")[-1]["blocks"])
    change_account(built.runtime.world.store, "vic", {"roles": ["dpo"]}, built.runtime.world.now())
    await quiet(built)
    assert len(slack.channels) == 1


async def answered(built: House, incident: str, task: dict[str, Any]) -> None:
    """By whichever answer counts: no first, so that it ends soon."""
    for choice in reversed(task["choices"]):
        fields = dict.fromkeys(choice.get("requires", ()), "as agreed")
        answer = {"choice": choice["id"], "why": "as seen", "facts": {}, "fields": fields}
        done = await built.local.post(f"/api/v1/incidents/{incident}/tasks/{task['name']}/answer", json=answer)
        if done.status_code < 300:
            return


def test_an_incident_with_something_open_is_not_over() -> None:
    """A false alarm whose legal limits still run keeps its channel."""
    from tests.slack.test_slack_blocks import PLAIN

    from firedoor.core.ports import Line

    assert not is_over(PLAIN)
    assert is_over(PLAIN.model_copy(update={"state": "closed"}))
    for waits in ("tasks", "clocks"):
        assert not is_over(PLAIN.model_copy(update={"state": "dismissed", waits: (Line(name="x", who="y"),)}))
