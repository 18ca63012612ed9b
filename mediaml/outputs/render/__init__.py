"""Annotated media, rendered slice by slice from the ledger."""
