"""Prefect: its server, flows, deployments and task runs, and the bridge to all of it."""
