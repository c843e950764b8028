"""The effects in PyTorch, for drawings in the memory of the network's device.

`effect.py` states the contract, `chain.py` applies them; each effect has a file of its own, and the name of
its counterpart in effects/, from which it takes its constants. `Effect.in_pytorch` returns it."""
