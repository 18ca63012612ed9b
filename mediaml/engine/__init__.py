"""Engines run jobs: on local worker processes today."""
