"""A small platform with real models, jobs and shares, for the demonstration and for tests; all of it is invented."""
