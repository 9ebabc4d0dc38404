"""Everything that looks at a timer: deadlines, the outbox, held targets, the audit."""
