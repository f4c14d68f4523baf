"""ceph, and ceph-mon|mgr|osd|mds --version."""
import json

from engine import Refused
from package_data import CEPH_NAMES_OF, ceph_banner
from .arguments import need_root

POOLS = [(1, ".mgr"), (2, "vmpool"), (3, "cephfs_data"), (4, "cephfs_metadata")]
FLAGS = ("full", "pause", "noup", "nodown", "noout", "noin", "nobackfill", "norebalance", "norecover", "noscrub", "nodeep-scrub",
         "notieragent")
BASE_FLAGS = ["sortbitwise", "recovery_deletes", "purged_snapdirs", "pglog_hardlimit"]


def mon_rows(c):
    return [{"rank": n, "name": d["host"], "public_addrs": {"addrvec": [{"type": "v2", "addr": c.host(d["host"])["address"] + ":3300",
                                                                         "nonce": 0}]},
             "addr": c.host(d["host"])["address"] + ":6789/0", "public_addr": c.host(d["host"])["address"] + ":6789/0", "priority": 0,
             "weight": 0}
            for n, d in enumerate(c.ceph.daemons("mon"))]


def health_json(c, detail=False):
    checks = {}
    for name, (severity, message, lines) in c.ceph.health().items():
        checks[name] = {"severity": severity, "summary": {"message": message, "count": max(1, len(lines))}, "muted": False}
        if detail:
            checks[name]["detail"] = [{"message": line} for line in lines]
    return {"status": c.ceph.status_word(), "checks": checks, "mutes": []}


def quorum_ranks(c):
    quorum = c.ceph.mon_quorum()
    return [n for n, d in enumerate(c.ceph.daemons("mon")) if d["host"] in quorum]


def release(c):
    versions = sorted(d["version"] for d in c.ceph.daemons("mon"))
    return CEPH_NAMES_OF.get(versions[0].partition(".")[0], "unknown")


def status_json(c):
    k = c.ceph
    osds, states = k.daemons("osd"), k.pg_states()
    mds = k.running("mds")
    active = k.mds_active()
    return {
        "fsid": k.s["fsid"], "health": health_json(c), "election_epoch": 60 + 2 * (len(k.daemons("mon")) - len(k.mon_quorum())),
        "quorum": quorum_ranks(c),
        "quorum_names": k.mon_quorum(), "quorum_age": 3600,
        "monmap": {"epoch": 3, "min_mon_release_name": release(c), "num_mons": len(k.daemons("mon"))},
        "osdmap": {"epoch": k.s["epoch"], "num_osds": len(osds), "num_up_osds": len(osds) - len(k.osds_down()),
                   "osd_up_since": int(max(d["since"] for d in osds)),
                   "num_in_osds": sum(1 for d in osds if d["in"]), "osd_in_since": int(min(d["since"] for d in osds)),
                   "num_remapped_pgs": sum(n for s, n in states.items() if "remapped" in s)},
        "pgmap": dict({"pgs_by_state": [{"state_name": s, "count": n} for s, n in sorted(states.items(), key=lambda i: -i[1])],
                       "num_pgs": 129, "num_pools": 4,
                       "num_objects": 3044, "data_bytes": 73014444032, "bytes_used": 219902325555, "bytes_avail": 1099511627776,
                       "bytes_total": 1319413953331},
                      **({"degraded_objects": 700, "degraded_total": 9132, "degraded_ratio": 0.0766}
                         if any("degraded" in s for s in states) else {})),
        "fsmap": {"epoch": 12, "id": 1, "up": 1 if active else 0, "in": 1, "max": 1, "by_rank": [
            {"filesystem_id": 1, "rank": 0, "name": active, "status": "up:active", "gid": 14100}] if active else [],
            "up:standby": max(0, len(mds) - 1)},
        "mgrmap": {"available": bool(k.mgr_active()), "num_standbys": max(0, len(k.running("mgr")) - 1),
                   "modules": ["iostat", "nfs", "restful"], "services": {}},
        "servicemap": {"epoch": 100, "modified": "2026-01-01T00:00:00.000000+0000", "services": {}}, "progress_events": {},
    }


def status_text(c):
    k, s = c.ceph, status_json(c)
    checks = "".join("            %s\n" % message for _, message, _ in k.health().values())
    states = ["%d %s" % (row["count"], row["state_name"]) for row in s["pgmap"]["pgs_by_state"]]
    standby = [d["host"] for d in k.running("mgr") if d["host"] != k.mgr_active()]
    return """  cluster:
    id:     %s
    health: %s
%s
  services:
    mon: %d daemons, quorum %s (age 60m)%s
    mgr: %s%s
    mds: %d/1 daemons up, %d standby
    osd: %d osds: %d up (since 60m), %d in (since 60m)%s
%s
  data:
    volumes: 1/1 healthy
    pools:   4 pools, 129 pgs
    objects: 3.04k objects, 68 GiB
    usage:   205 GiB used, 1.0 TiB / 1.2 TiB avail
    pgs:     %s

""" % (k.s["fsid"], k.status_word(), checks, len(k.daemons("mon")), ",".join(k.mon_quorum()),
       "".join(", out of quorum: " + d["host"] for d in k.daemons("mon") if d["host"] not in k.mon_quorum())[:200],
       "%s(active, since 60m)" % k.mgr_active() if k.mgr_active() else "no daemons active", ", standbys: " + ", ".join(standby)
       if standby else "",
       s["fsmap"]["up"], s["fsmap"]["up:standby"], s["osdmap"]["num_osds"], s["osdmap"]["num_up_osds"], s["osdmap"]["num_in_osds"],
       "; %d remapped pgs" % s["osdmap"]["num_remapped_pgs"] if s["osdmap"]["num_remapped_pgs"] else "",
       "         flags %s\n" % ",".join(k.s["flags"]) if k.s["flags"] else "", "\n             ".join(states))


def metadata(c, kind):
    rows = []
    for d in c.ceph.daemons(kind):
        if kind != "osd" and kind != "mon" and not c.ceph.runs(d):
            continue                                            # the maps forget a manager or an MDS that is gone
        row = {"ceph_release": CEPH_NAMES_OF.get(d["version"].partition(".")[0], ""), "ceph_version": ceph_banner(d["version"]),
               "ceph_version_short": d["version"], "hostname": d["host"], "arch": "x86_64", "distro": "debian",
               "kernel_version": c.host(d["host"])["kernel"],
               "addr": c.host(d["host"])["address"]}
        rows.append(dict({"id": int(d["id"])} if kind == "osd" else {"name": d["id"]}, **row))
    return rows


def versions(c):
    table = {}
    for d in c.ceph.daemons():
        if c.ceph.runs(d):
            for kind in (d["kind"], "overall"):
                row = table.setdefault(kind, {})
                row[ceph_banner(d["version"])] = row.get(ceph_banner(d["version"]), 0) + 1
    return {kind: table[kind] for kind in ("mon", "mgr", "osd", "mds", "overall") if kind in table}


def osd_tree(c):
    nodes = [{"id": -1, "name": "default", "type": "root", "type_id": 11, "children": [-(2 + n) for n in range(len(c.names()))][::-1]}]
    for n, name in enumerate(c.names()):
        osds = c.ceph.daemons("osd", name)
        nodes.append({"id": -(2 + n), "name": name, "type": "host", "type_id": 1, "pool_weights": {},
                      "children": [int(d["id"]) for d in osds][::-1]})
        nodes += [{"id": int(d["id"]), "device_class": "ssd", "name": "osd." + d["id"], "type": "osd", "type_id": 0,
                   "crush_weight": 0.19529, "depth": 2,
                   "pool_weights": {}, "exists": 1, "status": "up" if c.ceph.runs(d) else "down", "reweight": 1 if d["in"] else 0,
                   "primary_affinity": 1}
                  for d in osds]
    return {"nodes": nodes, "stray": []}


def osd_dump(c):
    flags = c.ceph.s["flags"] + BASE_FLAGS
    return {"epoch": c.ceph.s["epoch"], "fsid": c.ceph.s["fsid"], "flags": ",".join(flags), "flags_set": sorted(flags),
            "require_osd_release": c.ceph.s["require_osd_release"],
            "pools": [{"pool": n, "pool_name": name, "size": 3, "min_size": 2, "pg_num": 1 if n == 1 else 32 if n != 2 else 64}
                      for n, name in POOLS],
            "osds": [{"osd": int(d["id"]), "up": 1 if c.ceph.runs(d) else 0, "in": 1 if d["in"] else 0, "weight": 1 if d["in"] else 0,
                      "public_addr": c.host(d["host"])["address"] + ":6800/1", "state": ["exists"] + (["up"] if c.ceph.runs(d) else [])}
                     for d in c.ceph.daemons("osd")]}


def fs_json(c):
    active = c.ceph.mds_active()
    return {"mdsmap": {"epoch": 12, "fs_name": "cephfs", "flags": 18, "max_mds": 1, "in": [0], "up": {"mds_0": 14100} if active else {},
                       "failed": [] if active else [0],
                       "info": {"gid_14100": {"gid": 14100, "name": active, "rank": 0, "state": "up:active"}} if active else {},
                       "data_pools": [3],
                       "metadata_pool": 4, "enabled": True, "standby_count_wanted": 1}, "id": 1}


def fs_status(c):
    rows = [{"rank": 0, "name": d["host"], "state": "active", "dirs": 12, "dns": 10, "inos": 13, "rate": 0}
            if d["host"] == c.ceph.mds_active()
            else {"name": d["host"], "state": "standby"} for d in c.ceph.running("mds")]
    return {"clients": [{"clients": 3, "fs": "cephfs"}], "mds_version": [{"daemon": [r["name"] for r in rows]}], "mdsmap": rows,
            "pools": [{"id": 4, "name": "cephfs_metadata", "type": "metadata"}, {"id": 3, "name": "cephfs_data", "type": "data"}]}


def ok_to_stop(c, call, kind, ids):
    k = c.ceph
    known = {d["id"] for d in k.daemons(kind)}
    ids = [i[len(kind) + 1:] if i.startswith(kind + ".") else i for i in ids]
    if not ids or any(i not in known for i in ids):
        raise Refused(22, "Error EINVAL: invalid %s id(s): %s" % (kind, " ".join(ids)))
    if kind == "osd":
        good = k.ok_to_stop_osds(ids)
        report = {"ok_to_stop": good, "osds": [int(i) for i in ids], "num_ok_pgs": 129 if good else 32, "num_not_ok_pgs": 0 if good else 97}
        call.out("\n" + json.dumps(report) + "\n") if good else None
        if not good:
            raise Refused(16, "Error EBUSY: unsafe to stop osd(s) at this time (97 PGs are or would become offline)")
        return 0
    if kind == "mon":
        left = [n for n in k.mon_quorum() if n not in ids]
        if len(left) <= len(k.daemons("mon")) // 2:
            raise Refused(16, "Error EBUSY: not enough monitors would be available (%s) after stopping mons [%s]" % (
                ",".join(left), ",".join(ids)))
        call.err("quorum should be preserved (%s) after stopping [%s]\n" % (",".join(left), ",".join(ids)))
        return 0
    left = [d["host"] for d in k.running("mds") if d["id"] not in ids]
    if not left:
        raise Refused(16, "Error EBUSY: one or more filesystems would be degraded after stopping mds %s" % ",".join(ids))
    call.err("should be safe to stop mds %s\n" % ",".join(ids))
    return 0


def ask_mons(c, call, words, form):
    """The commands that only ask. (value for json, text); None if `words` is none of them."""
    k = c.ceph
    if words in (["status"], ["-s"]):
        return status_json(c), status_text(c)
    if words in (["health"], ["health", "detail"]):
        lines = []
        for name, (severity, message, details) in k.health().items():
            lines += ["[%s] %s: %s" % ("WRN" if severity == "HEALTH_WARN" else "ERR", name, message)] + ["    " + d for d in details]
        short = "; ".join(message for _, message, _ in k.health().values())
        text = k.status_word() + (" " + short if short else "") + "\n" + ("\n".join(lines) + "\n" if lines and len(words) == 2 else "")
        return health_json(c, len(words) == 2), text
    if words == ["mon", "stat"]:
        rows = {d["host"]: c.host(d["host"])["address"] for d in k.daemons("mon")}
        return ({"epoch": 3, "num_mons": len(rows), "leader": k.mon_quorum()[0],
                 "quorum": [{"rank": n, "name": m} for n, m in enumerate(rows) if m in k.mon_quorum()]},
                "e3: %d mons at {%s} removed_ranks: {} disallowed_leaders: {}, election epoch 60, leader 0 %s, quorum %s %s\n" % (
                    len(rows), ",".join("%s=[v2:%s:3300/0,v1:%s:6789/0]" % (m, a, a) for m, a in rows.items()), k.mon_quorum()[0],
                    ",".join(map(str, quorum_ranks(c))), ",".join(k.mon_quorum())))
    if words == ["mon", "dump"]:
        return {"epoch": 3, "fsid": k.s["fsid"], "min_mon_release_name": release(c), "mons": mon_rows(c), "quorum": quorum_ranks(c)}, None
    if words == ["quorum_status"]:
        value = {"election_epoch": 60, "quorum": quorum_ranks(c), "quorum_names": k.mon_quorum(),
                 "quorum_leader_name": k.mon_quorum()[0], "quorum_age": 3600,
                 "monmap": {"epoch": 3, "fsid": k.s["fsid"], "min_mon_release_name": release(c), "mons": mon_rows(c)}}
        return value, json.dumps(value) + "\n"
    if words == ["mgr", "stat"]:
        value = {"epoch": 40, "available": bool(k.mgr_active()), "active_name": k.mgr_active() or "",
                 "num_standby": max(0, len(k.running("mgr")) - 1)}
        return value, json.dumps(value, indent=4) + "\n"
    if words == ["mgr", "dump"]:
        value = {"epoch": 40, "available": bool(k.mgr_active()), "active_name": k.mgr_active() or "",
                 "standbys": [{"name": d["host"]} for d in k.running("mgr") if d["host"] != k.mgr_active()]}
        return value, json.dumps(value, indent=4) + "\n"
    if len(words) in (2, 3) and words[0] in ("mon", "mgr", "osd", "mds") and words[1] == "metadata":
        value = metadata(c, words[0])
        if len(words) == 3:
            value = [r for r in value if str(r.get("name", r.get("id"))) == words[2]]
            if not value:
                raise Refused(2, "Error ENOENT: ")
            value = value[0]
        return value, json.dumps(value, indent=4) + "\n"
    if words == ["osd", "tree"]:
        lines = ["ID  CLASS  WEIGHT   TYPE NAME       STATUS  REWEIGHT  PRI-AFF"]
        for n in osd_tree(c)["nodes"]:
            lines.append("%2d  %5s  %7.5f  %s" % (n["id"], n.get("device_class", ""), n.get("crush_weight", 0.39058), {
                "root": "root default", "host": "    host " + n["name"]}.get(n["type"], "        %-8s %6s  %8.5f  1.00000" % (
                    n["name"], n.get("status", ""), n.get("reweight", 0)))))
        return osd_tree(c), "\n".join(lines) + "\n"
    if len(words) == 3 and words[:2] == ["osd", "ls-tree"]:
        ids = [int(d["id"]) for d in k.daemons("osd") if words[2] in (d["host"], "default")]
        if not ids:
            raise Refused(2, "Error ENOENT: \"%s\" does not exist" % words[2])
        return ids, "".join("%d\n" % i for i in ids)
    if words == ["osd", "ls"]:
        ids = [int(d["id"]) for d in k.daemons("osd")]
        return ids, "".join("%d\n" % i for i in ids)
    if words == ["osd", "stat"]:
        o = status_json(c)["osdmap"]
        return o, "%d osds: %d up (since 60m), %d in (since 60m); epoch: e%d\n" % (
            o["num_osds"], o["num_up_osds"], o["num_in_osds"], o["epoch"])
    if words == ["osd", "dump"]:
        d = osd_dump(c)
        return d, "epoch %d\nfsid %s\nflags %s\nrequire_osd_release %s\n" % (d["epoch"], d["fsid"], d["flags"], d["require_osd_release"])
    if words == ["pg", "stat"]:
        p = status_json(c)["pgmap"]
        return p, "129 pgs: %s; 68 GiB data\n" % ", ".join("%d %s" % (r["count"], r["state_name"]) for r in p["pgs_by_state"])
    if words == ["versions"]:
        return versions(c), json.dumps(versions(c), indent=4) + "\n"
    if words == ["fs", "ls"]:
        return ([{"name": "cephfs", "metadata_pool": "cephfs_metadata", "metadata_pool_id": 4, "data_pool_ids": [3],
                  "data_pools": ["cephfs_data"]}],
                "name: cephfs, metadata pool: cephfs_metadata, data pools: [cephfs_data ]\n")
    if words == ["fs", "get", "cephfs"]:
        return fs_json(c), "Filesystem 'cephfs' (1)\nmax_mds\t1\n"
    if words in (["fs", "status"], ["fs", "status", "cephfs"]):
        return fs_status(c), "".join("%s %s\n" % (r["name"], r["state"]) for r in fs_status(c)["mdsmap"])
    if words == ["mds", "stat"]:
        return {"fsmap": status_json(c)["fsmap"]}, "cephfs:1 {0=%s=up:active}\n" % k.mds_active()
    return None


def change(c, call, words):
    """The commands that change something. Exit code, or None if `words` is none of them."""
    k = c.ceph
    if len(words) == 3 and words[0] == "osd" and words[1] in ("set", "unset"):
        if words[2] not in FLAGS:
            raise Refused(22, "Invalid command: %s not in %s" % (words[2], "|".join(FLAGS)))
        k.set_flag(words[2], words[1] == "set")
        call.err("%s is %s\n" % (words[2], words[1]))
        return 0
    if len(words) == 3 and words[:2] == ["osd", "require-osd-release"]:
        old = [d for d in k.running("osd") if CEPH_NAMES_OF.get(d["version"].partition(".")[0]) < words[2]]
        if words[2] not in CEPH_NAMES_OF.values():
            raise Refused(22, "Invalid command: %s not in reef|squid" % words[2])
        if words[2] < k.s["require_osd_release"]:
            raise Refused(1, "Error EPERM: require_osd_release cannot be lowered once it has been set")
        if old:
            raise Refused(1, "Error EPERM: not all up OSDs have CEPH_FEATURE_SERVER_%s feature" % words[2].upper())
        k.s["require_osd_release"] = words[2]
        return 0
    return None


def ceph(c, call):
    words, form, timeout, rest = [], "plain", c.time("ceph_timeout"), list(call.args)
    while rest:
        word = rest.pop(0)
        name, eq, value = word.partition("=")
        if name in ("--format", "-f", "--connect-timeout"):
            if not eq and not rest:
                raise Refused(22, "ceph: error: argument %s: expected one argument" % name)
            value = value if eq else rest.pop(0)
            if name == "--connect-timeout":
                timeout = min(timeout, float(value) if value.isdigit() else timeout)
            else:
                form = value
        elif word in ("--version", "-v") and not words:
            call.out(ceph_banner(c.ceph.disk_version(call.host, "mon")) + "\n")
            return 0
        else:
            words.append(word)
    if form not in ("plain", "json", "json-pretty"):
        raise Refused(22, "ceph: error: argument -f/--format: invalid choice: '%s'" % form)
    if not c.ceph.mon_quorum():
        yield timeout                                           # the monitors hunt for each other; nobody answers
        if not c.ceph.mon_quorum():
            raise Refused(1, "monclient(hunting): authenticate timed out after %d\n[errno 110] RADOS timed out (error connecting to the cluster)" % timeout)
    if len(words) > 2 and words[1] == "ok-to-stop" and words[0] in ("mon", "osd", "mds"):
        return ok_to_stop(c, call, words[0], words[2:])
    answer = ask_mons(c, call, words, form)
    if answer is not None:
        value, text = answer
        if form == "plain" and text is not None:
            call.out(text)
        else:
            call.out(("\n" if form == "json" else "") + json.dumps(value, indent=4 if form == "json-pretty" else None) + "\n")
        return 0
    need_root(c, call)
    done = change(c, call, words)
    if done is None:
        raise Refused(22, "no valid command found (the stand-in does not know: ceph %s)\nError EINVAL: invalid command" % " ".join(words))
    return done


def daemon_version(kind):
    def tool(c, call):
        if call.args not in (["--version"], ["-v"]):
            raise Refused(22, "stand-in: ceph-%s knows only --version" % kind)
        version = c.ceph.disk_version(call.host, kind)
        if not version:
            raise Refused(127, "bash: ceph-%s: command not found" % kind)
        call.out(ceph_banner(version) + "\n")
        return 0
    return tool


TOOLS = {"ceph": ceph}
TOOLS.update({"ceph-" + kind: daemon_version(kind) for kind in ("mon", "mgr", "osd", "mds")})
