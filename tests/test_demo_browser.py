"""The demo as a person meets it: in Debian's chromium, driven by playwright, a new context for each test."""

import io
import os
import re
import shutil
import threading
import time

import numpy as np
import pytest
from helpers import serve_demo

from vc.audio import load_audio, save_audio
from vc.conversion import DEFAULT_MODEL, Converter, Progress
from vc.pitch import track_pitch
from vc.vocoders.griffin_lim import ITERATIONS

pytest.importorskip("gradio", reason="the demo's page needs gradio")
playwright = pytest.importorskip("playwright.sync_api", reason="the browser's driver is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (apt-get install chromium)")

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
RATE_HZ = 48000  # of the microphone
DESKTOP = {"width": 1200, "height": 900}
PHONE = {"width": 320, "height": 844}  # as narrow as a page must bear without sideways scrolling (WCAG 2, reflow)
PATIENCE_MS = 180_000  # a busy machine may take its time


@pytest.fixture(scope="module")
def address(tiny_model, tmp_path_factory):
    """Of a demo for local use: what is enrolled goes to the user's own library."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VC_VOICES", str(tmp_path_factory.mktemp("voices")))
        with serve_demo(tiny_model, library=True) as address:
            yield address


@pytest.fixture(scope="module")
def browser(clips, tmp_path_factory):
    """Its microphone hears the recording that the fixture `source` names, again and again."""
    heard = tmp_path_factory.mktemp("microphone") / "heard.wav"
    save_audio(heard, load_audio(clips / "kathleen" / "aurora.flac", RATE_HZ), RATE_HZ)
    with playwright.sync_playwright() as driver:
        flags = [*FLAGS, f"--use-file-for-fake-audio-capture={heard}"]
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser, address):
    """Open the page in a context of its own; what the console complains of or leaves the machine fails the test."""
    contexts, complaints = [], []

    def note_request(request):
        if not request.url.startswith((address, "data:", "blob:")):
            complaints.append(f"request to {request.url}")

    def open_page(viewport=DESKTOP, **options):
        contexts.append(browser.new_context(viewport=viewport, **options))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", note_request)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: said.type == "error" and complaints.append(said.text))
        page.goto(address)
        page.locator(".vc-card input:checked").wait_for(state="attached")  # only then does it hear what is chosen
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def tab(page, name):
    page.get_by_role("tab", name=name).click()


def give(page, component, recording):
    """Upload a recording into a component of the page and wait until it can be played."""
    page.locator(f"{component} input[type=file]").set_input_files(recording)
    page.locator(f"{component} [aria-label='Play']").wait_for()


def enrol(page, name, recording=None):
    """Add a voice under Voices, which is open, and wait until it is chosen. recording: None for the one given before.
    """
    page.locator("#enrol-name input, #enrol-name textarea").fill(name)
    if recording:
        give(page, "#enrol-recording", recording)
    page.locator("#consent input").check()
    page.locator("#enrol").click()
    page.locator(f"#map [data-voice='{name}'][aria-pressed='true']").wait_for()


def tab_to(page, selector):
    """Press the tabulator until what `selector` names has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"{selector} cannot be reached by keyboard")


def panels(page):
    """{title: (seconds, hertz)} of the panels that are drawn."""
    captions = page.locator("#pictures figcaption").all_inner_texts()
    found = [re.fullmatch(r"(\w+) ([\d.]+) s(?:, pitch about (\d+) Hz)?", caption) for caption in captions]
    return {title: (float(seconds), float(hertz or 0)) for title, seconds, hertz in (match.groups() for match in found)}


def wait_for_result(page):
    """Until the three panels are drawn, which comes after the sound."""
    page.locator("#pictures .vc-panel").nth(2).wait_for()


def test_convert_and_play(visit, source):
    page = visit()
    give(page, "#source", source)
    page.get_by_role("radio", name="Kerstin").check(force=True)
    page.locator("#convert").click()
    wait_for_result(page)
    assert page.locator("#pictures").get_by_text("Result").count() == 1
    page.locator("#result [aria-label='Play']").click()
    page.locator("#result [aria-label='Pause']").wait_for()
    with page.expect_download() as download:
        page.locator("#result a[download]").first.click()
    assert download.value.suggested_filename == "aurora as Kerstin.wav"


def test_a_voice_chosen_while_the_page_loads_stays_chosen(visit, monkeypatch):
    from vc.demo import voices_tab

    chosen, cards = threading.Event(), voices_tab.gallery_cards

    def late(*arguments):
        assert chosen.wait(PATIENCE_MS / 1000)
        return cards(*arguments) + '<i id="late"></i>'

    monkeypatch.setattr(voices_tab, "gallery_cards", late)
    page = visit()
    page.get_by_role("radio", name="Kerstin").dispatch_event("click")  # a pointer is not heard while the page waits
    chosen.set()
    page.locator("#late").wait_for(state="attached")
    page.wait_for_timeout(500)  # what is shown as chosen follows the cards
    assert page.get_by_role("radio", name="Kerstin").is_checked()


def test_what_the_microphone_hears_is_converted(visit, source):
    page = visit(permissions=["microphone"])
    page.locator("#source [aria-label='Record audio']").click()
    page.locator("#source .record-button").click()
    page.locator("#source .stop-button").wait_for()
    page.wait_for_timeout(3000)
    with page.expect_response(re.compile("/upload"), timeout=PATIENCE_MS):  # the player is there before
        page.locator("#source .stop-button").click()
    page.locator("#source [aria-label='Play']").wait_for()
    page.wait_for_timeout(500)
    page.locator("#convert").click()
    wait_for_result(page)
    drawn = panels(page)
    (seconds, hertz), (result_s, _) = drawn["Source"], drawn["Result"]
    f0 = track_pitch(load_audio(source, 16000), 16000, 160)
    assert seconds > 1 and result_s == seconds
    assert hertz == pytest.approx(np.median(f0[f0 > 0]), rel=0.25)  # whose voice it is, whichever part was recorded


@pytest.fixture
def endless(monkeypatch):
    """A visitor's conversions never end of themselves; an event that is set when one is ended."""
    from vc.demo.studio import Studio

    ended = threading.Event()

    def steps(*arguments):
        try:
            while True:
                time.sleep(0.05)
                yield Progress(1.0, 100.0)
        finally:
            ended.set()

    monkeypatch.setattr(Studio, "conversion_steps", steps)  # the examples are made by the converter's own
    return ended


def begin_to_convert(page, source):
    give(page, "#source", source)
    page.locator("#convert").click()
    page.get_by_text("Speaking").first.wait_for()  # gradio's page can only cancel what it was told has begun


def test_cancel_ends_the_work(visit, source, endless):
    page = visit()
    begin_to_convert(page, source)
    page.locator("#cancel").click()
    assert endless.wait(PATIENCE_MS / 1000)


def test_an_example_takes_the_place_of_a_conversion(visit, source, endless):
    page = visit()
    begin_to_convert(page, source)
    page.get_by_role("button", name="Woman to man").click()
    wait_for_result(page)
    assert endless.wait(PATIENCE_MS / 1000)


def test_pictures_and_badge_are_of_what_was_converted(visit, source, monkeypatch):
    from vc.demo import convert_tab

    drawn, chosen, steps = [], threading.Event(), Converter.conversion_steps

    def late(*arguments):
        assert chosen.wait(PATIENCE_MS / 1000)
        return steps(*arguments)

    monkeypatch.setattr(Converter, "conversion_steps", late)
    for name in "mel_panels", "badge":
        monkeypatch.setattr(convert_tab, name, lambda *arguments: drawn.append(str(arguments)) or "<i id='drawn'></i>")
    page = visit()
    give(page, "#source", source)
    page.get_by_role("radio", name="Kerstin").check(force=True)
    page.locator("#convert").click()
    page.get_by_text("Listening").first.wait_for()
    page.get_by_role("radio", name="Reader 27").check(force=True)
    page.locator("#source [aria-label='Clear']").click()
    page.locator("#source .upload-container").wait_for()
    chosen.set()
    page.locator("#drawn").nth(1).wait_for(state="attached")
    assert len(drawn) == 2
    assert all("aurora" in seen and "kerstin" in seen for seen in drawn)


def test_an_example_appears_with_one_click(visit):
    page = visit()
    page.get_by_role("button", name="Woman to man").click()
    wait_for_result(page)
    assert page.get_by_role("radio", name="Reader 27").is_checked()
    page.locator("#result [aria-label='Play']").wait_for()


def test_a_voice_of_the_gallery_can_be_heard(visit):
    page = visit()
    button = page.get_by_role("button", name="Play Nathalie")
    button.click()
    playwright.expect(button).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Play Kerstin").click()
    playwright.expect(button).to_have_attribute("aria-pressed", "false")


def test_a_bad_file_is_refused_in_words(visit, tmp_path):
    page = visit()
    page.locator("#convert").click()
    page.get_by_text("Record or upload something to say first.").wait_for()
    tab(page, "Batch")
    (tmp_path / "notes.wav").write_text("not a recording")
    page.locator("#batch-files input[type=file]").set_input_files(tmp_path / "notes.wav")
    page.get_by_text("notes").first.wait_for()
    page.locator("#batch").click()
    page.get_by_text(re.compile(r"None of the files could be converted\. - notes\.wav: cannot be read")).wait_for()


def test_a_silent_recording_is_told_of(visit, tmp_path):
    save_audio(tmp_path / "silent.wav", np.zeros(16000, np.float32), 16000)
    page = visit()
    give(page, "#source", tmp_path / "silent.wav")
    page.locator("#convert").click()
    page.get_by_text("silent.wav: is silent, so is the result", exact=True).wait_for()
    wait_for_result(page)
    assert page.get_by_text("Error").count() == 0


def test_a_voice_is_enrolled_only_with_consent(visit, target):
    page = visit()
    tab(page, "Voices")
    page.locator("#enrol-name input, #enrol-name textarea").fill("Anna")
    give(page, "#enrol-recording", target)
    page.get_by_text("Short: ").wait_for()
    page.locator("#enrol").click()
    page.get_by_text("Tick the box").wait_for()
    page.locator("#consent input").check()
    page.locator("#enrol").click()
    page.get_by_text("is added, from").wait_for()
    page.locator("#map [data-voice='Anna']").wait_for()
    tab(page, "Convert")
    assert page.get_by_role("radio", name="Anna").is_checked()
    visit().get_by_role("radio", name="Anna").wait_for(state="attached")  # the library's are there the next time, too


def test_a_refused_voice_marks_nothing_but_its_news(visit, target):
    page = visit()
    tab(page, "Voices")
    enrol(page, "Berta", target)
    page.get_by_text("is added, from").wait_for()
    page.locator("#enrol").click()
    page.get_by_text("Berta: you have a voice of this name").wait_for()
    page.locator("#news span.error").wait_for(state="attached")
    assert page.locator("#map, #gallery, #mine").locator("span.error").count() == 0
    playwright.expect(page.get_by_text(re.compile("is added, from|Listening"))).to_have_count(0)


def test_a_deleted_voice_leaves_the_choice_unless_it_was_chosen(visit, target):
    page = visit()
    tab(page, "Voices")
    enrol(page, "Carla", target)
    page.locator("#map [data-voice='Kerstin']").click()
    page.get_by_text("Kerstin is chosen").wait_for()
    page.get_by_role("button", name="Your voices").click()
    for deleted, left in ("Carla", "Kerstin"), ("Dora", "Kathleen"):
        if deleted == "Dora":
            enrol(page, deleted)
        page.get_by_role("button", name="Delete").click()
        page.get_by_text(f"{deleted} is deleted.").wait_for()
        page.locator(f"#map [data-voice='{deleted}']").wait_for(state="detached")
        page.locator(f"#map [data-voice='{left}'][aria-pressed='true']").wait_for()
        assert page.locator("#gallery input:checked").get_attribute("value") == left


def test_a_click_on_the_map_chooses_the_voice(visit):
    page = visit()
    tab(page, "Voices")
    page.locator("#map [data-voice='Nathalie']").click()
    page.get_by_text("is chosen, here and under Convert").wait_for()
    page.locator("#map [data-voice='Kerstin']").press("Enter")
    page.locator("#map [data-voice='Kerstin'][aria-pressed='true']").wait_for()
    tab(page, "Convert")
    assert page.get_by_role("radio", name="Kerstin").is_checked()


def test_the_map_follows_what_is_chosen_elsewhere(visit):
    page = visit()
    tab(page, "Voices")
    page.locator("#map [data-voice='Nathalie']").click()
    page.get_by_text("Nathalie is chosen").wait_for()
    for role, title, name in ("radio", "Kerstin", "Kerstin"), ("button", "Woman to man", "Reader 27"):
        tab(page, "Convert")
        page.get_by_role(role, name=title).dispatch_event("click")
        tab(page, "Voices")
        page.locator(f"#map [data-voice='{name}'][aria-pressed='true']").wait_for()
        page.get_by_text(f"{name} is chosen, here and under Convert.").wait_for()
        assert page.locator("#map [aria-pressed='true']").count() == 1
        assert page.get_by_text("is chosen").count() == 1


def test_the_halves_are_swapped_on_a_phone(visit):
    page = visit(PHONE, has_touch=True)
    tab(page, "Inside")
    page.locator("#swap").click()
    page.locator(".vc-swap").wait_for()
    assert page.get_by_role("button", name=re.compile("Play [AB]'s words")).count() == 6
    assert page.locator("#inside .vc-panel").count() == 4
    table, room = (page.locator(place).bounding_box() for place in (".vc-swap", ".vc-together"))
    assert table["x"] + table["width"] <= room["x"] + room["width"] + 1 <= PHONE["width"]
    swapped = page.get_by_role("button", name="Play A's words, B's voice")
    swapped.click()
    playwright.expect(swapped).to_have_attribute("aria-pressed", "true")


def test_the_keyboard_is_enough(visit, source):
    page = visit()
    with page.expect_file_chooser() as chooser:  # begun early: the browser takes its time to listen for it
        tab_to(page, "#source .upload-container")
        page.keyboard.press("Enter")
    chooser.value.set_files(source)
    page.locator("#source [aria-label='Play']").wait_for()
    tab_to(page, ".vc-card input")
    page.keyboard.press("ArrowDown")
    assert page.get_by_role("radio", name="Flemish guy").is_checked()
    tab_to(page, "#convert")
    page.keyboard.press("Enter")
    wait_for_result(page)
    tab_to(page, "#result [aria-label='Play']")
    page.keyboard.press("Enter")
    page.locator("#result [aria-label='Pause']").wait_for()


def test_a_phone_shows_all_without_sideways_scrolling(visit):
    page = visit(PHONE, has_touch=True, color_scheme="dark")
    page.get_by_role("button", name="Woman to man").click()
    wait_for_result(page)
    for name in ("Convert", "Voices", "Inside", "Batch"):
        tab(page, name)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], name
    tab(page, "Voices")
    page.locator("#map text").first.wait_for()
    assert page.evaluate(LABELS_CUT_OFF) == []


LABELS_CUT_OFF = """() => {
  const map = document.querySelector('#map svg').getBoundingClientRect();
  const inside = box => box.left >= map.left && box.right <= map.right;
  return [...document.querySelectorAll('#map text')].filter(label => !inside(label.getBoundingClientRect()))
    .map(label => label.textContent);
}"""


def test_after_a_wrong_password_the_right_one_lets_in(browser, tiny_model):
    with serve_demo(tiny_model, auth=("anna", "secret")) as address:
        page = browser.new_page()
        page.goto(address, timeout=PATIENCE_MS)
        for password in ("wrong", "secret"):
            page.get_by_label("username").fill("anna", timeout=PATIENCE_MS)
            page.get_by_label("password").fill(password)
            page.get_by_role("button", name="Login").click()
            if password == "wrong":
                page.get_by_text("Incorrect Credentials").wait_for()
                page.get_by_text("A wrong password clears the name, too.").wait_for()
                playwright.expect(page.get_by_label("username")).to_have_value("")
        page.locator(".vc-card").first.wait_for(timeout=PATIENCE_MS)
        page.close()


@pytest.mark.skipif("VC_SCREENSHOT" not in os.environ, reason="VC_SCREENSHOT=demo/screenshot.png makes it")
def test_screenshot(browser):
    """With the model of the package and the whole vocoder, unlike all above."""
    from PIL import Image

    with serve_demo(DEFAULT_MODEL, iterations=ITERATIONS) as address:
        page = browser.new_page(viewport=DESKTOP)
        page.goto(address)
        page.get_by_role("button", name="Woman to man").click(timeout=PATIENCE_MS)
        page.locator("#pictures .vc-panel").nth(2).wait_for(timeout=PATIENCE_MS)
        page.locator("#result [aria-label='Play']").wait_for()
        page.wait_for_timeout(2000)  # the waveforms are still growing
        picture = Image.open(io.BytesIO(page.screenshot(full_page=True)))
        page.close()
    picture.convert("RGB").quantize(256).save(os.environ["VC_SCREENSHOT"], optimize=True)
    assert os.path.getsize(os.environ["VC_SCREENSHOT"]) < 300_000
