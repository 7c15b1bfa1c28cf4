"""Networks as graphs, and what chains and graphs share.

``description`` says what nodes and edges are; ``reading`` and ``planning`` check them and make
plans (``plans``), of which ``circuit`` makes populations and projections, by the steps of
``composition``, which are those of chains, too. ``latent_equilibrium`` and
``generalized_equilibrium`` have the populations of the two theories; ``graph`` and ``gle_graph``
put it together.
"""
