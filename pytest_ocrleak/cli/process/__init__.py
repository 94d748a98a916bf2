"""A process as it is seen from outside: read, named, and how it changes."""
