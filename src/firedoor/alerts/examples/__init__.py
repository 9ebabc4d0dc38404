"""Example payloads of the sources, with invented names, hashes and identifiers. They ship with the package."""
