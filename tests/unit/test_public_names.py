import subprocess
import sys


def test_public_functions_stay_functions_after_their_first_use() -> None:
    # vauban.audit is a package as well: importing it binds the same name. In a process of its own, as a user has it.
    asked = "import vauban; first = vauban.audit; assert callable(first); assert vauban.audit is first"
    subprocess.run([sys.executable, "-c", asked], check=True)
