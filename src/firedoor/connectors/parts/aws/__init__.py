"""What the aws connector knows of each service: calls and their failures, and one module for each way to close."""
