"""What the routes of baskets and orders take and answer."""
