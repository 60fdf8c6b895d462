"""What a run ran on: interpreter, packages, system, hardware, container."""

from runref.capture.environment.document import capture_environment

__all__ = ["capture_environment"]
