"""Reading and writing pictures and folders of them."""
