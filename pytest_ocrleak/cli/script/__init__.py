"""A script that `ocrleak run` runs: its command, its beginning and end, what it leaves."""
