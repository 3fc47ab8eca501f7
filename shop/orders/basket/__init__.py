"""What a buyer means to order, and the ways to fill it."""
