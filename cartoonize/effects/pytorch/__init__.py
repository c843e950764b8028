"""The effects in PyTorch, for drawings in the memory of the network's device.

`effect.py` states the contract, `chain.py` applies them. Each effect has its own file, with the name of its
counterpart in effects/, and imports the constants from there. `Effect.in_pytorch` returns it."""
