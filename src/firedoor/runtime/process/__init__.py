"""The life of a process: start, stop, backup, warm-up."""
