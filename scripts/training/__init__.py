"""Trainings of the bundled models, and what they share."""
