"""Social log-in: providers, the identities that open an account, the codes on the way, and the browser's part."""
