"""How figures are drawn: style, curves with bands, axes, trees."""
