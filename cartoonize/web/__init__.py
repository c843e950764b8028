"""The web page: drop a picture or a video, choose a style, look at the drawing, take it along.

server.py serves the page until it is told to stop; page.py builds it, visits.py is what happens in it, and
showing.py what people see, with page.css. doors.py says what may be asked of the server, and by whom;
folders.py where the files of visitors are, and for how long; limits.py what is taken to be drawn. studio.py
draws, one at a time.
"""
