"""Reading and writing pictures, folders of pictures, and image sequences."""
