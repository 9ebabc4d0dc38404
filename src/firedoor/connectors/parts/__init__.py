"""What connectors share: context, bounded calls, closed templates, probes of the data plane, artefacts."""
