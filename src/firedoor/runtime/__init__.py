"""The imperative shell: settings, world, conductor, loops."""
