"""A whole Firedoor in a folder, for tests of playbooks, plug-ins and of Firedoor itself.

Everything is real (SQLite store, vault, law, conductor, driver, watch) except the systems at the
far end, which are simulated and count what happens to them, and the clock, which is wound by hand.

    house = House(tmp_path, plan_of(TEXT))
    incident = await house.open(endpoint="chat-large")
    await house.settle(incident)
    assert house.far_end.effects.total() == 1
"""

from firedoor.testing.far_end import FarEnd
from firedoor.testing.house import House, plan_of

__all__ = ["FarEnd", "House", "plan_of"]
