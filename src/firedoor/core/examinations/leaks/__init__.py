"""Personal data and secrets in the outputs of a model: what a text holds, and how much of a corpus it repeats."""
