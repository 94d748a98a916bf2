"""The JSON files that commands write and read."""
