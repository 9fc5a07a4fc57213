"""The same as runs.rs, by DBOS Transact on SQLite: RUNS workflows of STEPS steps that do nothing."""

import sys
import time

from dbos import DBOS

database, runs, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

DBOS(config={"name": "bench", "system_database_url": database, "log_level": "ERROR", "run_admin_server": False})


@DBOS.step()
def nothing(number: int) -> int:
    return number


@DBOS.workflow()
def row(count: int) -> int:
    for number in range(count):
        nothing(number)
    return count


DBOS.launch()

began = time.monotonic()
for handle in [DBOS.start_workflow(row, steps) for _ in range(runs)]:
    handle.get_result()
took = time.monotonic() - began
print(f"{'DBOS: durable steps that do nothing':<44} {runs * steps / took:>12.0f} /s    {runs} runs of {steps}, in process", flush=True)

times = []
for _ in range(100):
    began = time.monotonic()
    DBOS.start_workflow(row, 1).get_result()
    times.append((time.monotonic() - began) * 1000)
times.sort()
print(f"{'DBOS: run of one step is over':<44} p50 {times[49]:>8.2f} ms   p99 {times[98]:>8.2f} ms", flush=True)
DBOS.destroy()
