"""What one process is configured with: settings, secrets, playbooks, the inventory, and the container of all parts."""
