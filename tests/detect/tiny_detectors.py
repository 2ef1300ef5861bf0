"""Real model classes, built small from their own configs, with random weights: stand-ins.

They find nothing that is there, but everything around them is the real thing: files as
``save_pretrained`` writes them, tokenizers, loading, devices, shapes and frames.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
import transformers
from transformers import (
    BartConfig,
    BertConfig,
    Florence2Config,
    Florence2ForConditionalGeneration,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    PreTrainedTokenizerFast,
    Sam2Config,
    Sam2Model,
    Sam2VideoConfig,
    Sam2VideoModel,
    SamConfig,
    SamModel,
)

SIDE = 64
"""Side of the mask models' picture."""

WORDS = ("chair", "table", "coffee", "lamp", "sofa", "cup", "plant", "ward", "##robe", "vase")


def _randomised(model, seed: int):
    """Weights in which every layer matters: some are zero or nearly so when a model is new."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                fan = weight[0].numel()
                weight.copy_(torch.randn(weight.shape, generator=generator) / fan**0.5)
    return model.eval()


def grounding_dino(folder: Path, max_text_len: int = 64) -> Path:
    """Grounding DINO with BERT's marks at their own ids (101, 102, 1012), as the model has them."""
    marks = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 1012: ".", 1029: "?"}
    vocabulary = [marks.get(i, f"[unused{i}]") for i in range(1030)] + list(WORDS)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    said = {"tokenizer_class": "BertTokenizer", "do_lower_case": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(said))
    transformers.AutoTokenizer.from_pretrained(folder).save_pretrained(folder)
    config = GroundingDinoConfig(
        backbone_config={
            "model_type": "swin", "image_size": 64, "embed_dim": 12, "depths": [1, 1, 1, 1],
            "num_heads": [1, 2, 3, 4], "window_size": 4, "out_indices": [2, 3, 4],
        },
        text_config=BertConfig(
            vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=1,
            num_attention_heads=2, intermediate_size=16, max_position_embeddings=64,
        ),
        num_queries=30, d_model=32, encoder_layers=1, decoder_layers=2,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=32,
        decoder_ffn_dim=32, max_text_len=max_text_len,
    )  # fmt: skip
    torch.manual_seed(0)
    _randomised(GroundingDinoForObjectDetection(config), 1).save_pretrained(folder)
    said = {
        "image_processor_type": "GroundingDinoImageProcessor",
        "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
        "size": {"shortest_edge": 96, "longest_edge": 160},
    }  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(said))
    return folder


def sam(folder: Path) -> Path:
    """SAM."""
    config = SamConfig(
        vision_config={
            "hidden_size": 16, "output_channels": 16, "num_hidden_layers": 2,
            "num_attention_heads": 2, "image_size": SIDE, "patch_size": 8, "mlp_dim": 32,
            "global_attn_indexes": [1], "window_size": 4, "num_pos_feats": 8,
        },
        prompt_encoder_config={"hidden_size": 16, "image_size": SIDE, "patch_size": 8},
        mask_decoder_config={
            "hidden_size": 16, "mlp_dim": 16, "num_attention_heads": 2, "iou_head_hidden_dim": 16,
        },
    )  # fmt: skip
    torch.manual_seed(0)
    _randomised(SamModel(config), 2).save_pretrained(folder)
    said = {"image_processor_type": "SamImageProcessor", "size": {"longest_edge": SIDE}}
    _write_processor(folder, said)
    return folder


def _sam2_parts() -> dict:
    return {
        "vision_config": {
            "backbone_config": {
                "model_type": "sam2_hiera_det_model", "hidden_size": 8, "image_size": [SIDE, SIDE],
                "blocks_per_stage": [1, 1, 2, 1], "embed_dim_per_stage": [8, 16, 32, 64],
                "num_attention_heads_per_stage": [1, 1, 2, 2],
                "window_size_per_stage": [4, 4, 4, 2], "global_attention_blocks": [3],
                "window_positional_embedding_background_size": [4, 4],
            },
            "backbone_channel_list": [64, 32, 16, 8], "fpn_hidden_size": 32,
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
        },
        "prompt_encoder_config": {"hidden_size": 32, "image_size": SIDE, "patch_size": 16},
        "mask_decoder_config": {
            "hidden_size": 32, "mlp_dim": 16, "num_attention_heads": 2, "iou_head_hidden_dim": 16,
        },
    }  # fmt: skip


def sam2(folder: Path) -> Path:
    """SAM 2."""
    torch.manual_seed(0)
    _randomised(Sam2Model(Sam2Config(**_sam2_parts())), 3).save_pretrained(folder)
    _write_processor(folder, {"size": {"height": SIDE, "width": SIDE}})
    return folder


def sam2_video(folder: Path) -> Path:
    """SAM 2 as its weights are published: the video model, which holds the picture model."""
    config = Sam2VideoConfig(
        **_sam2_parts(), image_size=SIDE, memory_attention_hidden_size=32,
        memory_attention_num_layers=1, memory_attention_feed_forward_hidden_size=16,
        memory_encoder_hidden_size=32, memory_encoder_output_channels=8,
        mask_downsampler_embed_dim=32, memory_fuser_num_layers=1, memory_fuser_embed_dim=32,
        memory_fuser_intermediate_dim=16, memory_attention_rope_feat_sizes=[4, 4],
    )  # fmt: skip
    torch.manual_seed(0)
    _randomised(Sam2VideoModel(config), 3).save_pretrained(folder)
    _write_processor(folder, {"size": {"height": SIDE, "width": SIDE}})
    return folder


def florence2(folder: Path) -> Path:
    """Florence-2 with a byte-level tokenizer as BART's, with its thousand place tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    base = ["<s>", "<pad>", "</s>", "<unk>", *letters]
    plain = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(base)}, merges=[]))
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=plain, bos_token="<s>", eos_token="</s>", pad_token="<pad>",
        unk_token="<unk>",
        additional_special_tokens=[*(f"<loc_{i}>" for i in range(1000)), "<image>"],
    )  # fmt: skip
    tokenizer.save_pretrained(folder)
    config = Florence2Config(
        vision_config={
            "depths": [1, 1], "patch_size": [7, 3], "patch_stride": [4, 2],
            "patch_padding": [3, 1], "patch_prenorm": [False, True], "embed_dim": [8, 16],
            "num_heads": [2, 2], "num_groups": [2, 2], "window_size": 4, "projection_dim": 16,
        },
        text_config=BartConfig(
            vocab_size=len(tokenizer), d_model=16, encoder_layers=1, decoder_layers=1,
            encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=16,
            decoder_ffn_dim=16, max_position_embeddings=256, bos_token_id=0, pad_token_id=1,
            eos_token_id=2, decoder_start_token_id=2, forced_eos_token_id=None,
        ).to_dict(),
        image_token_id=len(tokenizer) - 1,
    )  # fmt: skip
    torch.manual_seed(0)
    _randomised(Florence2ForConditionalGeneration(config), 4).save_pretrained(folder)
    _write_processor(folder, {"size": {"height": SIDE, "width": SIDE}, "resample": 3})
    return folder


def florence2_that_says(folder: Path, answer: str) -> Path:
    """The same, with its decoder taught one answer by heart, whatever the photo and the question."""
    florence2(folder)
    model = Florence2ForConditionalGeneration.from_pretrained(folder)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    ids = tokenizer(answer, add_special_tokens=False)["input_ids"]
    labels = torch.tensor([[*ids, tokenizer.eos_token_id]])
    start = torch.tensor([[model.config.text_config.decoder_start_token_id]])
    before = torch.cat([start, labels[:, :-1]], 1)
    asked = torch.tensor([tokenizer("Locate", add_special_tokens=False)["input_ids"]])
    optimiser = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(80):
        said = model(input_ids=asked, decoder_input_ids=before).logits[0]
        loss = torch.nn.functional.cross_entropy(said, labels[0])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    model.eval().save_pretrained(folder)
    return folder


def _write_processor(folder: Path, said: dict) -> None:
    usual = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
    (folder / "preprocessor_config.json").write_text(json.dumps(usual | said))
