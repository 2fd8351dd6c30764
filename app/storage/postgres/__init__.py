"""Postgres behind the storage contract: one writing connection a node, group commit, appending as the lock."""
