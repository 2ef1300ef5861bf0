import sys
from pathlib import Path

# importlib mode does not put the tests' folder on the path; the shared scenes lie in it.
sys.path.insert(0, str(Path(__file__).parent))
