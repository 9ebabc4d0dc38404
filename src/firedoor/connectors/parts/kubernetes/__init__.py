"""What the connectors of Kubernetes share."""
