"""Embeddings of a ledger: vectors, search, duplicates, index."""
