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
    """
    paid = {name: b for name, b in backends(stage).items() if b.info.price is not None}
    if not paid:
        return None
    widgets = [BACKEND, *(f"{BACKEND}.{name}" for name in _asked_for(paid))]
    prices = {
        name: {
            "usd": b.info.price.usd,
            "per": b.info.price.per,
            "own": _has(b, OWN_SERVER),
            "asked": _has(b, SAMPLES) and b.info.price.per == "request",
        }
        for name, b in paid.items()
    }
    lines = [
        f"$price := $lookup({json.dumps(prices)}, widgets.{BACKEND});",
        f"$samples := $price.asked ? widgets.`{BACKEND}.{SAMPLES}` : 1;",
        f"$own := $price.own and $boolean(widgets.`{BACKEND}.{OWN_SERVER}`);",
        '$per := $price.asked ? "photo" : $price.per;',
        '$usd := $formatNumber($price.usd * ($samples ? $samples : 1), "0.00##");',
        '{"type": "text", "text": $not($exists($price)) ? "free" : $own ? "free (own server)"'
        ' : "~$" & $usd & " a " & $per}',
    ]
    return io.PriceBadge(
        expr="(\n  " + "\n  ".join(lines) + "\n)", depends_on=io.PriceBadgeDepends(widgets=widgets)
    )


def _asked_for(paid: Mapping[str, Backend]) -> list[str]:
    """The options that the prices depend on."""
    return [n for n in (OWN_SERVER, SAMPLES) if any(_has(b, n) for b in paid.values())]


def _has(backend: Backend, name: str) -> bool:
    return any(spec.name == name for spec in option_specs(backend.options))
