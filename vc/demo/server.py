"""Serving the page: one process, a private folder for what visitors bring, nothing asked of any other machine."""

import contextlib
import os
import shutil
import tempfile

from vc.demo.settings import MAX_FILES, Settings
from vc.demo.sweep import swept
from vc.errors import ConfigError, VcError

WAITING = 64  # so many may queue; whoever comes then is told to try again
OFFLINE = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": "1"}


@contextlib.contextmanager
def running(converter, settings: Settings):
    """The demo, served while the `with` block lasts: its address. Raises VcError without gradio, ConfigError for an
    address that cannot be had."""
    with _private_folder() as folder:
        # gradio hands out copies of our files, from a folder of its own; what lies in there already it does not copy.
        work, handed_out = os.path.join(folder, "work"), os.path.join(folder, "handed-out")
        os.mkdir(work)
        os.mkdir(handed_out)
        with _environment({**OFFLINE, "GRADIO_TEMP_DIR": handed_out}):
            page, looks, begin = _build(converter, settings, work)
            try:
                with swept(handed_out, settings.keep_s):
                    address = _launch(page, looks, settings)
                    begin()
                    yield address
            finally:
                page.close(verbose=False)


@contextlib.contextmanager
def _private_folder():
    """A new folder that nobody else can read, gone at the end of the `with` block."""
    folder = tempfile.mkdtemp(prefix="vc-demo-")
    try:
        yield folder
    finally:
        # A conversion may still run, until its process ends. Under another name nothing comes in while it is deleted.
        ended = f"{folder}-ended"
        with contextlib.suppress(OSError):  # gone already, or on a system that does not rename what is in use
            os.rename(folder, ended)
        for path in 2 * (folder, ended):  # twice, for the file that was on its way in while it was renamed
            shutil.rmtree(path, ignore_errors=True)


def _build(converter, settings, folder):
    try:
        import gradio  # noqa: F401 - the rest of the page needs it
    except ModuleNotFoundError as error:
        raise VcError(f"the demo needs {error.name}, which is not installed; pip install vc[demo]") from None
    from vc.demo.page import build_page, looks
    from vc.demo.studio import Studio

    page, begin = build_page(Studio(converter, settings, folder))
    return page.queue(default_concurrency_limit=settings.workers, max_size=WAITING), looks(), begin


def _launch(page, looks, settings):
    try:
        # _frontend: with it gradio insists that the page answers within three seconds, which a busy machine may miss,
        # and no public setting says otherwise. gr.mount_gradio_app would not insist, but behind it gradio does not
        # check that the files which a program names were uploaded (6.31: its has_launched stays False).
        _, address, _ = page.launch(
            _frontend=False,
            server_name=settings.host, server_port=settings.port, auth=settings.auth,
            auth_message="A wrong password clears the name, too.", share=False, quiet=True,
            prevent_thread_lock=True, footer_links=[], run_history=False, ssr_mode=False, enable_monitoring=False,
            max_file_size=f"{settings.max_mb}mb", state_session_capacity=10 * MAX_FILES, **looks)
    except OSError as error:
        raise ConfigError(f"{settings.host}:{settings.port}: cannot serve there ({error}); choose another --host or "
                          f"--port") from None
    return address


@contextlib.contextmanager
def _environment(changes):
    """Variables of the environment, put back afterwards."""
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
