"""The detectors, one family a file."""
