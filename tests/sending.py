"""What a sending says beside its reference, for tests that are about something else."""

SAID = {"version": "none", "channel": "the authority's portal", "sent_at": "now"}  # at any door
SENT = {"as_sent": "the file handed in", "channel": "the authority's portal", "sent_at": "now"}  # once the text is kept
