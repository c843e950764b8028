"""The web page: drop pictures and videos, choose a style, compare the results, download them.

server.py     serves it at addresses.py until a signal ends it; connections.py closes idle connections
app.py        maps addresses to handlers; static/ is the page itself
access.py     decides which requests are accepted, with access_key.py; visitors.py records who is present
api.py        the handlers for the page and for programs, with responses.py; openapi.py describes them
jobs.py       the queue of what web_job.py describes
worker.py     converts, one file at a time; previews.py draws one frame before that
receiver.py   receives files, with uploads.py; folders.py keeps them, limits.py refuses files that cost
              too much
settings.py   and states.py define the JSON of requests and responses
examples.py   photos to try
"""
