"""The page that `vc demo` serves: the same Converter as the command line's, made to be heard and seen.

A file for each tab (`*_tab.py`: its components and what its buttons do), and one for each thing the tabs share. gradio
is imported by the files that build the page, and only when it is asked for.
"""
