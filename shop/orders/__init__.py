"""Orders: from the basket through the suppliers' parts to the numbered invoice."""
