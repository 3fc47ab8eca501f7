"""Companies: who they are on documents, the people in them, and the delivery points that they order to."""
