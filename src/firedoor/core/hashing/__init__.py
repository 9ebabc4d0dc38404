"""Hashes of content: what a bank of them holds, how files of them are read, and which stored hashes lie near."""
