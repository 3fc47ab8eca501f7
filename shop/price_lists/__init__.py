"""Price lists: from a supplier's file to the catalog, all of it or nothing, with a report for every row."""
