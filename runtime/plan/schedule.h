#pragma once
#include <cstdint>
#include <vector>

#include "runtime/plan/site.h"

/// Records of rollouts, phases, waivers, orders, windows and the like. Part of plan.h.
namespace upg::plan {

/// A roll or visit over hosts known at compile time; referenced by exactly one `roll` or `visit` node.
struct Rollout {
  SetId hosts;             // static, in visit order: rank classes from the least sensitive up, inventory order inside
  std::uint32_t slot = 0;  // of the enclosing body
  std::uint32_t batch = 1;
  StringId per;                 // batch limited for each value of the attribute
  std::uint32_t per_batch = 0;  // 0: no such limit
  std::uint32_t canary = 0;     // the first hosts, one batch of their own
  std::int64_t soak = 0;        // ms after the canary
  bool tolerant = false;  // a lost host leaves the rollout and counts against Plan::tolerate, which is above zero then
  std::int64_t at_most = 0;  // ms for one iteration; 0: not written
  bool if_any = false;       // an empty set is meant
  Span where;
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("hosts", s.hosts);
    v("slot", s.slot);
    v("batch", s.batch);
    v("per", s.per);
    v("per_batch", s.per_batch);
    v("canary", s.canary);
    v("soak", s.soak);
    v("tolerant", s.tolerant);
    v("at_most", s.at_most);
    v("if_any", s.if_any);
    v("where", s.where);
  }
};

struct Phase {
  StringId name;
  std::vector<std::uint32_t> after;  // ordinals of earlier children of the same dag, as written
  Span where;
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("name", s.name);
    v("after", s.after);
    v("where", s.where);
  }
};

/// accept RULE [of ROLE] reason "..." [until DATE]: scoped to its node's block, printed in every review and report.
/// `accept outage of ROLE for at most D`: the rule is "outage", the role is there, `at_most` is D: counted from where
/// the role is first taken down inside until nothing of it that was is out any more. Once D is over nothing takes the
/// role down in the block again, and the run says so; what is under way is not cut off, for that would not end the
/// outage.
struct Waiver {
  StringId rule;  // name of a rule of the checker, lower case ("serial", "starve", ...), or "outage"
  RoleId role;    // absent: every role
  HoldId hold;
  StringId reason;
  std::int64_t until = 0;    // seconds since 1970, end of that day UTC; 0: no end
  std::int64_t at_most = 0;  // ms; 0: not written
  Span where;
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("rule", s.rule);
    v("role", s.role);
    v("hold", s.hold);
    v("reason", s.reason);
    v("until", s.until);
    v("at_most", s.at_most);
    v("where", s.where);
  }
};

/// order A, B before C [on each host]: every change to a role of an earlier group ends before a change to one of a
/// later group starts.
struct RoleGroup {
  std::vector<RoleId> roles;
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("roles", s.roles);
  }
};
struct Order {
  std::vector<RoleGroup> groups;
  bool on_each_host = false;
  Span where;
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("groups", s.groups);
    v("on_each_host", s.on_each_host);
    v("where", s.where);
  }
};
/// From the least to the most sensitive.
struct Rank {
  std::vector<RoleId> roles;
  Span where;
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("roles", s.roles);
    v("where", s.where);
  }
};
/// command "pattern" implies effects: what a command line that matches the glob does at least.
struct CommandRule {
  StringId pattern;
  std::vector<RoleId> changes;
  std::vector<RoleId> disrupts;
  bool disrupts_all = false;
  bool changes_all = false;
  bool destroys = false;
  Span where;
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("pattern", s.pattern);
    v("changes", s.changes);
    v("disrupts", s.disrupts);
    v("disrupts_all", s.disrupts_all);
    v("changes_all", s.changes_all);
    v("destroys", s.destroys);
    v("where", s.where);
  }
};

struct Secret {
  StringId name;
  SecretSource source = SecretSource::prompt;
  StringId argument;  // name of the variable, path of the file, or the prompt's text
  Span where;
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("name", s.name);
    v("source", s.source);
    v("argument", s.argument);
    v("where", s.where);
  }
};

/// window [every] "Sat 20:00" for 10h tz "Europe/Berlin". A plan has any number of them, weekdays and dates mixed: it
/// may run while one of them is open; what overlaps or touches is one window.
struct Window {
  WindowDay day = WindowDay::daily;
  std::int64_t date = 0;     // days since 1970-01-01, for WindowDay::date
  std::uint32_t minute = 0;  // of the day, local time
  std::int64_t length = 0;   // ms
  StringId zone;
  Span where;
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("day", s.day);
    v("date", s.date);
    v("minute", s.minute);
    v("length", s.length);
    v("zone", s.zone);
    v("where", s.where);
  }
};

/// initially / finally: state == value for each host of a set (or the cluster: no set).
struct CellClaim {
  StateId state;
  SetId hosts;  // absent: a cluster state
  std::uint32_t value = 0;
  Span where;
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("state", s.state);
    v("hosts", s.hosts);
    v("value", s.value);
    v("where", s.where);
  }
};

/// A parameter of the plan with the value it was built with (part of the digest).
struct PlanParameter {
  StringId name;
  NodeId value;
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("name", s.name);
    v("value", s.value);
  }
};

}  // namespace upg::plan
