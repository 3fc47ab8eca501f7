"""Webhooks: other systems hear of what concerns their company, signed, at least once."""
