"""Plan inputs into tasks, run them through the pipeline, commit them to the ledger."""
