"""The papers of an order: how they are numbered, frozen and printed."""
