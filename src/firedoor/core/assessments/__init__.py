"""Impact assessments as files: their form, their gaps against the inventory and an incident, and what changed."""
