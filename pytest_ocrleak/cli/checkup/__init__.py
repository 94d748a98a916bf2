"""What `ocrleak doctor` plants, and what limits the trust in figures here."""
