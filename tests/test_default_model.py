"""The model that ships does what the package is for, on real speech."""

import re
from itertools import permutations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from vc import losses
from vc.audio import load_audio
from vc.conversion import DEFAULT_MODEL, load
from vc.features import LogMel
from vc.level import NOMINAL_LEVEL_DB, speech_level_db


@pytest.fixture(scope="module")
def model():
    return load().model.cpu()


@pytest.fixture(scope="module")
def log_mels(clips, model):
    """{speaker: [two log-mels (1, M, T)]} of the test clips at the nominal level."""
    log_mel, found = LogMel(model.config.mel), {}
    for path in sorted(clips.rglob("*.flac")):
        audio = load_audio(path, 16000)
        audio = audio * np.float32(10 ** ((NOMINAL_LEVEL_DB - speech_level_db(audio, 16000)) / 20))
        found.setdefault(path.parent.name, []).append(log_mel(torch.from_numpy(audio)[None]))
    return found


@torch.no_grad()
def say(model, content_of, speaker_of):
    """log-mel of one recording's content in another's voice."""
    return model.decode(model.encode(content_of).content, model.encode(speaker_of).speaker, content_of.shape[2])


def test_own_voice_in_about_a_reconstruction_out(model, log_mels):
    """The speaker half comes from another sentence; any other voice is further from the recording."""
    for speaker, (source, other_sentence) in log_mels.items():
        own = losses.reconstruction(say(model, source, other_sentence), source, model.band_std)
        foreign = [losses.reconstruction(say(model, source, log_mels[other][0]), source, model.band_std)
                   for other in log_mels if other != speaker]
        assert own < 0.6
        assert own < min(foreign)


def test_another_target_changes_the_voice_and_leaves_the_words(model, log_mels):
    for source, target in permutations(log_mels, 2):
        recording = log_mels[source][0]
        with torch.no_grad():
            heard = model.encode(say(model, recording, log_mels[target][0]))
            own, wanted = (model.encode(log_mels[speaker][1]).speaker for speaker in (source, target))
            content = model.encode(recording).content
            others = model.encode(log_mels[target][0]).content
        assert F.cosine_similarity(heard.speaker, wanted) > F.cosine_similarity(heard.speaker, own) + 0.2
        frames = min(content.shape[2], others.shape[2])
        assert (heard.content - content).abs().mean() < \
            0.6 * (others[:, :, :frames] - content[:, :, :frames]).abs().mean()


def test_the_speaker_half_knows_who_speaks(model, log_mels):
    with torch.no_grad():
        first, second = (torch.cat([model.encode(pair[i]).speaker for pair in log_mels.values()]) for i in (0, 1))
    assert ((first @ second.T).argmax(1) == torch.arange(len(first))).all()


def test_padding_changes_nothing(model, log_mels):
    recording = next(iter(log_mels.values()))[0]
    frames = recording.shape[2]
    padded = F.pad(recording, (0, 61), value=-9.0)
    with torch.no_grad():
        alone, within = model.encode(recording), model.encode(padded, torch.tensor([frames]))
    torch.testing.assert_close(within.content[:, :, :alone.content.shape[2]], alone.content, atol=1e-4, rtol=0)
    torch.testing.assert_close(within.speaker, alone.speaker, atol=1e-4, rtol=0)


def test_the_card_names_this_very_file():
    card = DEFAULT_MODEL.with_suffix(".md").read_text(encoding="utf-8")
    (fingerprint,) = re.findall(r"fingerprint `([0-9a-f]{12})`", card)
    assert load().fingerprint.startswith(fingerprint)
