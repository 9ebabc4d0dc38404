"""Importers: each lists what one kind of system runs and proposes targets for the inventory; a person reviews them."""
