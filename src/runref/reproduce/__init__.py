"""Re-executing a recorded run in isolation, and saying whether it held."""
