"""The one path: load, receive, persist; what time does; what is learned and compared on the way."""
