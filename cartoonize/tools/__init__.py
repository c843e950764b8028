"""Tools around conversions: benchmark, demo, doctor, and installing styles."""
