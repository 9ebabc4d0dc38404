"""Documents on paper: the report, and notices in every form."""
