"""Evaluators: one module a model, each with `evaluate(model, data, plots) -> dict`, and what they share."""
