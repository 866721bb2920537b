#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Features over HTTP: `millrace serve` beside the same HTTP server with a constant body, and beside `feast serve`.

  python Benchmarks/Features/serve.py --millrace BIN --bench BIN [--entities 100000] [--seconds 5] [--feast PYTHON]

Makes a project of one view with ten latest values of so many entities, brings it into SQLite, and asks for 1, 10 and 100
entities over 4 keep-alive connections with wrk, which draws entities at random. The constant server answers each request
with one answer of ours. The load at which tail times are read is half of what the constant server and ours each reach at most.
One JSON object goes to standard output. Needs wrk.
"""
import argparse, csv, json, os, random, re, resource, shutil, signal, subprocess, sys, tempfile, time, urllib.request
from pathlib import Path

SOURCE = """files: data/latest.csv
format: csv
columns:
  driver_id: long
  event_timestamp: timestamp
  f0: double
  f1: double
  f2: double
  f3: double
  f4: double
  f5: double
  f6: long
  f7: long
  f8: long
  f9: string
"""
FEATURES = """entities:
  driver:
    keys: {driver_id: long}
views:
  driver_stats:
    entity: driver
    source: bronze.latest
    time: event_timestamp
    features: [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9]
services:
  drivers:
    features: [driver_stats]
"""
LUA = """
local size, entities, pause = %d, %d, %d
math.randomseed(%d)
request = function()
  local ids = {}
  for i = 1, size do ids[i] = math.random(0, entities - 1) end
  return wrk.format("POST", "/get-online-features", {["Content-Type"] = "application/json"},
    '%s"entities":{"driver_id":[' .. table.concat(ids, ",") .. "]}}")
end
if pause > 0 then delay = function() return pause end end
done = function(summary, latency, requests)
  io.write(string.format("RESULT %%d %%d %%d %%f %%f %%f\\n", summary.requests, summary.duration,
    summary.errors.status + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99), latency.mean))
end
"""


def log(*words):
    print(*words, file=sys.stderr, flush=True)


def project(folder, entities):
    (folder / "data").mkdir(parents=True)
    (folder / "sources").mkdir()
    (folder / "features").mkdir()
    draw = random.Random(7)
    with open(folder / "data/latest.csv", "w") as file:
        rows = csv.writer(file)
        rows.writerow(["driver_id", "event_timestamp"] + [f"f{i}" for i in range(10)])
        for entity in range(entities):
            second = draw.randrange(2_592_000)
            moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(1767225600 + second))
            rows.writerow([entity, f"{moment}.{draw.randrange(1_000_000):06d}Z"]
                          + [repr(draw.gauss(0, 1)) for _ in range(6)]
                          + [draw.randrange(1000) for _ in range(3)] + [f"c{draw.randrange(32):02d}"])
    (folder / "sources/latest.yaml").write_text(SOURCE)
    (folder / "features/drivers.yaml").write_text(FEATURES)
    (folder / "millrace.yaml").write_text(
        "name: drivers\nserver: {listen: 127.0.0.1:0, access_log: none, refresh: never}\n")


def run(*command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}: {done.stdout} {done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"wall": time.monotonic() - start,
            "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


class Server:
    def __init__(self, command, pattern=r"127\.0\.0\.1:(\d+)"):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in self.process.stdout:
            found = re.search(pattern, line)
            if found:
                self.port = int(found[1])
                return
        sys.exit(f"{command[0]} did not say where it listens")

    def cpu(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self):
        return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())[1]) * 1024

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def load(server, size, entities, seconds, words, connections=4, pause=0, seed=1):
    script = Path(tempfile.gettempdir()) / f"mill-wrk-{os.getpid()}.lua"
    script.write_text(LUA % (size, entities, pause, seed, words))
    before = server.cpu()
    out = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), f"http://127.0.0.1:{server.port}"],
        capture_output=True, text=True).stdout
    cpu = server.cpu() - before
    script.unlink()
    requests, duration, errors, p50, p99, mean = re.search(
        r"RESULT (\d+) (\d+) (\d+) (\S+) (\S+) (\S+)", out).groups()
    if int(errors):
        sys.exit(f"{errors} of {requests} requests went wrong: {out}")
    rate = int(requests) / (int(duration) / 1e6)
    return {"rate": rate, "p50_ms": float(p50) / 1000, "p99_ms": float(p99) / 1000,
            "cpu_us": cpu / int(requests) * 1e6}


def half(server, most, size, entities, seconds, words):
    """Half of the most that a server reaches: connections that rest between requests."""
    connections = 16
    pause = max(1, round((connections / (most["rate"] / 2)) * 1000 - most["p50_ms"]))
    return load(server, size, entities, seconds, words, connections=connections, pause=pause, seed=2)


def measure(server, sizes, entities, seconds, words):
    result = {}
    for size in sizes:
        load(server, size, entities, 1, words)
        most = load(server, size, entities, seconds, words)
        result[size] = {"most": most, "half": half(server, most, size, entities, seconds, words)}
        log(f"  {size:>3}: {most['rate']:>8.0f}/s, {most['cpu_us']:.0f} us CPU, p99 at half "
            f"{result[size]['half']['p99_ms']:.2f} ms at {result[size]['half']['rate']:.0f}/s")
    return result


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("--millrace", required=True)
    parse.add_argument("--bench", required=True)
    parse.add_argument("--entities", type=int, default=100_000)
    parse.add_argument("--seconds", type=int, default=5)
    parse.add_argument("--rounds", type=int, default=3)
    parse.add_argument("--sizes", default="1,10,100")
    arguments = parse.parse_args()
    sizes = [int(size) for size in arguments.sizes.split(",")]
    words = '{"features":[' + ",".join(f'"driver_stats:f{i}"' for i in range(10)) + '],'
    folder = Path(tempfile.mkdtemp(prefix="mill-serve-"))
    try:
        home = folder / "project"
        project(home, arguments.entities)
        log("making the table")
        run(arguments.millrace, "run", "--project", str(home))
        materialize = run(arguments.millrace, "features", "materialize", "--project", str(home))
        store = sum(path.stat().st_size for path in (home / ".millrace").glob("online.sqlite*"))
        log(f"materialized in {materialize['cpu']:.2f} CPU s, {materialize['wall']:.2f} s; {store / 1e6:.1f} MB")
        report = {"entities": arguments.entities, "materialize": materialize, "store_bytes": store, "rounds": []}
        for _ in range(arguments.rounds):
            round_ = {"constant": {}, "ours": {}}
            log("millrace serve")
            ours = Server([arguments.millrace, "serve", "--project", str(home)])
            # Every entity once, so that what is measured is not the first look at each.
            for start in range(0, arguments.entities, 5000):
                ids = ",".join(str(i) for i in range(start, min(start + 5000, arguments.entities)))
                ask(ours, words, ids)
            round_["ours"] = measure(ours, sizes, arguments.entities, arguments.seconds, words)
            round_["memory"] = ours.memory()
            for size in sizes:
                body = ask(ours, words, ",".join(str(i) for i in range(size)))
                file = folder / f"body{size}.json"
                file.write_bytes(body)
                log(f"constant body of {len(body)} bytes")
                constant = Server([arguments.bench, "part-constant-server", str(file)])
                round_["constant"].update(measure(constant, [size], arguments.entities, arguments.seconds, words))
                constant.stop()
            ours.stop()
            report["rounds"].append(round_)
        report["ratios"] = ratios(report["rounds"], sizes)
        print(json.dumps(report, indent=1))
        for size, ratio in report["ratios"].items():
            log(f"{size:>3} entities: {ratio['rate']:.2f} of the constant's rate, p99 {ratio['p99']:.2f} times, CPU {ratio['cpu']:.2f} times")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def ask(server, words, ids):
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}/get-online-features",
        data=f'{words}"entities":{{"driver_id":[{ids}]}}}}'.encode(), headers={"Content-Type": "application/json"})
    return urllib.request.urlopen(request).read()


def ratios(rounds, sizes):
    def median(values):
        return sorted(values)[len(values) // 2]
    found = {}
    for size in sizes:
        pairs = [(r["ours"][size], r["constant"][size]) for r in rounds]
        found[size] = {
            "rate": median([o["most"]["rate"] / c["most"]["rate"] for o, c in pairs]),
            "p99": median([o["half"]["p99_ms"] / c["half"]["p99_ms"] for o, c in pairs]),
            "cpu": median([o["most"]["cpu_us"] / c["most"]["cpu_us"] for o, c in pairs]),
        }
    return found


main()
