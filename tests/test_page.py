"""The page of an evaluation: it says what the JSON says, holds all it needs, and cannot be led astray by a name."""

import base64
import re
import shutil
import subprocess
import sys
import zlib
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from reports import MEASURES, PROBES, make_result, with_sounds

from vc.errors import EvaluationError
from vc.evaluation.page import report_page, write_page
from vc.evaluation.page import listening, pictures
from vc.evaluation.page.markup import element, escaped
from vc.evaluation.page.svg import Scale, rounded_scale, scale_around
from vc.evaluation.page.tables import format_number
from vc.evaluation.result import Figure, load_result
from vc.evaluation.table import title_with_unit

WITHOUT_END = {"meta", "link", "img", "br"}


class Reader(HTMLParser):
    """Reads a page as a browser would: every element opened and closed in order, the text outside of <style>."""

    def __init__(self, page):
        super().__init__()
        self.open, self.elements, self.texts, self.data = [], [], [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in WITHOUT_END:
            self.open.append(tag)
        if tag == "data":
            self.data.append([dict(attributes)["value"], ""])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if "style" not in self.open:
            self.texts.append(text)
        if self.open[-1:] == ["data"]:
            self.data[-1][1] += text

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def recordings(clips):
    """A sound for each system; what the model makes of the source is another recording here."""
    return {"source": clips / "kathleen" / "aurora.flac", "target": clips / "flemishguy" / "kwallen.flac",
            "converted": clips / "flemishguy" / "uitdaging.flac"}


@pytest.fixture(scope="module")
def report(recordings, tmp_path_factory):
    """A folder with a whole report and its page."""
    folder = with_sounds(make_result(), tmp_path_factory.mktemp("reports") / "whole", recordings)
    write_page(folder)
    return folder


@pytest.fixture(scope="module")
def page(report):
    return (report / "report.html").read_text(encoding="utf-8")


# What it says


def test_every_figure_of_the_json_stands_in_a_table(report, page):
    shown = Reader(page).data
    units = {measure.name: measure.unit for measure in MEASURES}
    for figure in load_result(report).figures:
        assert [str(figure.value), format_number(figure.value, units[figure.measure])] in shown, figure
        interval = f"[{format_number(figure.low, units[figure.measure])}, " \
                   f"{format_number(figure.high, units[figure.measure])}]"
        assert interval in page


def test_every_number_on_the_page_is_one_of_the_json_s(report, page):
    result = load_result(report)
    known = {str(figure.value) for figure in result.figures} | {str(probe["value"]) for probe in PROBES.values()}
    assert {value for value, _ in Reader(page).data} == known


def test_a_cell_stands_in_its_row_and_column(report, page):
    """The first table read as a person reads it."""
    result = load_result(report)
    table = page[page.index("<table>"):page.index("</table>")]
    rows = [re.findall(r'<data value="([^"]+)"', row) for row in table.split("<tr>")]
    expected = [[str(result.figure(system.name, measure.name).value) for measure in result.measures]
                for system in result.systems]
    assert [row for row in rows if row] == expected
    heads = [escaped(title_with_unit(measure)) for measure in result.measures]
    assert [table.index(head) for head in heads] == sorted(table.index(head) for head in heads)
    anchors, model = table.index('<tbody class="anchor">'), table.index('<tbody class="model">')
    assert anchors < table.index("source unchanged") < model < table.index("converted")


def test_trust_is_on_hover_and_in_plain_sight(page):
    reader = Reader(page)
    hovers = [attributes.get("title", "") for attributes in reader.all("th")]
    for measure in MEASURES:
        assert measure.trust in reader.texts
        assert any(measure.trust in hover for hover in hovers)


@pytest.mark.parametrize("value, unit, text", [
    (0.69449, "", "0.694"), (35.25, "%", "35.2"), (-0.0001, "", "0.000"), (-3.14159, "points", "−3.1"),
    (2, "Hz", "2.0"), (157.6, "cents", "158"),
    (0.0712, "accuracy", "0.071"),
])
def test_numbers_by_hand(value, unit, text):
    assert format_number(value, unit) == text


def test_the_same_report_gives_the_same_page(report, page):
    assert report_page(load_result(report), report) == page


# What it needs


def test_it_asks_for_nothing_outside_of_itself(page):
    reader = Reader(page)
    addresses = [attributes[name] for _, attributes in reader.elements for name in ("src", "href")
                 if name in attributes]
    assert len(addresses) > 8
    assert [address for address in addresses if not address.startswith(("data:", "#"))] == []
    assert not re.search(r"https?://|@import|url\(|<script", page)
    (policy,) = [attributes["content"] for attributes in reader.all("meta") if "http-equiv" in attributes]
    assert "default-src 'none'" in policy
    anchors = {attributes["id"] for _, attributes in reader.elements if "id" in attributes}
    assert {address[1:] for address in addresses if address.startswith("#")} <= anchors


def test_the_sounds_are_the_files(report, page, recordings):
    players = Reader(page).all("audio")
    assert [base64.b64decode(player["src"].removeprefix("data:audio/flac;base64,")) for player in players] == \
        [recordings[system].read_bytes() for system in ("source", "target", "converted")]
    assert all("controls" in player and player["aria-label"] for player in players)
    assert "Shown above" in page  # the pair is the best as well as the sample


def test_what_scrolls_is_reached_by_keyboard(page):
    boxes = [attributes for tag, attributes in Reader(page).elements if attributes.get("class") == "scroll"]
    assert len(boxes) == 3
    assert all(box["tabindex"] == "0" and box["aria-label"] for box in boxes)


def test_a_full_page_names_the_file_instead(report, monkeypatch):
    monkeypatch.setattr(listening, "MEDIA_BYTES", 100_000)
    text = report_page(load_result(report), report)
    assert "The page is full; listen to audio/0_converted.flac in the report&#x27;s folder." in text
    assert 1 <= len(Reader(text).all("audio")) < 3
    assert sum(len(found) for found in re.findall(r"data:(?:audio|image)[^\"]*", text)) <= 100_000


# Names from outside

EVIL = "<script>alert('1')</script>\"&\udce9"


def test_a_hostile_name_stays_text(recordings, tmp_path):
    result = make_result()
    pairs = [replace(pair, name=EVIL, source_speaker=EVIL, target_speaker=EVIL, text=EVIL) for pair in result.pairs]
    hostile = replace(
        result, pairs=pairs, model={"name": EVIL, EVIL: EVIL}, notes=[EVIL], failures=[EVIL],
        measures=[replace(measure, title=EVIL, trust=EVIL) for measure in result.measures],
        systems=[replace(system, title=EVIL) for system in result.systems],
        figures=result.figures + [Figure("converted", EVIL, "wer", 1.0, 0.0, 2.0, 3)],
        points=[replace(point, speaker=EVIL) for point in result.points],
        probes={EVIL: {**PROBES["pitch_from_speaker"], "title": EVIL, "unit": EVIL}})
    folder = with_sounds(hostile, tmp_path / "report", recordings)
    text = write_page(folder).read_text(encoding="utf-8")
    reader = Reader(text)
    harmless = {tag for tag, _ in Reader(report_page(make_result(), folder)).elements}
    assert {tag for tag, _ in reader.elements} <= harmless | {"audio", "img", "blockquote"} and "script" not in harmless
    readable = EVIL.replace("\udce9", r"\udce9")
    assert sum(readable in part for part in reader.texts) > 20
    assert not any(name.startswith("on") for _, attributes in reader.elements for name in attributes)


def test_markup_by_hand():
    inner = element("b", {"title": '"<'}, "1 < 2 & 3")
    assert inner == '<b title="&quot;&lt;">1 &lt; 2 &amp; 3</b>'
    assert element("p", {"id": None}, inner, "<br>") == f"<p>{inner}&lt;br&gt;</p>"


def test_a_sound_outside_of_the_folder_is_not_taken_in(report, recordings, tmp_path):
    shutil.copy(recordings["source"], tmp_path / "private.flac")
    result = load_result(report)
    for path in "../private.flac", str(tmp_path / "private.flac"):
        items = [replace(item, audio=path if item.audio else "") for item in result.items]
        text = report_page(replace(result, items=items), tmp_path / "report")
        assert Reader(text).all("audio") == [] and f"{path} is missing." in text


# What may be missing


def test_missing_parts_are_said():
    bare = replace(make_result(), points=[], probes={}, notes=[])
    text = report_page(bare, "nowhere")
    for sentence in "This report holds no maps and no probes.", "No sounds were kept in this report.":
        assert sentence in text
    Reader(text)
    empty = replace(bare, measures=[], systems=[], pairs=[], items=[], figures=[], model={})
    text = report_page(empty, "nowhere")
    for sentence in ("No model was measured.", "Neither cosines nor word errors were measured.",
                     "The pairs form no groups.", "Evaluation of a model"):
        assert sentence in text
    Reader(text)


def test_values_that_could_not_be_measured_are_left_out(report):
    result = load_result(report)
    items = [replace(item, values={"cosine_to_target": 0.5, "cosine_to_source": None}) for item in result.items]
    figures = [replace(figure, n=7) if (figure.system, figure.measure) == ("converted", "wer") else figure
               for figure in result.figures if figure.measure != "pitch_median" or figure.system != "source"]
    text = report_page(replace(result, items=items, figures=figures), report)
    assert "Similarity to source and to target" not in text
    assert "of 7 pairs" in text and '<td class="none">–</td>' in text


def test_missing_and_damaged_sounds_are_named(report, recordings, tmp_path):
    folder = with_sounds(make_result(), tmp_path / "report", recordings)
    (folder / "audio" / "0_source.flac").unlink()
    (folder / "audio" / "0_target.flac").write_bytes(b"no sound")
    text = write_page(folder).read_text(encoding="utf-8")
    assert "audio/0_source.flac is missing." in text and "audio/0_target.flac is missing." in text
    assert len(Reader(text).all("audio")) == 1


def test_without_pyworld_the_pitch_is_not_drawn(report, page, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyworld", None)
    text = report_page(load_result(report), report)
    assert "The pitch is not drawn: it needs pyworld, which is not installed; pip install vc[evaluate]." in text
    assert 'class="pitch"' not in text and len(Reader(text).all("img")) == 3


def test_a_folder_without_report_gets_no_page(tmp_path):
    with pytest.raises(EvaluationError, match="no such report"):
        write_page(tmp_path)
    assert list(tmp_path.iterdir()) == []


# Pictures


def test_a_tone_is_drawn_where_its_frequency_lies():
    rate = pictures.MEL.sample_rate_hz
    tone = (0.5 * np.sin(2 * np.pi * 1000 * np.arange(rate) / rate)).astype(np.float32)
    picture = unpacked(pictures.mel_picture(tone))
    assert picture.shape == (pictures.MEL.bands, rate // pictures.MEL.hop_samples + 1)
    brightest = picture[:, 40].argmax()
    assert 100 * (brightest + 0.5) / pictures.MEL.bands == pytest.approx(pictures.band_height(1000), abs=1.0)
    assert picture.max() == pictures.SHADES - 1 and picture.min() == 0


def unpacked(png):
    """Indices of a PNG's pixels, by its definition: uint8 (height, width)."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, place = {}, 8
    while place < len(png):
        size = int.from_bytes(png[place:place + 4])
        name, content = png[place + 4:place + 8], png[place + 8:place + 8 + size]
        assert int.from_bytes(png[place + 8 + size:place + 12 + size]) == zlib.crc32(name + content)
        chunks[name], place = content, place + 12 + size
    width, height = int.from_bytes(chunks[b"IHDR"][:4]), int.from_bytes(chunks[b"IHDR"][4:8])
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert list(chunks) == [b"IHDR", b"PLTE", b"IDAT", b"IEND"] and not rows[:, 0].any()
    assert len(chunks[b"PLTE"]) == 3 * pictures.SHADES
    return rows[:, 1:]


def test_the_pitch_of_a_known_voice():
    """Pulses of a known rate, as a voice has them; a pause breaks the line."""
    pytest.importorskip("pyworld", reason="the pitch is drawn with pyworld, of the extra evaluate")
    rate = pictures.MEL.sample_rate_hz
    voice = np.zeros(rate, np.float32)
    voice[::100] = 0.5  # 160 Hz
    voice[rate // 2 - 1600:rate // 2 + 1600] = 0
    pitch = pictures.pitch_hz(voice)
    assert np.median(pitch[pitch > 0]) == pytest.approx(160, rel=0.02)
    assert pictures.pitch_path(pitch, 1.0).count("M") == 2


def test_the_line_of_a_pitch_by_hand():
    """Over one second, in percent; half a hop of the mel later than the pitch's own frames."""
    middle = (pictures.LOWEST_HZ * pictures.HIGHEST_HZ) ** 0.5
    assert pictures.MEL.hop_samples / pictures.MEL.sample_rate_hz == 0.0125
    path = pictures.pitch_path([0, middle, middle, 0, pictures.LOWEST_HZ, 9999], 0.5)
    assert path == "M2.25 50.0L3.25 50.0M5.25 100.0"


# Scales


def test_scales_by_hand():
    assert Scale(0, 50).share(10) == 20 and Scale(0, 50).share(60) == 100 and Scale(-1, 1).share(-2) == 0
    assert Scale(0, 100).ticks() == [0, 20, 40, 60, 80, 100]
    assert Scale(0.37, 1.02).ticks() == [0.4, 0.6, 0.8, 1.0]
    assert rounded_scale([31.0, 87.0]) == Scale(0, 100) and rounded_scale([-0.3, 0.9]) == Scale(-0.5, 1.0)
    assert rounded_scale([0.0]) == Scale(0, 1)
    around = scale_around([2.0, 4.0], margin=0.1)
    assert (around.low, around.high) == pytest.approx((1.8, 4.2))
    alone = scale_around([3.0])
    assert alone.low < 3.0 < alone.high


# In a browser


def test_a_browser_shows_it_without_complaint(report):
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("needs chromium, which is not installed")
    ended = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-dev-shm-usage", "--enable-logging=stderr", f"--user-data-dir={report / 'browser'}", "--dump-dom",
         (report / "report.html").as_uri()], capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    # A request that the page's policy refuses is a complaint too.
    assert [line for line in ended.stderr.splitlines() if "CONSOLE" in line] == []
    assert ended.stdout.count("<audio") == 3 and "http://" not in ended.stdout and "https://" not in ended.stdout
