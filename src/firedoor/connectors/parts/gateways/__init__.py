"""What the connectors of gateways share: their files, sockets and workers."""
