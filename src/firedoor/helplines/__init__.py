"""Who helps people whose image is used: helplines, removal services and places to report, by country and age."""
