"""The incident as its journal tells it: the view that every other fold looks at."""
