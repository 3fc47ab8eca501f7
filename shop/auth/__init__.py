"""Accounts: people and their companies, tokens, access, and the delivery points that they order to."""
