"""Finding offers: what was typed, filters, sorted pages, facets."""
