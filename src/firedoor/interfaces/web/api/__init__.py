"""The resources of the HTTP API, one router each."""
