"""What all other parts stand on: errors, frames, choices, files. It imports nothing of ours."""
