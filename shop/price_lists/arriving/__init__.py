"""How lists come: sent by somebody, or fetched from an address."""
