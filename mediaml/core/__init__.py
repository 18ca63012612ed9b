"""The nouns of mediaml: frozen records that state their units and refuse nonsense.

A reader yields `Frame`s of one `MediaInfo`; a model gives each frame one `Prediction`; a `Task` is the unit
of work and a `TaskResult` what came of it.
"""
