"""The outbox: what is to happen later or elsewhere is written in the transaction that causes it, then carried out."""
