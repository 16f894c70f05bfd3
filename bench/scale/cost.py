"""What a load takes of Google Cloud, a month: pods, nodes, the store, and everything that is paid by the byte."""

import math

GIB = 2**30


def reckon(model, settings):
    return [month(model, load, settings[str(load)]) for load in (1, 10, 100, 1000)]


def month(model, load, settings):
    a, facts = model.assumptions, model.capacity["facts"]
    factor = a["prices"]["region_factor"]
    p = {name: one["value"] * (1 if one.get("everywhere") else factor) for name, one in a["prices"].items() if isinstance(one, dict)}
    hours, kept = a["prices"]["hours_a_month"], load <= 10
    requests = model.mean * load * 30.4 * 86400
    nightly = a["traffic"]["batch_customers_a_night"] * load * 30.4
    pods = model.pods_of_a_day(load, settings, kept) + settings["spare"]
    most = model.pods_at(load, settings, kept) + settings["spare"]
    # A pod asks for one vCPU and, as Autopilot wants for it, at least one GiB; the logs' shipper beside it is within that.
    pod_hour = p["vcpu_hour"] + p["gib_hour"]
    batch_hours = nightly * model.capacity["lines"]["batch"]["cpu_us"] / 1e6 * model.slower / 3600
    sql_vcpu = store_vcpu(model, load)
    request, answer = model.capacity["settings"]["request_bytes"], facts["answer_bytes"]
    through = requests * (request + answer) / GIB
    prediction = 2 * answer  # a line of the prediction log holds every feature: about twice an answer
    stored = {
        "sql": (requests * (answer + 900) * 3 if kept else 0) / GIB + 20,  # three months of decisions, then exported
        "bigquery": (requests + nightly) * prediction * 12 / GIB,  # a year
    }
    lines = {
        "pods": pods * hours * pod_hour,
        "nightly batch": batch_hours * pod_hour,
        "cluster": hours * p["cluster_hour"],
        "Cloud SQL": 2 * hours * (sql_vcpu * p["sql_vcpu_hour"] + 4 * sql_vcpu * p["sql_gib_hour"]) + 2 * stored["sql"] * p["sql_ssd_gib_month"],
        "load balancer, Cloud Armor": hours * p["balancer_hour"] + through * p["balancer_gib"] + p["armor_month"] + requests / 1e6 * p["armor_million"],
        "logs, a tenth of the lines": max(0.0, requests * 0.1 * facts["log_bytes"] / GIB - 50) * p["log_gib"],
        "metrics": most * 2000 * hours * 120 / 1e6 * p["samples_million"],
        "Pub/Sub": 3 * requests * 1024 / 2**40 * p["pubsub_tib"] + 2 * requests * answer / 2**40 * p["pubsub_tib"],
        "BigQuery, Storage": stored["bigquery"] * p["bigquery_gib_month"] + stored["bigquery"] / 1024 * p["bigquery_tib"],
    }
    lines = {name: round(value) for name, value in lines.items()}
    return {
        "load": load,
        "mean": round(model.mean * load, 1),
        "peak": round(model.peak * load, 1),
        "requests_million": round(requests / 1e6, 1),
        "kept": kept,
        "pods_least": settings["least"],
        "pods_mean": round(pods, 1),
        "pods_peak": most,
        "nodes_peak": max(3, math.ceil(most / a["cloud"]["pods_a_node"])),  # one in each zone at least
        "sql_vcpu": sql_vcpu,
        "batch_core_hours": round(batch_hours / 30.4, 2),
        "lines": lines,
        "total": sum(lines.values()),
        "a_million": round(sum(lines.values()) / (requests / 1e6), 2),
    }


def store_vcpu(model, load):
    """Two at least; and one for every 250 decisions a second at the peak, which is half of what was measured on two."""
    return max(2, 2 * math.ceil(model.peak * load / 500))


def sensitivity(model, scores_a_core):
    """Customers times transactions: peak requests a second, and what they keep busy of one core."""
    rows = []
    base = model.assumptions["traffic"]["customers"]
    for customers in (base // 3, base, 3 * base, 10 * base, 30 * base):
        row = [customers]
        for transactions in (5, 20, 60):
            month_seconds = 30.4 * 86400
            peak = customers * transactions / month_seconds * model.assumptions["traffic"]["peak_to_mean"]
            row.append((transactions, peak, peak / scores_a_core))
        rows.append(row)
    return rows
