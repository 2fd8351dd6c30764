"""The public contract, sentence by sentence, against a real server: one file for each of its sections. What
`tests/transport`, `tests/security` and `tests/faults` hold already is not said again."""
