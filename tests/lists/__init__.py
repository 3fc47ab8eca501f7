"""Every list of the API and of the desk, walked to its end."""
