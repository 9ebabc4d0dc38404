"""Commands about the installation: server, accounts, keys, audit, doctor."""
