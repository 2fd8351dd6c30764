"""How right the moods are: measured on labelled recordings, people kept apart."""
