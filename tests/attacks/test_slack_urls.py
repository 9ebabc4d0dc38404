"""Attack: a signed request whose `response_url` leads somewhere else, to have the server call there."""

from __future__ import annotations

import pytest

from firedoor.interfaces.slack.calls import Calls, SlackRefused

ELSEWHERE = [
    "https://hooks.slack.com.example.org/x", "https://hooks.slack.com@example.org/x", "http://hooks.slack.com/x",
    "https://hooks.slack.com:444/x", "https://example.org/https://hooks.slack.com/", "https://slack.com/api/x",
    "https://files.slack.com/x", "//hooks.slack.com/x", "http://127.0.0.1:8600/x", "http://169.254.169.254/",
    "file:///etc/passwd", "",
]  # fmt: skip


@pytest.mark.parametrize("address", ELSEWHERE)
@pytest.mark.parametrize("base", ["https://slack.com/api/", "http://127.0.0.1:1/api/"])
async def test_only_slack_s_own_host_is_answered(address: str, base: str) -> None:
    """Nothing is sent; the refusal does not wait for a network."""
    with pytest.raises(SlackRefused, match="not an address of Slack's"):
        await Calls(lambda: "xoxb-x", base).respond(address, [], "x")
