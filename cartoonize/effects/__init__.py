"""Effects on frames before and after the network: the stabilizer, compositing."""
