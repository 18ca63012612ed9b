"""The application: what a run does, from inputs to outputs. It does not use the command line or a terminal.

`run.py` is the entry (`mediaml.run` and `mediaml run` both call it), `config.py` its settings,
`reporter.py` receives its messages, `report.py` what it returns.
"""
