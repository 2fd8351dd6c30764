"""Made-up visitors, one for each mood: to see the service at work, and to make recordings for tests."""
