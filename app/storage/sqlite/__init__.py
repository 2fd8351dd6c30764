"""SQLite behind the storage contract: one writing connection, WAL, group commit."""
