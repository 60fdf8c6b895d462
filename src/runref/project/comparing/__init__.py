"""What differs between runs: everything that is compared is read here, and nothing is fetched."""

from runref.project.comparing.several import compare_several
from runref.project.comparing.two import compare

__all__ = ["compare", "compare_several"]
