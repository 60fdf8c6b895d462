"""What a run ran on: interpreter, packages, system, hardware, container."""

from runref.capture.environment.document import capture_environment
from runref.capture.environment.interpreter import Interpreter, interpreter_of

__all__ = ["Interpreter", "capture_environment", "interpreter_of"]
