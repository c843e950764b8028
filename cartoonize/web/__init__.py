"""The web page: drop a picture or a video, choose a style, compare the result, download it.

server.py serves the page until a signal ends it. page.py builds it, handlers.py is what happens in it,
views.py what people read and see, with page.css. access.py decides which requests are let through,
visitors.py tells visitors apart and gives each a share of the server, connections.py closes connections that
ask for nothing. folders.py keeps the files of visitors, limits.py refuses what would cost too much, worker.py
converts, one file at a time. gradio_server.py holds all that depends on the inside of Gradio.
"""
