"""Consent: whose data are in a training manifest without a basis, by the ledger."""
