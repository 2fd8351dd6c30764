"""What browsers load: pages, scripts, the reference and its machine-readable form, metrics."""
