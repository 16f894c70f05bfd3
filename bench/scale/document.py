"""docs/scaling.md and docs/scaling.svg from document.md and what was measured, simulated and reckoned.

In document.md {{name}} stands for a figure or a table of figures(); nothing measured is typed by hand there.
"""

import json
import os
import re

import cost

HERE = os.path.dirname(os.path.abspath(__file__))
DOCS = os.path.join(os.path.dirname(os.path.dirname(HERE)), "docs")


def write(model, results, folder=DOCS):
    with open(os.path.join(folder, "scaling.md"), "w", encoding="utf-8") as f:
        f.write(page(model, results))
    with open(os.path.join(folder, "scaling.svg"), "w", encoding="utf-8") as f:
        f.write(chart(results["chart"]["minutes"]))


def page(model, results, template=None):
    if template is None:
        with open(os.path.join(HERE, "document.md"), encoding="utf-8") as f:
            template = f.read()
    known = figures(model, results)
    unknown = set(re.findall(r"\{\{(\w+)\}\}", template)) - set(known)
    if unknown:
        raise SystemExit(f"document.md asks for what is not known: {', '.join(sorted(unknown))}")
    return re.sub(r"\{\{(\w+)\}\}", lambda m: str(known[m[1]]), template)


def typed_by_hand(template):
    """Lines of the template with a figure and a unit, outside {{}}, `code` and links: there should be none."""
    bare = re.sub(r"\{\{\w+\}\}|`[^`]*`|\]\([^)]*\)", "", template)
    figure = re.compile(r"\d[\d.,]*\s?(ms|µs|us|s|seconds|minutes|pods|vCPU|cores|requests|MB|KB|GiB|TiB|%|USD|decisions)(?![\w])")
    return [line for line in bare.splitlines() if figure.search(line)]


# ---- figures and tables ----


def thousands(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.3g}" if value else "0"


def percent(share):
    return "0" if share == 0 else f"{100 * share:.2g} %" if share >= 0.00005 else "below 0.01 %"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


def figures(model, results):
    capacity, a = model.capacity, model.assumptions
    lines, facts, machine, ran = capacity["lines"], capacity["facts"], capacity["machine"], capacity["settings"]
    s10, s100 = results["settings"]["10"], results["settings"]["100"]
    core = lines["explained"]["per_core_second"] / model.slower
    stages = lines["explained_in_process"]["stages_us"]
    whole = sum(stages.values())
    runs = {(r["load"], r["traffic"]): r for r in results["runs"]}
    money = {row["load"]: row for row in results["cost"]}
    store = {(r["what"], r["load"]): r for r in results["store"]}
    level = a["service_level"]
    traffic = a["traffic"]
    known = {
        "date": machine["date"],
        "machine": f"{machine['processor']}, {machine['processors']} processors, {machine['memory_gb']} GB, {machine['system']}; load average after the measurement {machine['load_after']}",
        "mode": f"{ran['mode']}: {ran['rounds']} rounds of {ran['seconds']} s, the middle one",
        "request": f"{ran['transactions']} transactions, {thousands(ran['request_bytes'])} bytes; forest of {ran['trees']} trees of depth {ran['depth']}",
        "capacity_table": capacity_table(lines),
        "stages": ", ".join(f"{name} {100 * value / whole:.0f} %" for name, value in stages.items()),
        "score_stage_share": f"{100 * stages['score'] / whole:.0f} %",
        "features_share": f"{100 * stages['features'] / whole:.0f} %",
        "transaction_us": f"{facts['transaction_us']:g} µs",
        "without_us": f"{facts['without_transactions_us']:g} µs",
        "answer_bytes": f"{thousands(facts['answer_bytes'])} bytes",
        "answer_packed": f"{thousands(facts['answer_gzip_bytes'])} bytes",
        "resident": f"{facts['resident_mb']:g} MB",
        "start": f"{facts['start_ms']:g} ms",
        "log_bytes": f"{thousands(facts['log_bytes'])} bytes",
        "precomputed_us": f"{lines['precomputed']['cpu_us']:g} µs",
        "precomputed_values": facts.get("precomputed_values", "as missing values"),
        "precomputed_factor": f"{lines['explained']['cpu_us'] / lines['precomputed']['cpu_us']:.0f}",
        "reasons_extra": f"{100 * (lines['explained']['cpu_us'] / lines['score']['cpu_us'] - 1):.0f} %",
        "kept_extra": f"{100 * (lines['kept']['cpu_us'] / lines['explained']['cpu_us'] - 1):.0f} %",
        "batch_saves": f"{100 * (1 - lines['batch']['cpu_us'] / lines['explained']['cpu_us']):.0f} %",
        "forest_sentence": forest_sentence(facts.get("forests", [])),
        "slower": f"{model.slower:g}",
        "core": thousands(core),
        "customers": thousands(traffic["customers"]),
        "transactions": traffic["transactions_a_customer_and_month"],
        "peak_to_mean": f"{traffic['peak_to_mean']:g}",
        "mean": f"{model.mean:.1f}",
        "peak": f"{model.peak:.1f}",
        "traffic_why": traffic["why"],
        "sensitivity_table": sensitivity_table(model, core),
        "shapes_table": table(["traffic", "what"], [(n, f["what"]) for n, f in a["traffic_shapes"].items()]),
        "level": f"{100 * level['in_time']:g} % within {1000 * level['seconds']:g} ms, {100 * level['not_shed']:g} % not turned away",
        "runs_table": runs_table(results["runs"]),
        "store_table": store_table(results["store"]),
        "cost_table": cost_table(results["cost"]),
        "prices_table": prices_table(a["prices"]),
        "limits_table": table(["limit", "value", "source"], [(v["what"], v["value"], v["source"]) for v in a["limits"].values()]),
        "search_table": search_table(results["search"]),
        "tried": results["search"]["tried"],
        "hold": results["search"]["hold"],
        "settings_table": settings_table(results["settings"]),
        "least_10": s10["least"],
        "least_100": s100["least"],
        "spare_100": s100["spare"] or "none",
        "target": f"{100 * s100['cpu_target']:.0f} %",
        "in_flight_limit": s10["in_flight_limit"],
        "in_flight_ms": f"{1000 * s10['in_flight_limit'] * sum(model.work(False).values()):.0f} ms",
        "node_seconds": f"{a['cloud']['node_seconds'][0]} to {a['cloud']['node_seconds'][1]} s",
        "ready_seconds": f"{a['cloud']['ready_seconds']} s",
        "warm_seconds": f"{a['cloud']['warm_seconds']} s",
        "chain": thousands(a["chain"]["decisions_a_second_16_askers"]),
        "chain_batch": thousands(a["chain"]["decisions_a_second_64_at_a_time"]),
        "chain_load": f"{a['chain']['decisions_a_second_16_askers'] / model.peak:.0f}",
        "peak_10": thousands(model.peak * 10),
        "marketing_10": thousands(model.peak * 10 * a["traffic_shapes"]["marketing"]["factor"]),
        "busy_10": f"{100 * model.peak * 10 * sum(model.work(True).values()) / s10['least']:.0f} %",
        "marketing_p99_10": f"{runs[10, 'marketing']['p99_ms']:.0f} ms",
        "marketing_shed_100": percent(runs[100, "marketing"]["shed_share"]),
        "chain_shed_100": percent(store["kept, autoscaler by CPU", 100]["shed_share"]),
        "chain_pods_100": store["kept, autoscaler by CPU", 100]["pods_most"],
        "gauge_pods_100": store["kept, autoscaler by CPU and requests in flight", 100]["pods_most"],
        "gauge_shed_100": percent(store["kept, autoscaler by CPU and requests in flight", 100]["shed_share"]),
        "budget_used": percent(results["search"]["best"]["shed_share"]),
        "total_1": thousands(money[1]["total"]),
        "total_10": thousands(money[10]["total"]),
        "total_100": thousands(money[100]["total"]),
        "total_1000": thousands(money[1000]["total"]),
        "pods_share_100": f"{100 * money[100]['lines']['pods'] / money[100]['total']:.0f} %",
        "bigquery_share_100": f"{100 * money[100]['lines']['BigQuery, Storage'] / money[100]['total']:.0f} %",
        "night_core_hours": f"{money[10]['batch_core_hours']:g}",
    }
    return known


def capacity_table(lines):
    first = ("score_in_process", "explained_in_process", "score", "explained", "kept")
    order = [*first, *(name for name in lines if name not in first)]
    rows = [(v["what"], v["unit"], f"{v['cpu_us']:g}", f"{v['cpu_us_least']:g} to {v['cpu_us_most']:g}", thousands(v["per_core_second"])) for v in (lines[name] for name in order)]
    return table(["what", "unit", "CPU µs", "least to most", "a core, a second"], rows)


def forest_sentence(forests):
    if not forests:
        return "(not measured in the short mode)"
    return "; ".join(f"{f['trees']} trees: {f['instructions'] / 1e6:.2f} million instructions an answer" for f in forests)


def sensitivity_table(model, core):
    rows = cost.sensitivity(model, core)
    head = ["customers"] + [f"{t} a month: peak/s, cores" for t, _, _ in rows[0][1:]]
    return table(head, [[thousands(row[0])] + [f"{thousands(peak)}, {cores:.2f}" for _, peak, cores in row[1:]] for row in rows])


def runs_table(runs):
    head = ["load", "traffic", "requests", "p50 ms", "p99 ms", "turned away", "above 300 ms", "pods, least to most"]
    return table(head, [(f"{r['load']}×", r["traffic"], thousands(r["requests"]), f"{r['p50_ms']:g}", f"{r['p99_ms']:g}", percent(r["shed_share"]), percent(r["late_share"]), f"{r['pods_least']} to {r['pods_most']}") for r in runs])


def store_table(rows):
    head = ["load", "traffic", "decisions", "p99 ms", "turned away", "above 300 ms", "pods at most"]
    return table(head, [(f"{r['load']}×", r["traffic"], r["what"], f"{r['p99_ms']:g}", percent(r["shed_share"]), percent(r["late_share"]), r["pods_most"]) for r in rows])


def search_table(search):
    names = ("least", "cpu_target", "spare", "in_flight_limit", "up_pods")
    rows = [([r["settings"][n] for n in names] + [f"{r['pods']:.1f}", percent(r["shed_share"]), percent(r["late_share"]), "yes" if r["holds"] else "no"]) for r in search["rows"]]
    return table(["pods at least", "CPU target", "spare", "in-flight limit", "up by", "pods paid", "turned away in a month", "late", "holds"], rows)


def settings_table(settings):
    names = {"least": "minReplicas", "most": "maxReplicas", "cpu_target": "CPU target", "spare": "spare pods", "in_flight_limit": "limits.in_flight", "up_pods": "up by (or double), 15 s", "down_window": "down: window, s", "down_percent": "down: percent a minute"}
    return table(["setting", *(f"{load}×" for load in settings)], [[what, *(f"{s[n]:g}" for s in settings.values())] for n, what in names.items()])


def cost_table(rows):
    get = lambda what, pick: [what, *(pick(r) for r in rows)]  # noqa: E731
    body = [
        get("requests a second, mean; peak", lambda r: f"{thousands(r['mean'])}; {thousands(r['peak'])}"),
        get("requests a month, millions", lambda r: thousands(r["requests_million"])),
        get("decisions kept in the chain", lambda r: "yes" if r["kept"] else "no"),
        get("pods of 1 vCPU, 1 GiB: mean; at the peak", lambda r: f"{r['pods_mean']:g}; {r['pods_peak']}"),
        get("nodes at the peak", lambda r: r["nodes_peak"]),
        get("Cloud SQL, vCPU", lambda r: r["sql_vcpu"]),
        get("the night's batch, core hours a night", lambda r: f"{r['batch_core_hours']:g}"),
        *(get(f"{name}, USD a month", lambda r, name=name: thousands(r["lines"][name])) for name in rows[0]["lines"]),
        get("**all, USD a month**", lambda r: f"**{thousands(r['total'])}**"),
        get("a million requests, USD", lambda r: f"{r['a_million']:g}"),
    ]
    return table(["", *(f"{r['load']}×" for r in rows)], body)


def prices_table(prices):
    factor = prices["region_factor"]
    return table(["what", "USD, in Iowa", "here", "source"],
                 [(v["what"], f"{v['value']:g}", "the same" if v.get("everywhere") else f"{v['value'] * factor:.4g}", v["source"]) for v in prices.values() if isinstance(v, dict)]
                 + [("Paris against Iowa", f"{factor:g}", "", prices["region_factor_source"])])


# ---- the chart ----


def chart(minutes, width=720, height=300):
    """Requests a second and what was turned away of them above, ready pods below."""
    left, right, top, middle, low = 60, 15, 24, 170, 270
    end = minutes[-1][0]
    most = max(m[1] for m in minutes) * 1.1
    pods = max(m[3] for m in minutes) + 1
    every = minutes[1][0] - minutes[0][0]
    x = lambda t: f"{left + (width - left - right) * t / end:.1f}"  # noqa: E731
    up = lambda v: f"{middle - (middle - top) * v / most:.1f}"  # noqa: E731
    down = lambda v: f"{low - (low - middle - 20) * v / pods:.1f}"  # noqa: E731
    asked = " ".join(f"{x(m[0])},{up(m[1])}" for m in minutes)
    shed = " ".join(f"{x(m[0])},{up(m[5] / every)}" for m in minutes)
    ready = " ".join(f"{x(m[0])},{down(m[2])}" for m in minutes)
    text = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12" role="img">',
        "<title>A push message at 100 times the traffic: requests, those turned away, and ready pods</title>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="{left}" y="15">requests a second: asked (blue), turned away (red); below: ready pods (green)</text>',
        f'<polyline fill="none" stroke="#1f5fa8" stroke-width="2" points="{asked}"/>',
        f'<polyline fill="none" stroke="#c22" stroke-width="2" points="{shed}"/>',
        f'<polyline fill="none" stroke="#2a7d2e" stroke-width="2" points="{ready}"/>',
        f'<path d="M{left} {top}V{middle}H{width - right}M{left} {middle + 20}V{low}H{width - right}" fill="none" stroke="#555"/>',
    ]
    for value in (0, most / 1.1):
        text.append(f'<text x="{left - 5}" y="{up(value)}" text-anchor="end">{value:.0f}</text>')
    for value in (0, pods - 1):
        text.append(f'<text x="{left - 5}" y="{down(value)}" text-anchor="end">{value}</text>')
    for minute in range(0, int(end) + 1, 60):
        text.append(f'<text x="{x(minute)}" y="{low + 16}" text-anchor="middle">{minute // 60} min</text>')
    return "\n".join([*text, "</svg>", ""])


def results_of(folder):
    with open(os.path.join(folder, "results.json"), encoding="utf-8") as f:
        return json.load(f)
