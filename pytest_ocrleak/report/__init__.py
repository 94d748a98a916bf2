"""Reports: a finished check in, lines or a document out; nothing here writes to a file."""
