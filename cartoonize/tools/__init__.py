"""What helps around a conversion: benchmark, demo, doctor, installing styles."""
