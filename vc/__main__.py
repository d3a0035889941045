"""python -m vc"""

from vc.cli import entry_point

entry_point()
