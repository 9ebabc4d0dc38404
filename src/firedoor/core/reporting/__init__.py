"""What managers, auditors and lessons sessions read: the report, figures, the register, the week in a letter."""
