# SPDX-License-Identifier: Apache-2.0
"""deltalake's side of `mill-bench lake`: one JSON object on a line for each measurement.

Run by the interpreter of $MILLRACE_TOOLS_PYTHON (deltalake and pyarrow as scripts/tools.txt pins
them). Times are those of the work alone, without the start of Python; CPU is of all threads.
"""

import argparse
import json
import os
import random
import resource
import sys
import time


def hold_to(threads):
    """Keeps the process on so many cores, before any library asks how many there are."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[:threads])


def usage():
    found = resource.getrusage(resource.RUSAGE_SELF)
    scale = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return found.ru_utime + found.ru_stime, found.ru_maxrss / scale


class Meter:
    """Measures the work inside of a `with`, and prints it at the end."""

    def __init__(self, measure, **facts):
        self.measure = measure
        self.facts = facts

    def __enter__(self):
        self.cpu_before, _ = usage()
        self.began = time.perf_counter()
        return self

    def __exit__(self, failure, *_):
        self.wall = time.perf_counter() - self.began
        cpu, self.peak = usage()
        self.cpu = cpu - self.cpu_before

    def report(self, **facts):
        emit(self.measure, self.wall, self.cpu, self.peak, {**self.facts, **facts})


def emit(measure, wall, cpu, peak, facts):
    line = {
        "measure": measure,
        "wall_seconds": wall,
        "cpu_seconds": cpu,
        "peak_mebibytes": peak,
        "facts": {name: float(value) for name, value in facts.items()},
    }
    print(json.dumps(line), flush=True)


# The table of many files


def day_of(number):
    return f"2024-{1 + number // 28 % 12:02d}-{1 + number % 28:02d}"


def make_files(arguments):
    """A table whose log names many files that are not there: opening and listing read none.

    Two commits, the newest of a few files, and a checkpoint of it: whoever reads the newest commit
    for what it says of itself is not made to read all files twice.
    """
    import pyarrow as pa
    from deltalake import DeltaTable, Schema
    from deltalake.transaction import AddAction, create_table_with_add_actions

    schema = pa.schema(
        [("id", pa.int64()), ("day", pa.string()), ("amount", pa.float64()), ("name", pa.string())]
    )
    actions = []
    for number in range(arguments.files):
        day = day_of(number)
        stats = {
            "numRecords": 1000,
            "minValues": {"id": number * 1000, "amount": 0.5, "name": f"aaa{number}"},
            "maxValues": {"id": number * 1000 + 999, "amount": 99.5, "name": f"zzz{number}"},
            "nullCount": {"id": 0, "amount": 0, "name": 3},
        }
        name = f"part-{number:06d}-0d5d7ecd-6a5f-4a8a-9a30-{number:012d}-c000.snappy.parquet"
        actions.append(
            AddAction(
                f"day={day}/{name}", 1000000, {"day": day}, 1700000000000, True, json.dumps(stats)
            )
        )
    schema = Schema.from_arrow(schema)
    parted = ["day"]
    split = max(0, arguments.files - arguments.newest)
    with Meter("make", files=arguments.files) as meter:
        create_table_with_add_actions(
            arguments.table, schema, actions[:split], mode="error", partition_by=parted
        )
        table = DeltaTable(arguments.table)
        table.create_write_transaction(actions[split:], "append", schema, parted)
        DeltaTable(arguments.table).create_checkpoint()
    meter.report()


def numbers(uris):
    """The sum of the files' numbers, by which two listings are held against each other."""
    return sum(int(uri.rsplit("/part-", 1)[1][:6]) for uri in uris)


def open_files(arguments):
    """Opens a table and lists the files of two conditions, each time from a fresh object."""
    from deltalake import DeltaTable

    with Meter("first open") as meter:
        table = DeltaTable(arguments.table)
    meter.report(version=table.version())
    conditions = [("id", f"id = {arguments.id}"), ("day", f"day = '{arguments.day}'")]
    for _ in range(arguments.opens):
        for name, condition in conditions:
            with Meter("open") as opening:
                table = DeltaTable(arguments.table)
            opening.report(version=table.version())
            with Meter(f"list by {name}") as listing:
                uris = table.file_uris(file_pruning_predicate=condition)
            facts = {"files": len(uris), "numbers": numbers(uris)}
            listing.report(**facts)
            emit(
                f"open and list by {name}",
                opening.wall + listing.wall,
                opening.cpu + listing.cpu,
                listing.peak,
                facts,
            )


def open_log(arguments):
    """Opens a table of many commits, once unmeasured and then as often as asked."""
    from deltalake import DeltaTable

    DeltaTable(arguments.table)
    for _ in range(arguments.opens):
        with Meter("open") as meter:
            table = DeltaTable(arguments.table)
        meter.report(version=table.version())


# Commits


def three_rows():
    import pyarrow as pa

    return pa.table({"id": pa.array([1, 2, 3], pa.int64()), "v": ["a", "b", "c"]})


def append(arguments):
    """Appends of three rows: to a path, to an open table, and the commit alone."""
    from deltalake import DeltaTable, write_deltalake
    from deltalake.transaction import AddAction

    rows = three_rows()
    for name in ("append cold", "append warm", "commit"):
        path = f"{arguments.table}-{name.replace(' ', '-')}"
        write_deltalake(path, rows)
        table = DeltaTable(path)
        schema = table.schema()
        stats = json.dumps(
            {
                "numRecords": 3,
                "minValues": {"id": 1, "v": "a"},
                "maxValues": {"id": 3, "v": "c"},
                "nullCount": {"id": 0, "v": 0},
            }
        )
        with Meter(name, commits=arguments.count) as meter:
            for number in range(arguments.count):
                if name == "append cold":
                    write_deltalake(path, rows, mode="append")
                elif name == "append warm":
                    write_deltalake(table, rows, mode="append")
                else:
                    action = AddAction(f"part-{number:06d}.parquet", 700, {}, 0, True, stats)
                    table.create_write_transaction([action], "append", schema, [])
                    # Without this each commit is held against all before it, and is slower.
                    table.update_incremental()
        meter.report(version=DeltaTable(path).version())


# Upsert


def merge(arguments):
    """Merges the rows of a Parquet file into a table by id; reading the file is part of it."""
    import pyarrow.parquet as pq
    from deltalake import DeltaTable

    with Meter("upsert") as meter:
        found = (
            DeltaTable(arguments.table)
            .merge(
                source=pq.read_table(arguments.source),
                predicate="t.id = s.id",
                source_alias="s",
                target_alias="t",
            )
            .when_matched_update_all()
            .when_not_matched_insert_all()
            .execute()
        )
    meter.report(
        inserted=found["num_target_rows_inserted"],
        updated=found["num_target_rows_updated"],
        files_written=found["num_target_files_added"],
        files_removed=found["num_target_files_removed"],
    )


# Compaction


def make_small(arguments):
    """A table of many small files."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from deltalake import Schema
    from deltalake.transaction import AddAction, create_table_with_add_actions

    chance = random.Random(arguments.seed)
    schema = pa.schema(
        [
            ("id", pa.int64()),
            ("customer", pa.int64()),
            ("amount", pa.float64()),
            ("city", pa.string()),
            ("ts", pa.timestamp("us", tz="UTC")),
        ]
    )
    cities = [f"city {number}" for number in range(50)]
    epoch = 1704067200000000
    actions = []
    os.makedirs(arguments.table)
    with Meter("make", files=arguments.files) as meter:
        for number in range(arguments.files):
            first = number * arguments.rows
            ids = range(first, first + arguments.rows)
            # Quarters, so that sums of any order are the same.
            amounts = [chance.randrange(40000) / 4 for _ in ids]
            customers = [chance.randrange(1000000) for _ in ids]
            places = [chance.choice(cities) for _ in ids]
            times = [epoch + identity * 1000000 for identity in ids]
            name = f"part-{number:06d}.parquet"
            path = f"{arguments.table}/{name}"
            columns = [ids, customers, amounts, places, times]
            pq.write_table(
                pa.table(
                    [pa.array(column, field.type) for column, field in zip(columns, schema)],
                    schema=schema,
                ),
                path,
            )
            stats = {
                "numRecords": arguments.rows,
                "minValues": {"id": ids[0], "customer": min(customers), "amount": min(amounts)},
                "maxValues": {"id": ids[-1], "customer": max(customers), "amount": max(amounts)},
                "nullCount": {field.name: 0 for field in schema},
            }
            actions.append(
                AddAction(name, os.path.getsize(path), {}, 1700000000000, True, json.dumps(stats))
            )
        create_table_with_add_actions(
            arguments.table, Schema.from_arrow(schema), actions, mode="error"
        )
    meter.report()


WORK = {
    "make-files": make_files,
    "open-files": open_files,
    "open-log": open_log,
    "append": append,
    "merge": merge,
    "make-small": make_small,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", choices=sorted(WORK))
    parser.add_argument("--table", required=True, help="the table's folder")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--files", type=int, default=100000)
    parser.add_argument("--newest", type=int, default=1, help="files of the newest commit")
    parser.add_argument("--rows", type=int, default=1000, help="rows of each small file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--opens", type=int, default=3)
    parser.add_argument("--count", type=int, default=200, help="commits")
    parser.add_argument("--id", type=int, default=5000500)
    parser.add_argument("--day", default="2024-03-03")
    parser.add_argument("--source", help="the Parquet file with new rows")
    arguments = parser.parse_args()
    hold_to(arguments.threads)
    WORK[arguments.work](arguments)


if __name__ == "__main__":
    main()
