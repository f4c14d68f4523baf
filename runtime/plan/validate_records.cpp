#include <algorithm>

#include "runtime/plan/bytecode.h"
#include "runtime/plan/validator.h"

namespace upg::plan::checks {
namespace {

/// Frames and parameters.
bool frame_fits(const Frame &frame) {
  return frame.parameters.size() <= frame.slots.size() &&
         std::all_of(frame.parameters.begin(), frame.parameters.end(),
                     [](const Parameter &p) { return p.name.valid(); });
}
bool same_parameters(const Frame &a, const Frame &b) {
  return std::equal(a.parameters.begin(), a.parameters.end(), b.parameters.begin(), b.parameters.end(),
                    [](const Parameter &x, const Parameter &y) { return x.type == y.type; });
}
/// No parameter, or one that is a host.
bool at_most_a_host(const Frame &frame) {
  return frame.parameters.empty() || (frame.parameters.size() == 1 && frame.parameters[0].type.base == BaseType::host);
}
bool duration_fits(std::int64_t ms) { return ms >= 0 && ms <= Limits::duration; }
template <class T>
bool ascending(const std::vector<T> &list) {
  return std::adjacent_find(list.begin(), list.end(), [](const T &a, const T &b) { return !(a < b); }) == list.end();
}

class RecordCheck {
 public:
  RecordCheck(const Plan &plan, Report &report) : plan_(plan), report_(report) {}

  bool all() {
    return identity() && each("files", plan_.files) && host_names() && each("hosts", plan_.hosts) &&
           each("cluster_attributes", plan_.cluster_attributes) && each("sets", plan_.sets) &&
           each("roles", plan_.roles) && carriers() && each("states", plan_.states) && each("probes", plan_.probes) &&
           each("gates", plan_.gates) && hold_parts() && each("actions", plan_.actions) && each("holds", plan_.holds) &&
           each("procedures", plan_.procedures) && each("orders", plan_.orders) && each("commands", plan_.commands) &&
           each("secrets", plan_.secrets) && each("parameters", plan_.parameters) && each("rollouts", plan_.rollouts) &&
           each("phases", plan_.phases) && each("waivers", plan_.waivers) && each("windows", plan_.windows) &&
           claims("initially", plan_.initially) && claims("finally", plan_.finally);
  }

 private:
  template <class Record>
  bool each(std::string_view table, const std::vector<Record> &records) {
    for (std::size_t i = 0; i < records.size(); ++i) {
      if (const std::string_view fault = check(records[i]); !fault.empty()) {
        return report_.fail(NodeId(), "{}: {}", report_.name(table, i, records[i]), fault);
      }
    }
    return true;
  }

  bool identity() {
    if (!plan_.name.valid() || !plan_.cluster.valid() || !plan_.compiler.valid() ||
        !plan_.inventory_fingerprint.valid()) {
      return report_.fail(NodeId(), "plan: it lacks its name, cluster, compiler or inventory fingerprint");
    }
    if (!plan_.body.valid()) return report_.fail(NodeId(), "plan: it has no body");
    if (plan_.tolerate > Limits::tolerated) return report_.fail(NodeId(), "plan: it tolerates too many lost hosts");
    if (!frame_fits(plan_.frame) || !plan_.frame.parameters.empty())
      return report_.fail(NodeId(), "plan: its frame is malformed");
    return true;
  }

  bool host_names() {
    std::vector<bool> seen(plan_.strings.size(), false);
    for (std::size_t i = 0; i < plan_.hosts.size(); ++i) {
      const StringId name = plan_.hosts[i].name;
      if (!name.valid() || plan_.text(name).empty()) return report_.fail(NodeId(), "hosts[{}]: it has no name", i);
      if (seen[name.index])
        return report_.fail(NodeId(), "{}: a second host of this name", report_.name("hosts", i, plan_.hosts[i]));
      seen[name.index] = true;
    }
    return true;
  }

  /// A role's set holds exactly the hosts that list the role; one role at most tells the boot id, and every host
  /// carries it.
  bool carriers() {
    std::vector<std::size_t> listed(plan_.roles.size(), 0);
    for (const Host &host : plan_.hosts) {
      for (const RoleId role : host.roles) ++listed[role.index];
    }
    bool boot = false;
    for (std::size_t i = 0; i < plan_.roles.size(); ++i) {
      const Role &role = plan_.roles[i];
      const std::vector<HostId> &hosts = plan_.sets[role.hosts.index].hosts;
      const bool all_list_it = std::all_of(hosts.begin(), hosts.end(), [&](HostId h) {
        const std::vector<RoleId> &roles = plan_.hosts[h.index].roles;
        return std::binary_search(roles.begin(), roles.end(), RoleId(i));
      });
      if (!all_list_it || hosts.size() != listed[i]) {
        return report_.fail(NodeId(), "{}: its set is not the hosts that list the role",
                            report_.name("roles", i, role));
      }
      if (!role.boot.valid()) continue;
      if (boot || hosts.size() != plan_.hosts.size()) {
        return report_.fail(NodeId(), "{}: exactly one role may tell the boot id, one that every host carries",
                            report_.name("roles", i, role));
      }
      boot = true;
    }
    return true;
  }

  /// Acquire and release belong to one hold each.
  bool hold_parts() {
    std::vector<bool> taken(plan_.actions.size(), false);
    for (std::size_t i = 0; i < plan_.holds.size(); ++i) {
      for (const ActionId part : {plan_.holds[i].acquire, plan_.holds[i].release}) {
        if (!part.valid() || taken[part.index]) {
          return report_.fail(NodeId(), "{}: it needs an acquire and a release of its own",
                              report_.name("holds", i, plan_.holds[i]));
        }
        taken[part.index] = true;
      }
    }
    for (std::size_t i = 0; i < plan_.actions.size(); ++i) {
      const ActionId undo = plan_.actions[i].undo;
      if (undo.valid() && taken[undo.index]) {
        return report_.fail(NodeId(), "{}: its undo is part of a hold", report_.name("actions", i, plan_.actions[i]));
      }
    }
    return true;
  }

  bool claims(std::string_view table, const std::vector<CellClaim> &list) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      const CellClaim &claim = list[i];
      if (!claim.state.valid() || claim.value >= plan_.states[claim.state.index].values.size() ||
          claim.hosts.valid() == plan_.states[claim.state.index].frame.parameters.empty()) {
        return report_.fail(NodeId(), "{}[{}]: no such value of such a state", table, i);
      }
    }
    return true;
  }

  bool gate_of_host(GateId id) const { return !id.valid() || at_most_a_host(plan_.gates[id.index].frame); }
  bool probe_of_host(ProbeId id) const { return !id.valid() || at_most_a_host(plan_.probes[id.index].frame); }
  bool is_static(SetId id) const { return id.valid() && !plan_.sets[id.index].condition.valid(); }

  // ---- one overload for each record: what is wrong with it, or nothing
  std::string_view check(const File &f) {
    if (!f.path.valid() || !f.text.valid()) return "it lacks its path or text";
    source_bytes_ += plan_.text(f.text).size();
    return source_bytes_ <= bytecode_limit ? "" : "the source files together are too large";
  }
  std::string_view check(const Attribute &a) const {
    return a.key.valid() && a.value.valid() ? "" : "an attribute lacks its key or value";
  }
  std::string_view check(const Host &h) const {
    if (h.port > 65535) return "its port is above 65535";
    if (!ascending(h.roles)) return "its roles are not in order, or one stands there twice";
    if (std::find(h.via.begin(), h.via.end(), HostId(static_cast<std::size_t>(&h - plan_.hosts.data()))) !=
        h.via.end()) {
      return "it is its own bastion";
    }
    if (h.guest_at.valid() && !h.guest_of.valid()) return "a guest of nothing has a probe for its carrier";
    for (const Attribute &a : h.attributes) {
      if (const std::string_view fault = check(a); !fault.empty()) return fault;
    }
    return "";
  }
  std::string_view check(const HostSet &s) {
    if (!frame_fits(s.frame)) return "its frame is malformed";
    if (s.condition.valid() && s.frame.slots.empty()) return "its condition has no slot for the host";
    ++stamp_;
    seen_.resize(plan_.hosts.size(), 0);
    for (const HostId h : s.hosts) {
      if (seen_[h.index] == stamp_) return "a host stands in it twice";
      seen_[h.index] = stamp_;
    }
    return "";
  }
  std::string_view check(const Role &r) const {
    if (!r.name.valid() || !is_static(r.hosts)) return "it lacks its name or its hosts";
    const std::vector<HostId> &hosts = plan_.sets[r.hosts.index].hosts;
    if (!r.weights.empty() && r.weights.size() != hosts.size()) return "it does not have one weight for each host";
    if (!gate_of_host(r.health) || !gate_of_host(r.stoppable))
      return "the only parameter of its health and stoppable gates is the host";
    if (!probe_of_host(r.boot) || !probe_of_host(r.identity))
      return "the only parameter of its boot and identity probes is the host";
    if (!duration_fits(r.settles)) return "`settles` is out of range";
    if (r.down_only_under.valid() && !at_most_a_host(plan_.holds[r.down_only_under.index].frame)) {
      return "the hold it may be down under takes more than the host";
    }
    for (const Available &a : r.available) {
      if (a.kind == AvailableKind::at_least_percent && a.amount > 1000000)
        return "more than the whole is to be available";
      if (a.of.valid() && (a.per.valid() || a.kind != AvailableKind::all_but)) return "`of` goes with `all but` alone";
    }
    return "";
  }
  std::string_view check(const State &s) const {
    if (!s.name.valid() || !frame_fits(s.frame) || !at_most_a_host(s.frame)) return "it is of a host or of the cluster";
    if (!s.observe.valid()) return "nothing observes it";
    const std::size_t n = s.values.size();
    if (n == 0 || n > Limits::state_values) return "it has no values, or more than 64";
    for (std::size_t i = 0; i < n; ++i) {
      if (!s.values[i].name.valid()) return "a value has no name";
      for (std::size_t k = 0; k < i; ++k) {
        if (s.values[k].name == s.values[i].name) return "two values have one name";
      }
    }
    for (const BootMove &m : s.on_boot) {
      if (m.from >= n || m.to >= n) return "a boot moves it to no value of its own";
    }
    for (const StateTaint &t : s.taints) {
      if (std::any_of(t.values.begin(), t.values.end(), [n](std::uint32_t v) { return v >= n; }))
        return "a taint names no value of its own";
    }
    return "";
  }
  std::string_view check(const Probe &p) const {
    return p.name.valid() && p.body.valid() && frame_fits(p.frame) ? "" : "it lacks its name, body or frame";
  }
  std::string_view check(const Gate &g) const {
    if (!g.name.valid() || !g.pass.valid() || !frame_fits(g.frame)) return "it lacks its name, condition or frame";
    if (!duration_fits(g.poll) || !duration_fits(g.deadline)) return "its times are out of range";
    if (g.deadline > 0 && g.poll <= 0) return "it waits without an interval between askings";
    if (g.stable == 0) return "no pass at all would do";
    if ((g.watch_kind == WatchKind::written) == g.watches.empty())
      return "what it watches and whether that was written disagree";
    for (const Watch &w : g.watches) {
      if (w.role.valid() + w.hold.valid() + w.state.valid() != 1) return "it watches not exactly one thing at a time";
      if (w.arguments.empty()) continue;
      if (w.role.valid()) return "a watched role has arguments";
      const Frame &frame = w.hold.valid() ? plan_.holds[w.hold.index].frame : plan_.states[w.state.index].frame;
      if (w.arguments.size() != frame.parameters.size()) return "what it watches has other parameters";
    }
    return "";
  }
  std::string_view check(const Action &a) const {
    if (!a.name.valid() || !frame_fits(a.frame)) return "it lacks its name or frame";
    if (!a.body.valid() && !a.operator_text.valid()) return "it does nothing";
    if (!duration_fits(a.typical) || !duration_fits(a.worst) || a.typical > a.worst)
      return "its `takes` is out of range";
    if (!duration_fits(a.retry_delay)) return "the pause between its retries is out of range";
    if ((a.undo_kind == UndoKind::action) != a.undo.valid()) return "its undo is not what it says";
    if (a.undo.valid() && !same_parameters(a.frame, plan_.actions[a.undo.index].frame))
      return "its undo has other parameters";
    return "";
  }
  std::string_view check(const Hold &h) const {
    if (!h.name.valid() || !frame_fits(h.frame)) return "it lacks its name or frame";
    if (!same_parameters(h.frame, plan_.actions[h.acquire.index].frame) ||
        !same_parameters(h.frame, plan_.actions[h.release.index].frame)) {
      return "its acquire or release has other parameters";
    }
    return "";
  }
  std::string_view check(const Procedure &p) const {
    return p.name.valid() && p.body.valid() && frame_fits(p.frame) ? "" : "it lacks its name, body or frame";
  }
  std::string_view check(const Order &o) const {
    const bool empty =
        std::any_of(o.groups.begin(), o.groups.end(), [](const RoleGroup &g) { return g.roles.empty(); });
    return empty || o.groups.size() < 2 ? "it orders nothing" : "";
  }
  std::string_view check(const CommandRule &c) const { return c.pattern.valid() ? "" : "it has no pattern"; }
  std::string_view check(const Secret &s) const { return s.name.valid() ? "" : "it has no name"; }
  std::string_view check(const PlanParameter &p) const {
    return p.name.valid() && p.value.valid() ? "" : "it lacks its name or value";
  }
  std::string_view check(const Rollout &r) const {
    if (r.tolerant && plan_.tolerate == 0) return "it tolerates lost hosts, and the plan does not say how many";
    if (!is_static(r.hosts)) return "its hosts are not known";
    if (plan_.sets[r.hosts.index].hosts.empty() && !r.if_any)
      return "it has no hosts and does not say that this is meant";
    if (r.batch == 0) return "no host at a time would never end";
    if (r.per.valid() != (r.per_batch > 0)) return "its batch for each value of an attribute is not what it says";
    if (!duration_fits(r.soak) || !duration_fits(r.at_most)) return "its times are out of range";
    return "";
  }
  std::string_view check(const Phase &p) const { return p.name.valid() ? "" : "it has no name"; }
  std::string_view check(const Waiver &w) const {
    if (!w.rule.valid() || !w.reason.valid()) return "it lacks its rule or reason";
    const bool outage = plan_.text(w.rule) == "outage";
    if (outage && !w.role.valid()) return "it accepts an outage, and does not say of which role";
    if (!duration_fits(w.at_most) || (w.at_most > 0 && !outage)) return "its length is out of range";
    return w.until >= 0 ? "" : "it ends before 1970";
  }
  std::string_view check(const Window &w) const {
    if (!w.zone.valid()) return "it has no time zone";
    if (w.minute >= 24 * 60) return "it begins at no minute of a day";
    if (w.length <= 0 || w.length > Limits::duration) return "its length is out of range";
    return w.date >= 0 && w.date < 400000 ? "" : "its date is out of range";
  }

  const Plan &plan_;
  Report &report_;
  std::vector<std::uint32_t> seen_;  // per host: the set that met it last
  std::uint32_t stamp_ = 0;
  std::size_t source_bytes_ = 0;
};

}  // namespace

bool check_records(const Plan &plan, Report &report) { return RecordCheck(plan, report).all(); }

}  // namespace upg::plan::checks
