"""Say a recording in another voice with exported graphs alone: no model file, no torch in the networks.

    python recipes/export/convert.py SOURCE TARGET OUT.wav

In the folder it is called in lie model-encoder.onnx, model-decoder.onnx and voc.onnx.
"""

import json
import sys

import numpy as np
import onnxruntime
import torch

from vc.audio import load_audio, save_audio
from vc.config import MelConfig
from vc.features import LogMel
from vc.level import at_level, restore_level, speech_level_db
from vc.pitch import track_pitch
from vc.pitch_range import move_pitch, pitch_range


def main(source, target, output):
    """Convert one recording; all are held in memory whole."""
    encoder, decoder, vocoder = (onnxruntime.InferenceSession(f"{name}.onnx", providers=["CPUExecutionProvider"])
                                 for name in ("model-encoder", "model-decoder", "voc"))
    told, wanted = (json.loads(part.get_modelmeta().custom_metadata_map["mel"]) for part in (encoder, vocoder))
    if told != wanted:
        sys.exit(f"the vocoder was exported for the mel {wanted}, the model for {told}; export a pair that fits")
    mel = MelConfig(**told)

    def heard(path):
        """Log-mel (1, M, T), F0 in Hz (1, T) and speech level in dBFS of a recording."""
        audio = load_audio(path, mel.sample_rate_hz)
        f0 = torch.from_numpy(track_pitch(audio, mel.sample_rate_hz, mel.hop_samples))[None]
        log_mel = LogMel(mel)(torch.from_numpy(at_level(audio, mel.sample_rate_hz))[None])
        return log_mel.numpy(), f0, speech_level_db(audio, mel.sample_rate_hz)

    source_mel, source_f0, level_db = heard(source)
    target_mel, target_f0, _ = heard(target)
    content, _ = encoder.run(None, {"log_mel": source_mel})
    _, speaker = encoder.run(None, {"log_mel": target_mel})
    f0 = move_pitch(source_f0, pitch_range(source_f0), pitch_range(target_f0)).numpy().astype(np.float32)
    log_mel, = decoder.run(None, {"content": content, "speaker": speaker, "f0": f0})
    wave, = vocoder.run(None, {"log_mel": log_mel, "f0": f0})
    save_audio(output, restore_level(wave[0], mel.sample_rate_hz, level_db), mel.sample_rate_hz, force=True)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: python recipes/export/convert.py SOURCE TARGET OUT.wav")
    main(*sys.argv[1:])
