"""What secret keys manage: sessions, keys, timelines, the shadow model."""
