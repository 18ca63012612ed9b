"""Derivations: what needs several frames, from the predictions in a ledger. No model runs."""
