"""Train the question reader of the default model, and say how well it reads questions of people it has not seen.

    python benchmarks/reader.py          # cross-file: trained on all sources of questions but one, tested on that
    python benchmarks/reader.py --save   # train on all of them, write the reader that comes with the program

The questions and their annotation are in ``assistant/query/forms.jsonl``.
"""

from __future__ import annotations

import argparse
from collections import Counter

from assistant.embedding.embedder import open_embedder
from assistant.query.features import tokenise
from assistant.query.forms import TAGS, load_forms, with_lower_case
from assistant.query.tagger import SHIPPED, train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--save", action="store_true", help="write the reader of the default model")
    arguments = parser.parse_args()
    if arguments.save:
        save()
    else:
        cross_file()


def save() -> None:
    """Train on all questions and write the asset, by which all precisions of the model read."""
    embedder = open_embedder()
    forms = with_lower_case(load_forms())
    data = train(forms, list(embedder.encode(form.text for form in forms))).to_bytes()
    SHIPPED.mkdir(exist_ok=True)
    path = SHIPPED / f"{embedder.model}.npz"
    path.write_bytes(data)
    print(f"{path.name}: {len(data)} bytes, trained on {len(forms)} questions")


def cross_file() -> None:
    """Print accuracy of kind and wants, and F1 of each tag over words."""
    embedder = open_embedder()
    forms = with_lower_case(load_forms())
    asked = len(load_forms())  # those written so; the copies in lower case are only trained on
    encodings = list(embedder.encode(form.text for form in forms))
    tags: Counter[tuple[str, str]] = Counter()   # (annotated, read) -> words
    kinds: Counter[tuple[str, str]] = Counter()  # (annotated, read) -> questions
    wants: Counter[bool] = Counter()
    right: Counter[str] = Counter()  # source -> questions whose kind is read right
    for source in sorted({form.source for form in forms}):
        own = [i for i, form in enumerate(forms[:asked]) if form.source == source]
        others = [i for i, form in enumerate(forms) if form.source != source]
        reader = train([forms[i] for i in others], [encodings[i] for i in others])
        for form, encoding in ((forms[i], encodings[i]) for i in own):
            reading = reader.read_encoded(form.text, encoding)
            kinds[form.kind, reading.forms[0][0]] += 1
            right[source] += form.kind == reading.forms[0][0]
            if form.kind == "fact":
                wants[form.wants == reading.wants[0]] += 1
            for token, gold, tag in zip(reading.tokens, form.tags(tokenise(form.text)), reading.tags, strict=True):
                if any(c.isalnum() for c in token.text):
                    tags[TAGS[gold], tag] += 1
    for source, n in right.items():
        print(f"kind, source {source}: {n / sum(form.source == source for form in forms[:asked]):.3f}")
    print(f"kind: {accuracy(kinds):.3f} of {kinds.total()} questions")
    print(f"wants: {wants[True] / wants.total():.3f} of {wants.total()} facts")
    for tag in TAGS:
        print(f"words {tag}: F1 {f1(tags, [tag]):.3f}")
    print(f"words topic, name or exclude: F1 {f1(tags, TAGS[1:]):.3f}")
    for kind in dict.fromkeys(gold for gold, _ in kinds):
        annotated, read = (sum(n for pair, n in kinds.items() if pair[side] == kind) for side in (0, 1))
        both = kinds[kind, kind]
        print(f"kind {kind}: recall {both / annotated:.3f}, precision {both / max(read, 1):.3f} ({annotated})")


def accuracy(pairs: Counter[tuple[str, str]]) -> float:
    """The share whose two sides agree."""
    return sum(n for (gold, found), n in pairs.items() if gold == found) / pairs.total()


def f1(pairs: Counter[tuple[str, str]], tags: list[str] | tuple[str, ...]) -> float:
    """Micro F1 over some tags."""
    right = sum(pairs[tag, tag] for tag in tags)
    annotated = sum(n for (gold, _), n in pairs.items() if gold in tags)
    found = sum(n for (_, tag), n in pairs.items() if tag in tags)
    return 2 * right / (annotated + found)


if __name__ == "__main__":
    main()
