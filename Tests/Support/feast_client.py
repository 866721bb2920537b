#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Feast's own client, for tests: makes calls on a repository and prints what came of them.

  feast_client.py REPO [--calls FILE] [--server URL]

REPO holds feature_store.yaml and registry.db. The calls are a JSON list, on standard input or in a
file; what came of each is printed as a JSON list of the same length. --server asks another server
than the repository says. Each call is an object:

  {"call": "registry"}
      -> {"project", "entities", "views", "services", "sources"}: what the client sees of the file
  {"call": "get_online_features", "features": ["view:feature"] | "service": NAME,
   "entity_rows": [{KEY: VALUE}] | {KEY: [VALUE]}, "full_feature_names": false, "versions": false}
      -> {"names": [N], "values": {N: [V]}, "statuses": {N: [S]}, "types": {N: [T or null]},
          "versions": {VIEW: NUMBER}}
  {"call": "write_to_online_store", "view": NAME, "df": {COLUMN: [V]}, "times": [COLUMN]}
  {"call": "push", "source": NAME, "df": {…}, "times": [COLUMN], "to": "online"}
  {"call": "materialize", "start": ISO, "end": ISO, "views": [NAME] | null, "run_async": false}
  {"call": "materialize_incremental", "end": ISO, "views": [NAME] | null, "run_async": false}
      -> {"done": true}

A call that raises gives {"error": {"module", "class", "message"}}. Columns in `times` are read as
instants. Exit status 3: feast is not installed, 4: it is another version than the tests are for.
"""
import argparse
import json
import sys
import warnings
from datetime import datetime

VERSION = "0.67.0"


def field(field):
    return {"name": field.name, "type": field.dtype.to_value_type().name, "words": str(field.dtype),
            "description": field.description}


def source(source):
    if source is None:
        return None
    found = {"name": source.name, "class": type(source).__name__, "owner": source.owner,
             "time": source.timestamp_field, "created": source.created_timestamp_column}
    if hasattr(source, "path"):
        found["path"] = source.path
    if hasattr(source, "schema"):
        found["schema"] = [field(f) for f in source.schema]
    if getattr(source, "batch_source", None) is not None:
        found["batch_source"] = source.batch_source.name
    return found


def registry(store):
    from feast.protos.feast.core.Registry_pb2 import Registry

    path = store.repo_path / "registry.db"
    before = path.read_bytes()
    parsed = Registry.FromString(before)
    found = {
        "project": store.project,
        "projects": [p.name for p in store.list_projects()],
        "version": parsed.version_id,
        # The bytes are those that protobuf itself writes, so nothing in them is unknown or twice.
        "is_canonical": parsed.SerializeToString(deterministic=True) == before,
        "entities": [
            {"name": e.name, "join_key": e.join_key, "type": e.value_type.name,
             "description": e.description, "owner": e.owner, "tags": e.tags}
            for e in store.list_entities()
        ],
        "views": [
            {"name": v.name, "entities": v.entities, "keys": [field(f) for f in v.entity_columns],
             "join_keys": v.join_keys, "features": [field(f) for f in v.features],
             "ttl_seconds": v.ttl.total_seconds() if v.ttl else 0, "online": v.online,
             "description": v.description, "owner": v.owner, "tags": v.tags,
             "batch_source": source(v.batch_source), "stream_source": source(v.stream_source)}
            for v in store.list_feature_views()
        ],
        "on_demand_views": [v.name for v in store.list_on_demand_feature_views()],
        "services": [
            {"name": s.name, "description": s.description, "owner": s.owner, "tags": s.tags,
             "views": [{"name": p.name, "features": [field(f) for f in p.features]}
                       for p in s.feature_view_projections]}
            for s in store.list_feature_services()
        ],
        "sources": [source(s) for s in store.list_data_sources()],
    }
    # A client that rewrites the file would make it another one for the next client.
    found["is_untouched"] = path.read_bytes() == before
    return found


def read(store, call):
    rows = call["entity_rows"]
    features = (store.get_feature_service(call["service"]) if "service" in call
                else call["features"])
    response = store.get_online_features(
        features=features,
        entity_rows=rows,
        full_feature_names=call.get("full_feature_names", False),
        include_feature_view_version_metadata=call.get("versions", False),
    )
    from feast.protos.feast.serving.ServingService_pb2 import FieldStatus

    proto = response.proto
    names = list(proto.metadata.feature_names.val)
    return {
        "names": names,
        "values": response.to_dict(),
        "statuses": {n: [FieldStatus.Name(s) for s in r.statuses]
                     for n, r in zip(names, proto.results)},
        "types": {n: [v.WhichOneof("val") for v in r.values]
                  for n, r in zip(names, proto.results)},
        "versions": {m.name: m.version for m in proto.metadata.feature_view_metadata},
    }


def frame(call):
    import pandas as pd

    df = pd.DataFrame(call["df"])
    for column in call.get("times", []):
        df[column] = pd.to_datetime(df[column], utc=True)
    return df


def answer(store, call):
    kind = call["call"]
    if kind == "registry":
        return registry(store)
    if kind == "get_online_features":
        return read(store, call)
    if kind == "write_to_online_store":
        store.write_to_online_store(call["view"], df=frame(call))
    elif kind == "push":
        from feast.data_source import PushMode

        modes = {"online": PushMode.ONLINE, "offline": PushMode.OFFLINE,
                 "online_and_offline": PushMode.ONLINE_AND_OFFLINE}
        store.push(call["source"], frame(call), to=modes[call.get("to", "online")])
    elif kind == "materialize":
        store.materialize(datetime.fromisoformat(call["start"]),
                          datetime.fromisoformat(call["end"]), call.get("views"),
                          run_async=call.get("run_async", False))
    elif kind == "materialize_incremental":
        store.materialize_incremental(datetime.fromisoformat(call["end"]), call.get("views"),
                                      run_async=call.get("run_async", False))
    else:
        raise ValueError(f"there is no call {kind}")
    return {"done": True}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("repo")
    parser.add_argument("--calls")
    parser.add_argument("--server")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    try:
        import feast
        from feast.version import get_version
    except ImportError as error:
        print(f"feast is not installed: {error}", file=sys.stderr)
        return 3
    if get_version() != VERSION:
        print(f"feast {get_version()} is installed, and {VERSION} is wanted", file=sys.stderr)
        return 4
    with open(arguments.calls) if arguments.calls else sys.stdin as file:
        calls = json.load(file)
    store = feast.FeatureStore(repo_path=arguments.repo)
    if arguments.server:
        store.config.online_store.path = arguments.server
    answers = []
    for call in calls:
        try:
            answers.append(answer(store, call))
        except Exception as error:
            answers.append({"error": {"module": type(error).__module__,
                                      "class": type(error).__name__, "message": str(error)}})
    json.dump(answers, sys.stdout, default=str)
    return 0


if __name__ == "__main__":
    sys.exit(main())
