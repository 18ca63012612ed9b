"""What is derived from the ledger: JSONL and annotated media."""
