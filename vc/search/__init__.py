"""Who sounds like this, and where is this said? Recordings found again by the halves of their embedding."""

from vc.search.index import Index, Match

__all__ = ["Index", "Match"]
