"""The page: its head, its tabs, its looks."""

from pathlib import Path

import gradio as gr

import vc
from vc.demo.batch_tab import BatchTab
from vc.demo.convert_tab import ConvertTab
from vc.demo.inside_tab import InsideTab
from vc.demo.studio import Studio
from vc.demo.voices_tab import VoicesTab

LOOKS = Path(__file__).parent / "page.css"
SCRIPT = Path(__file__).parent / "page.js"
# Fonts of the visitor's system: nothing is fetched from elsewhere.
FONT, FONT_MONO = ["system-ui", "sans-serif"], ["ui-monospace", "monospace"]

HEAD = """
<header class="vc-head">
  <h1>The same sentence, another voice</h1>
  <p>An auto-encoder takes a recording apart into <b class="vc-content">what was said</b> and
  <b class="vc-speaker">who said it</b>, and puts the first together with somebody else's second.</p>
</header>"""
FOOT = """
<footer class="vc-foot">vc {version}, model {model}. Every result says in its header that it is converted.
Recordings are deleted after {minutes:.0f} minutes. Convert only into the voice of somebody who agreed.
<a href="?view=api">Use it from a program</a></footer>"""


def build_page(studio: Studio):
    """gradio's Blocks of the whole demo, and what to call when it is served."""
    with gr.Blocks(title="vc: the same sentence, another voice", analytics_enabled=False) as page:
        session = gr.State({}, time_to_live=3600)
        gr.HTML(HEAD)
        with gr.Tab("Convert"):
            convert = ConvertTab(studio, session)
        with gr.Tab("Voices"):
            voices = VoicesTab(studio, session, convert.gallery)
        with gr.Tab("Inside"):
            InsideTab(studio, session)
        with gr.Tab("Batch"):
            BatchTab(studio, session, convert.gallery)
        if studio.settings.library:  # it may have grown since the server started
            page.load(voices.refresh, [session, convert.gallery], voices.everywhere, api_visibility="private",
                      show_progress="hidden")
        gr.HTML(FOOT.format(version=vc.__version__, model=studio.converter.fingerprint[:12],
                            minutes=studio.settings.keep_s / 60))
    return page, convert.examples.begin


def looks():
    """What gradio's `launch` is told about colours, fonts and our own styles."""
    theme = gr.themes.Base(primary_hue="teal", neutral_hue="slate", font=FONT, font_mono=FONT_MONO,
                           radius_size=gr.themes.sizes.radius_md).set(
        # gradio's greys are hard to read, on white most of all.
        body_text_color_subdued="*neutral_600", body_text_color_subdued_dark="*neutral_300",
        button_primary_background_fill="*primary_700", button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700", block_label_text_color="*neutral_700",
        block_title_text_color="*neutral_700", link_text_color="*primary_700", link_text_color_dark="*primary_300",
        link_text_color_hover="*primary_800", link_text_color_hover_dark="*primary_200",
        link_text_color_visited="*primary_700", link_text_color_visited_dark="*primary_300",
        link_text_color_active="*primary_800", link_text_color_active_dark="*primary_200",
        # One corner for all that has an edge; page.css follows it.
        block_radius="10px", button_large_radius="10px", button_medium_radius="10px", button_small_radius="8px",
        input_radius="8px", container_radius="10px")
    return dict(theme=theme, css=LOOKS.read_text(encoding="utf-8"),
                head=f"<script>{SCRIPT.read_text(encoding='utf-8')}</script>")
