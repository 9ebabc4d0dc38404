"""Administration over HTTP: people, tokens, the security journal."""
