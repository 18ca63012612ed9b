"""Golden answers of detectors: what each family's maker answers to a picture, recorded for tests."""
