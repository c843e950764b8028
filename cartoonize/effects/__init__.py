"""Effects: what happens to the network's drawings before they are written.

`effect.py` states what an effect is, `look.py` builds the list of them from the user's choices; each effect
has its own file. Only `look.py` knows which effects exist."""
