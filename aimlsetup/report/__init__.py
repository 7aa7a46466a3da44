"""Plans, observations and proofs as lines to read and documents to parse. Pure: nothing here prints."""
