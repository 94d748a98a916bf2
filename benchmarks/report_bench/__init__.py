"""What the benchmark of reports renders."""
