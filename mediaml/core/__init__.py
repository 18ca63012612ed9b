"""The nouns of mediaml: frozen, validated records with stated units.

A reader yields `Frame`s of one `MediaInfo`; a model gives each frame one `Prediction`; a `Task` is the unit
of work and a `TaskResult` its outcome.
"""
