"""What is left of three hundred orders when everything is killed meanwhile: all of them, once."""
