"""Scripts of the checkout, each run from its root as `python -m scripts.NAME`; none of them is installed."""
