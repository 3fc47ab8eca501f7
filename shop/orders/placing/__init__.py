"""From a basket to an order: prices, checks, one insert."""
