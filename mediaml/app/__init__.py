"""The application: what a run does, from inputs to outputs. It knows no command line and no terminal.

`run.py` is the entry (`mediaml.run` and `mediaml run` both call it), `config.py` what can be asked for,
`reporter.py` receives its messages, `report.py` what it returns.
"""
