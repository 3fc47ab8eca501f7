"""Mail: queued in the transaction that causes it, delivered by a task, logged as metadata."""
