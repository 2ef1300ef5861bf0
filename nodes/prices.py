"""The price badge of nodes whose stage has paid backends, and the schema that shows it.

ComfyUI draws a badge only on nodes that it calls API nodes, and hands the token of the user's
Comfy account to those. The pack's services are paid with the user's own keys, so that token is
not asked for. Prices are shown in dollars, not in Comfy's credits, for the same reason.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from comfy_api.latest import io

from ..cast_nodes.backends import Backend, backends, option_specs
from .widgets import BACKEND

ACCOUNT = (
    io.Hidden.auth_token_comfy_org,
    io.Hidden.api_key_comfy_org,
    io.Hidden.comfy_usage_source,
)

OWN_SERVER = "base_url"
"""Name of the option that leads to a server of the user's own, where nothing is paid."""

SAMPLES = "samples"
"""Name of the option that says how often a model is asked."""

FREE, FREE_OWN_SERVER = "free", "free (own server)"


class PricedSchema(io.Schema):
    """A schema with a price badge for the stage's paid backends."""

    def __init__(self, stage: str, **fields) -> None:
        badge = price_badge(stage)
        super().__init__(**fields, is_api_node=badge is not None, price_badge=badge)

    def finalize(self) -> None:
        super().finalize()
        self.hidden = [h for h in self.hidden if h not in ACCOUNT]


def price_badge(stage: str) -> io.PriceBadge | None:
    """What the chosen backend costs, as the front end works it out; None if all are free.

    The expression is JSONata (https://jsonata.org). Free ones say so: an empty badge shows a coin.
    Its first line holds all words, so that they can be replaced by those of another language
    (scripts/make_locales.py, frontend/src/workflows/price_words.ts).
    """
    paid = {name: b for name, b in backends(stage).items() if b.info.price is not None}
    if not paid:
        return None
    widgets = [BACKEND, *(f"{BACKEND}.{name}" for name in _asked_for(paid))]
    prices = {
        name: {
            "usd": b.info.price.usd,
            "per": f"a {_unit(b)}",
            "own": _has(b, OWN_SERVER),
            "asked": _is_asked_often(b),
        }
        for name, b in paid.items()
    }
    words = (FREE, FREE_OWN_SERVER, *(entry["per"] for entry in prices.values()))
    lines = [
        f"$words := {json.dumps({word: word for word in words})};",
        f"$price := $lookup({json.dumps(prices)}, widgets.{BACKEND});",
        f"$samples := $price.asked ? widgets.`{BACKEND}.{SAMPLES}` : 1;",
        f"$own := $price.own and $boolean(widgets.`{BACKEND}.{OWN_SERVER}`);",
        f'$key := $not($exists($price)) ? "{FREE}" : $own ? "{FREE_OWN_SERVER}" : $price.per;',
        '$usd := $formatNumber($price.usd * ($samples ? $samples : 1), "0.00##");',
        '{"type": "text", "text": ($exists($price) and $not($own) ? "~$" & $usd & " " : "")'
        " & $lookup($words, $key)}",
    ]
    return io.PriceBadge(
        expr="(\n  " + "\n  ".join(lines) + "\n)", depends_on=io.PriceBadgeDepends(widgets=widgets)
    )


def _asked_for(paid: Mapping[str, Backend]) -> list[str]:
    """The options that the prices depend on."""
    return [n for n in (OWN_SERVER, SAMPLES) if any(_has(b, n) for b in paid.values())]


def _is_asked_often(backend: Backend) -> bool:
    """The price of one request has to be multiplied."""
    price = backend.info.price
    return _has(backend, SAMPLES) and price is not None and price.per == "request"


def _unit(backend: Backend) -> str:
    """What one price is for, in people's words."""
    assert backend.info.price
    return "photo" if _is_asked_often(backend) else backend.info.price.per


def _has(backend: Backend, name: str) -> bool:
    return any(spec.name == name for spec in option_specs(backend.options))
