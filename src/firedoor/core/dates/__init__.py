"""Civil dates: how a period is counted, which days are business days, and durations as people write them."""
