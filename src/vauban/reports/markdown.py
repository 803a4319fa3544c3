"""x"""
from typing import Any
def render(result: Any) -> str:
    return ""
