"""From films or drawings to a style, as one resumable sequence of steps: `cartoonize train run`.

run.py           the list of steps, and the loop that runs them
step.py          what every step has: a name, a title, an estimate, and its work
workspace.py     the run folder: paths, options, state
state.py         run.json: what was decided and what is done, so that a resumed run makes the same style
time_budget.py   how many pictures and images fit into the time
plan.py          the same for a run folder: the counts and times of its steps
report.py        the report at the end
card.py          the card of the style
stopwatch.py     measures how often a function runs per second

The steps, in order: drawings.py, photos.py, look.py, speed.py, targets.py, networks.py (a teacher on GPUs,
then floats, then 8-bit integers), export.py, quality.py, pictures.py.
"""
