"""Legal deadlines of one incident: what starts them, what people do to them, what is left of each."""
