"""Sources of alerts, one pure file each: example payloads, authentication as data, and parse(body, headers)."""
