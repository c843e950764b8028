"""Tools around conversions: benchmark, clean, demo, doctor, and installing styles."""
