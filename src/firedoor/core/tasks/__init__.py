"""Tasks for people: answers, passing on, reminders, and what a question holds up."""
