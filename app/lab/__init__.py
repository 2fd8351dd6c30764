"""Offline work on recordings: replay, evaluate, tune, explain, simulate, export. Only the command line imports it."""
