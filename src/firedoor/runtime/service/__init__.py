"""What people and detectors can ask of Firedoor, behind every door."""
