"""The web page: drop pictures and videos, choose a style, compare the results, download them.

server.py serves it until a signal ends it. app.py maps addresses to handlers, api.py has the handlers for the
page and for programs, and openapi.py describes them. static/ is the page itself. access.py decides which
requests are let through, visitors.py knows who is there, connections.py closes idle connections. jobs.py has
the queue, worker.py converts, one file at a time. uploads.py receives files, folders.py keeps them, limits.py
refuses what would cost too much. settings.py and states.py are the JSON that goes in and out, examples.py has
photos to try.
"""
