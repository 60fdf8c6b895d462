"""What a command line says: the program's own arguments, and the parameters among them."""
