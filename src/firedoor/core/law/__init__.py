"""Law as data: duties with their dated versions, when each applies, and when it is due."""
