"""Imports into the inventory, and questions to it: the part that reads files and asks servers."""
