"""Family trees from the lineage tables: who descends from whom.

A creature's depth is its generation: one more than the deeper of its parents', founders 0. Its line goes from
child to the deeper parent (the mother if both are equal) up to a founder, so a line of depth d has d + 1 members.
Leaves out collateral kin and species.
"""

from __future__ import annotations

import numpy as np
import pandas as pd


def deepest(births: pd.DataFrame, deaths: pd.DataFrame) -> tuple[int, int] | None:
    """World and uid of the deepest creature alive at the end, the last born of equals; of all if nobody lives."""
    if births.empty:
        return None
    dead = pd.MultiIndex.from_frame(deaths[["world", "uid"]].astype(np.int64))
    everybody = pd.MultiIndex.from_frame(births[["world", "uid"]].astype(np.int64))
    living = births[~everybody.isin(dead)]
    pool = living if len(living) else births
    best = pool.sort_values(["generation", "tick", "uid"], kind="stable").iloc[-1]
    return int(best["world"]), int(best["uid"])


def line(births: pd.DataFrame, world: int, uid: int) -> pd.DataFrame:
    """Births of a creature and its ancestors, founder first. A parent without a record ends the line."""
    rows = births[births["world"] == world].sort_values("uid", kind="stable").drop_duplicates("uid")
    uids = rows["uid"].to_numpy(np.int64)
    parents = rows[["mother", "father"]].to_numpy(np.int64)
    generation = rows["generation"].to_numpy(np.int64)

    def place(wanted: int) -> int:
        at = int(np.searchsorted(uids, wanted))
        return at if wanted >= 0 and at < len(uids) and uids[at] == wanted else -1

    chain, at = [], place(uid)
    while at >= 0:
        chain.append(at)
        older = [p for p in (place(parent) for parent in parents[at]) if p >= 0 and uids[p] < uids[at]]
        at = max(older, key=lambda p: generation[p]) if older else -1  # max keeps the mother, the first of equals
    return rows.iloc[chain[::-1]].reset_index(drop=True)


def deepest_line(births: pd.DataFrame, deaths: pd.DataFrame) -> pd.DataFrame:
    """The line of the deepest creature, founder first; no rows without records."""
    found = deepest(births, deaths)
    return births.iloc[:0] if found is None else line(births, *found)
