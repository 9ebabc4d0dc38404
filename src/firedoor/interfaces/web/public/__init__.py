"""What strangers reach: the door for requests of the people who are harmed, by page and by program."""
