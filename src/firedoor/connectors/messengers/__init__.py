"""Messengers: e-mail and signed JSON. Slack has an interface of its own, because people answer there."""
