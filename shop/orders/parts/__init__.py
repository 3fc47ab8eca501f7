"""The suppliers' parts of orders: how they move, are confirmed, shipped short, received."""
