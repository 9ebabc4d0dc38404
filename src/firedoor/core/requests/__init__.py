"""Requests of people to remove content or to use a right: what one contains, and what each law asks of it."""
