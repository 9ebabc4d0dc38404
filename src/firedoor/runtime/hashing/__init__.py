"""Hashes of what a platform stores: read by locator, hashed in a process that can do nothing else, and looked up."""
