"""Speed, always as a ratio against a named limit or peer that ran beside it."""
