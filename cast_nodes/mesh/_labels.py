"""What people and detectors call things, brought to one name each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

UNKNOWN = frozenset(
    {"", "object", "thing", "item", "unknown", "stuff", "something", "segment", "region"}
)

_SYNONYMS: dict[str, str] = {
    "chair": "seat, side chair, dining chair, kitchen chair, wooden chair, cafe chair, folding chair, high chair, plastic chair",
    "office chair": "desk chair, swivel chair, computer chair, task chair, gaming chair",
    "armchair": "arm chair, easy chair, lounge chair, club chair, recliner, wing chair, deck chair, rocking chair, accent chair, lounger",
    "sofa": "couch, settee, loveseat, love seat, studio couch, sofa bed, futon, divan, chesterfield, sectional",
    "corner sofa": "corner couch, sectional sofa, l shaped sofa, chaise longue, chaise",
    "stool": "step stool, tabouret",
    "bar stool": "barstool, counter stool, bar chair",
    "ottoman": "footstool, foot stool, pouf, pouffe, hassock, footrest, bean bag, beanbag",
    "bench": "garden bench, park bench, pew",
    "bed": "double bed, single bed, bunk bed, mattress, bed frame, bedframe, infant bed, crib, cot",
    "table": "end table with legs, work table, workbench, counter, countertop, kitchen island",
    "dining table": "kitchen table, kitchen dining room table, diningtable, round table, oval table, bistro table, cafe table, bar table, pub table, high table, patio table, pool table, billiard table",
    "coffee table": "low table, cocktail table, tea table",
    "side table": "end table, accent table, occasional table, lamp table, tray table, plant stand",
    "nightstand": "night stand, night table, bedside table, bedside cabinet",
    "desk": "writing desk, writing table, computer desk, workstation, bureau, school desk, standing desk",
    "bookcase": "bookshelf, book case, book shelf, bookrack, library shelf",
    "shelf": "shelving, shelving unit, shelves, rack, storage rack, etagere, shoe rack",
    "wall shelf": "floating shelf, wall rack, ledge",
    "sideboard": "credenza, buffet, tv stand, tv cabinet, television cabinet, media console, tv bench, console table, console",
    "chest of drawers": "chest, dresser, drawers, drawer, commode, filing cabinet, file cabinet",
    "cabinet": "cupboard, cabinetry, locker, vitrine, bathroom cabinet, kitchen cabinet, closet, refrigerator, fridge, freezer, dishwasher, oven, stove, washing machine, radiator",
    "wardrobe": "armoire",
    "lamp": "light, light fixture, lighting, lampshade",
    "floor lamp": "standing lamp, torchiere, standard lamp, arc lamp, tripod lamp",
    "table lamp": "bedside lamp, nightstand lamp",
    "desk lamp": "reading lamp, work lamp, task lamp, architect lamp",
    "pendant lamp": "pendant, ceiling lamp, ceiling light, hanging lamp, pendant light, chandelier, hanging light",
    "plant": "houseplant, house plant, potted plant, pottedplant, pot plant, plant in pot, indoor plant, tree, shrub, bush, fern, palm, palm tree, ficus, monstera, greenery, foliage, flowerpot, flower pot, planter, bonsai, rubber plant",
    "cactus": "succulent, cacti",
    "flowers": "flower, bouquet, flower vase, bunch of flowers, rose, tulip, orchid, vase with flowers",
    "vase": "urn, amphora, ceramic vase",
    "jug": "pitcher, kettle, teapot, carafe, coffee pot, watering can",
    "bottle": "wine bottle, water bottle, beer bottle, flask, thermos, soap dispenser, spray bottle, shampoo, milk",
    "cup": "mug, coffee cup, teacup, tea cup, coffee mug, measuring cup, paper cup",
    "glass": "tumbler, drinking glass, water glass, jar",
    "wine glass": "wineglass, goblet, champagne glass",
    "bowl": "mixing bowl, fruit bowl, salad bowl, dish, basin",
    "plate": "dinner plate, saucer, platter, serving plate",
    "tray": "serving tray, platter tray",
    "pot": "cooking pot, saucepan, pan, casserole, stockpot, frying pan, wok",
    "book": "notebook, magazine, novel, dictionary, textbook, album, binder",
    "book stack": "stack of books, books, pile of books, stacked books, magazines, stack of magazines",
    "box": "carton, cardboard box, package, parcel, cube, storage box, toolbox, gift box, present, container, case",
    "crate": "wooden crate, wooden box, fruit crate, pallet, toy chest",
    "basket": "wicker basket, laundry basket, hamper, picnic basket, storage basket",
    "bin": "trash can, trashcan, garbage can, garbage bin, waste bin, waste container, wastebasket, waste basket, rubbish bin, dustbin, trash bin, recycling bin, bucket, pail, barrel",
    "suitcase": "luggage, trolley case, travel bag, luggage and bags",
    "tv": "television, tv set, television set, tvmonitor, flat screen, tv screen, screen",
    "monitor": "computer monitor, display, computer screen, computer, desktop computer, imac",
    "laptop": "notebook computer, macbook, laptop computer, computer laptop",
    "keyboard": "computer keyboard, synthesizer",
    "phone": "telephone, mobile phone, cell phone, smartphone, tablet computer, tablet, remote, remote control, ipad",
    "radio": "boombox, transistor radio, stereo, hi fi, record player, toaster, microwave, microwave oven, clock radio, cassette player, sewing machine",
    "speaker": "loudspeaker, subwoofer",
    "picture": "painting, picture frame, photo frame, photograph, poster, frame, artwork, wall art, print, canvas, whiteboard, blackboard, wall picture, framed picture",
    "mirror": "looking glass, wall mirror, round mirror",
    "clock": "wall clock, alarm clock, digital clock, watch",
    "rug": "carpet, mat, doormat, floor mat, bath mat, area rug, runner",
    "pillow": "cushion, throw pillow, throw cushion, sofa cushion, bolster, seat cushion, scatter cushion",
    "candle": "pillar candle, candlestick",
    "curtain": "drape, drapes, window blind, blind, shower curtain, curtains",
    "ball": "football, soccer ball, basketball, volleyball, tennis ball, globe, sphere, beach ball, orange, apple",
    "toy": "plaything, doll, figurine",
    "teddy bear": "teddy, stuffed animal, plush toy, soft toy, stuffed toy, plush, bear",
    "toy car": "toy truck, toy vehicle, toy train, car, truck",
    "toy blocks": "blocks, building blocks, lego, bricks",
    "bag": "handbag, purse, tote bag, backpack, shopping bag, rucksack, briefcase, shoulder bag",
    "shoe": "sneaker, boot, slipper, footwear, sandal, high heels",
}  # fmt: skip

_PLURALS = {
    "shelves": "shelf", "bookshelves": "bookshelf", "knives": "knife", "leaves": "leaf",
    "boxes": "box", "benches": "bench", "couches": "couch", "dishes": "dish", "vases": "vase",
    "glasses": "glass", "brushes": "brush", "watches": "watch", "cacti": "cactus", "mice": "mouse",
    "people": "person", "suitcases": "suitcase", "bookcases": "bookcase", "cases": "case",
}  # fmt: skip
_KEEP_S = ("ss", "us", "is", "ies")
_ALWAYS_PLURAL = frozenset(
    {"drawers", "drapes", "blinds", "books", "blocks", "magazines", "flowers", "bricks"}
)


def words(label: str) -> list[str]:
    """The words of a label in lower case, without numbers, in the singular."""
    found = re.findall(r"[a-zà-ÿ]+", label.lower().replace("'s", ""))
    return [singular(w) for w in found]


def singular(word: str) -> str:
    """The singular of an English noun, as far as household words need it."""
    if word in _PLURALS:
        return _PLURALS[word]
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("s") and not word.endswith(_KEEP_S) and len(word) > 3:
        return word[:-1]
    return word


@cache
def _names() -> dict[str, str]:
    """Each known name, in the singular, to its canonical label."""
    out = {}
    for canonical, others in _SYNONYMS.items():
        out |= {" ".join(words(name)): canonical for name in others.split(", ")}
    out |= {" ".join(words(canonical)): canonical for canonical in _SYNONYMS}
    # The plural of these is another thing than one of them.
    out |= {"book stack": "book stack", "stack of book": "book stack"}
    return out


def is_unknown(label: str) -> bool:
    """The label says nothing about what it is."""
    return " ".join(re.findall(r"[a-z]+", label.lower())) in UNKNOWN


@cache
def canonical(label: str) -> str:
    """The canonical label of a name, "" when it is not a household word known here.

    The longest known run of words wins; of equally long ones the last, where English has its
    noun ("kitchen table with chairs" is a table: what follows "with", "of", "on" does not count,
    except in "stack of books").
    """
    lowered = label.lower().strip()
    if lowered in _ALWAYS_PLURAL:
        return {"books": "book stack", "magazines": "book stack", "flowers": "flowers"}.get(
            lowered, _names().get(singular(lowered), "")
        )
    tokens = words(lowered)
    names = _names()
    whole = " ".join(tokens)
    if whole in names:
        return names[whole]
    for stop in ("with", "of", "on", "in", "for", "and", "by", "at"):
        if stop in tokens[1:]:
            tokens = tokens[: tokens.index(stop, 1)]
    for length in range(len(tokens), 0, -1):
        for start in range(len(tokens) - length, -1, -1):
            run = " ".join(tokens[start : start + length])
            if run in names:
                return names[run]
    return ""


def similarity(label: str, names: Sequence[str]) -> float:
    """How well one of ``names`` names the same thing, 0..1.

    1 for the same words, 0.9 for the same canonical label, 0.6 for kinds of one thing ("coffee
    table" and "table"), 0.4 for a shared noun, 0 for nothing in common.
    """
    wanted, best = words(label), 0.0
    known = canonical(label)
    for name in names:
        mine = words(name)
        if not wanted or not mine:
            continue
        if wanted == mine:
            return 1.0
        other = canonical(name)
        if known and known == other:
            best = max(best, 0.9)
        elif known and other and known.split()[-1] == other.split()[-1]:
            best = max(best, 0.6)
        elif wanted[-1] == mine[-1] or (wanted[-1] in mine and len(wanted[-1]) > 3):
            best = max(best, 0.4)
    return best
