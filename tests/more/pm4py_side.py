"""What pm4py finds, in an environment of its own that has it: `python pm4py_side.py LOG NET`.

Prints JSON: seconds and answers of token-based replay and of alignments.
"""

import json
import sys
from importlib import import_module
from time import process_time
from typing import Any


def main(log: str, net: str) -> dict[str, Any]:
    """Judge a log by a net."""
    pandas: Any = import_module("pandas")
    pm4py: Any = import_module("pm4py")
    token_replay: Any = import_module("pm4py.algo.conformance.tokenreplay.algorithm")
    alignments: Any = import_module("pm4py.algo.conformance.alignments.petri_net.algorithm")
    rows = pandas.read_csv(log)
    rows["time"] = pandas.to_datetime(rows["time"], unit="s", utc=True)
    rows = pm4py.format_dataframe(
        rows, case_id="server", activity_key="state", timestamp_key="time"
    )
    events = pm4py.convert_to_event_log(rows)
    model = pm4py.read_pnml(net)
    begun = process_time()
    replayed = token_replay.apply(events, *model)
    between = process_time()
    aligned = alignments.apply(events, *model, parameters={"ret_tuple_as_trans_desc": True})
    ended = process_time()
    return {
        "pm4py": pm4py.__version__,
        "token-based replay": {
            "seconds": round(between - begun, 2),
            "servers that fit": sum(one["trace_is_fit"] for one in replayed),
        },
        "alignments": {
            "seconds": round(ended - between, 2),
            "servers that fit": sum(one["fitness"] == 1 for one in aligned),
        },
        "named": {
            trace.attributes["concept:name"]: [names[1] for names, _ in one["alignment"]]
            for trace, one in zip(events, aligned, strict=True)
        },
    }


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
