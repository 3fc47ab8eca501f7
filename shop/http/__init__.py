"""What all routes share: problems, pages, idempotency, throttling, request ids, health."""
