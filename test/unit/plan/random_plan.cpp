#include "test/unit/plan/random_plan.h"

#include <algorithm>
#include <random>
#include <set>
#include <string>

#include "runtime/plan/builder.h"
#include "runtime/plan/opcodes.h"

namespace upg::plan::testing {
namespace {

constexpr std::string_view kText = "upgrade lab {\n  // \xc3\xa9 first\n  await ready(n)\n  reboot(n)\n}\n";

/// Makes declarations in layers, so that each uses earlier ones only.
class Maker {
 public:
  Maker(std::uint64_t seed, std::size_t size) : rng_(seed), size_(size) {}

  Plan make() {
    identity();
    site();
    for (std::size_t i = 0, n = 1 + below(3); i < n; ++i) state(i);
    for (std::size_t i = 0, n = 1 + below(4); i < n; ++i) probe(i);
    for (std::size_t i = 0, n = below(2); i < n; ++i) dynamic_set(i);
    for (std::size_t i = 0, n = 1 + below(3); i < n; ++i) gate(i);
    for (std::size_t i = 0, n = below(3); i < n; ++i) hold(i);
    for (std::size_t i = 0, n = 1 + below(4); i < n; ++i) action(i);
    policies();
    for (std::size_t i = 0, n = below(3); i < n; ++i) procedure(i);
    plan_blocks();
    return std::move(b_.plan);
  }

 private:
  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(rng_); }
  bool chance(std::size_t percent) { return below(100) < percent; }
  Plan &p() { return b_.plan; }
  StringId word(std::string_view prefix, std::size_t i) { return b_.string(std::string(prefix) + std::to_string(i)); }

  Span where() {
    if (chance(10)) return {};
    std::size_t begin = below(kText.size()), end = begin + below(kText.size() - begin + 1);
    const auto inside = [](std::size_t at) {
      return at < kText.size() && (static_cast<unsigned char>(kText[at]) & 0xc0) == 0x80;
    };
    while (inside(begin)) --begin;
    while (inside(end)) ++end;
    return {static_cast<std::uint32_t>(below(p().files.size())), static_cast<std::uint32_t>(begin),
            static_cast<std::uint32_t>(end)};
  }

  void identity() {
    for (std::size_t i = 0, n = 1 + below(3); i < n; ++i) p().files.push_back({word("lab.upg", i), b_.string(kText)});
    p().kind = chance(80) ? PlanKind::upgrade : PlanKind::repair;
    p().name = b_.string("pve9");
    p().cluster = b_.string("lab");
    if (chance(70)) p().from = b_.string("8"), p().to = b_.string("9");
    p().compiler = b_.string("0.1.0");
    p().tolerate = static_cast<std::uint32_t>(below(3)), p().limit = chance(20) ? b_.string("web & db") : StringId();
    p().inventory_fingerprint = b_.string(std::string(64, 'a'));
    p().where = where();
  }

  void site() {
    const std::size_t roles = 1 + below(3), hosts = 1 + below(6);
    for (std::size_t r = 0; r < roles; ++r) {
      HostSet set;
      set.name = word("role", r);
      p().sets.push_back(set);
      Role role;
      role.name = word("role", r);
      role.hosts = SetId(r);
      role.where = where();
      p().roles.push_back(role);
    }
    for (std::size_t h = 0; h < hosts; ++h) {
      Host host;
      host.name = word("node", h);
      host.address = b_.string("10.0.0." + std::to_string(h + 1));
      host.port = static_cast<std::uint32_t>(below(65536));
      if (chance(50)) host.user = b_.string("root");
      for (std::size_t r = 0; r < roles; ++r) {
        if (r > 0 && chance(40)) continue;  // every host carries the first
        host.roles.emplace_back(r);
        p().sets[r].hosts.emplace_back(h);
      }
      if (h > 0 && chance(20)) host.via.emplace_back(below(h));
      if (chance(50)) host.attributes.push_back({b_.string("rack"), constant(2)});
      if (chance(10)) host.out_reason = b_.string("power supply dead");
      host.where = where();
      p().hosts.push_back(host);
    }
    p().cluster_attributes.push_back({b_.string("become"), b_.text("root", where())});
    p().parameters.push_back({b_.string("iso"), constant(2)});
    for (const SecretSource source : {SecretSource::prompt, SecretSource::environment, SecretSource::file}) {
      p().secrets.push_back(
          {word("secret", static_cast<std::size_t>(source)), source, b_.string("UPG_SECRET"), where()});
    }
    p().orders.push_back({{{{RoleId(0)}}, {{RoleId(roles - 1)}}}, chance(50), where()});
    p().ranks.push_back({{RoleId(0)}, where()});
    p().commands.push_back({b_.string("systemctl restart *"), {RoleId(0)}, {}, chance(50), false, false, where()});
    p().exclusive.push_back(b_.string("platform-upgrade"));
    p().windows.push_back({static_cast<WindowDay>(below(static_cast<std::size_t>(WindowDay::count_))), 20000, 1200,
                           36000000, b_.string("Europe/Berlin"), where()});
  }

  NodeId constant(std::size_t depth) {
    switch (below(depth == 0 ? 5 : 6)) {
      case 0:
        return b_.text("x" + std::to_string(below(20)), where());
      case 1:
        return b_.number(static_cast<std::int64_t>(below(1000)) - 500, where());
      case 2:
        return b_.node(Op::boolean, where(), static_cast<std::uint32_t>(below(2)), 0, {});
      case 3:
        return b_.node(Op::duration, where(), b_.integer(60000).index, 0, {});
      case 4:
        return b_.node(Op::version, where(), b_.string("9.0").index, 0, {});
      default:
        return b_.node(Op::list, where(), 0, 0, {constant(depth - 1), constant(depth - 1)});
    }
  }

  // ---- one body at a time: its frame, and the slots that may be read
  void begin(std::size_t host_parameters, std::size_t others = 0) {
    frame_ = Frame{};
    bound_.clear();
    for (std::size_t i = 0; i < host_parameters + others; ++i) {
      const bool host = i < host_parameters;
      frame_.parameters.push_back({word("p", i), Type{host ? BaseType::host : BaseType::any, BaseType::any, RoleId()}});
      frame_.slots.push_back(word("p", i));
      bound_.push_back(static_cast<std::uint32_t>(i));
    }
  }
  std::uint32_t fresh_slot() {
    frame_.slots.push_back(chance(80) ? word("s", frame_.slots.size()) : StringId());
    return static_cast<std::uint32_t>(frame_.slots.size() - 1);
  }
  NodeId host_expression() {
    if (!frame_.parameters.empty() && frame_.parameters[0].type.base == BaseType::host && chance(70)) {
      return b_.node(Op::local, where(), 0, 0, {});
    }
    return b_.node(Op::host, where(), static_cast<std::uint32_t>(below(p().hosts.size())), 0, {});
  }
  std::vector<NodeId> arguments(const Frame &callee) {
    std::vector<NodeId> out;
    const std::size_t n = callee.parameters.size();
    for (std::size_t i = 0; i < n; ++i) {
      out.push_back(callee.parameters[i].type.base == BaseType::host ? host_expression() : constant(1));
    }
    return out;
  }

  NodeId expression(std::size_t depth) {
    static const std::vector<Op> ops = [] {
      std::vector<Op> all;
      for (std::size_t i = 0; i < static_cast<std::size_t>(Op::count_); ++i) {
        const Op op = static_cast<Op>(i);
        if (info(op).category == Category::expr && op != Op::was && op != Op::secret) all.push_back(op);
      }
      return all;
    }();
    if (depth == 0) return chance(50) || bound_.empty() ? constant(0) : local();
    const Op op = ops[below(ops.size())];
    const std::size_t d = depth - 1;
    switch (op) {
      case Op::text:
      case Op::number:
      case Op::decimal:
      case Op::boolean:
      case Op::duration:
      case Op::size:
      case Op::percent:
      case Op::version:
      case Op::time:
        return constant(0);
      case Op::local:
        return bound_.empty() ? constant(0) : local();
      case Op::host:
        return host_expression();
      case Op::cell_value:
        return p().states.empty() ? constant(0) : b_.node(op, where(), 0, 0, {cell()});
      case Op::ask_probe: {
        if (p().probes.empty()) return constant(0);
        const std::size_t i = below(p().probes.size());
        return b_.node(op, where(), static_cast<std::uint32_t>(i), 0, arguments(p().probes[i].frame));
      }
      case Op::builtin: {
        const std::size_t i = below(static_cast<std::size_t>(Builtin::count_));
        std::vector<NodeId> kids;
        for (std::size_t k = 0; k < info(static_cast<Builtin>(i)).least; ++k) kids.push_back(expression(d));
        return b_.node(op, where(), static_cast<std::uint32_t>(i), 0, kids);
      }
      case Op::set:
      case Op::set_live:
        return b_.node(op, where(), static_cast<std::uint32_t>(below(p().sets.size())), 0, {});
      case Op::every:
      case Op::some:
      case Op::each:
      case Op::count_of:
      case Op::bind: {
        const NodeId first = expression(d);
        const std::uint32_t slot = fresh_slot();
        std::vector<NodeId> kids{first};
        bound_.push_back(slot);
        for (std::size_t k = 1; k < info(op).children.size(); ++k) kids.push_back(expression(d));
        bound_.pop_back();
        return b_.node(op, where(), slot, op == Op::bind ? 0 : static_cast<std::uint32_t>(below(2)), kids);
      }
      case Op::run:
      case Op::shell:
        return command(op, d);
      case Op::ask_person:
        return b_.node(op, where(), b_.string("does it work?").index, static_cast<std::uint32_t>(BaseType::boolean),
                       {});
      case Op::field:
      case Op::no_answer: {
        std::vector<NodeId> kids;
        if (op == Op::field) kids.push_back(expression(d));
        return b_.node(op, where(), b_.string("status").index, 0, kids);
      }
      default: {
        std::vector<NodeId> kids;
        const std::string_view letters = info(op).children;
        for (std::size_t k = 0; k < letters.size() && letters[k] == 'e'; ++k) kids.push_back(expression(d));
        return b_.node(op, where(), 0, 0, kids);
      }
    }
  }
  NodeId local() { return b_.node(Op::local, where(), bound_[below(bound_.size())], 0, {}); }
  NodeId command(Op op, std::size_t depth) {
    std::vector<NodeId> kids;
    switch (below(4)) {
      case 0:
        kids.push_back(b_.node(Op::on_local, where(), 0, 0, {}));
        break;
      case 1:
        kids.push_back(b_.node(Op::on_any, where(), 0, 0, {b_.node(Op::set, where(), 0, 0, {})}));
        break;
      default:
        kids.push_back(b_.node(Op::on_host, where(), 0, 0, {host_expression()}));
        break;
    }
    if (chance(30)) kids.push_back(b_.node(Op::exits, where(), b_.integer(2).index, 0, {}));
    if (chance(20)) {
      const NodeId secret = b_.node(Op::secret, where(), static_cast<std::uint32_t>(below(p().secrets.size())), 0, {});
      kids.push_back(b_.node(Op::stdin_is, where(), 0, 0, {secret}));
    }
    if (chance(20))
      kids.push_back(
          b_.node(Op::env_is, where(), b_.string("DEBIAN_FRONTEND").index, 0, {b_.text("noninteractive", where())}));
    kids.push_back(b_.text("ceph", where()));
    for (std::size_t k = 0, n = below(3); k < n; ++k) kids.push_back(expression(std::min<std::size_t>(depth, 1)));
    return b_.node(op, where(), 0, 0, kids);
  }
  NodeId cell() {
    const std::size_t i = below(p().states.size());
    last_state_ = i;
    return b_.node(Op::cell, where(), static_cast<std::uint32_t>(i), 0, arguments(p().states[i].frame));
  }
  NodeId held() {
    const std::size_t i = below(p().holds.size());
    return b_.node(Op::held, where(), static_cast<std::uint32_t>(i), 0, arguments(p().holds[i].frame));
  }
  NodeId gate_use() {
    if (chance(20) || p().gates.empty())
      return b_.node(chance(50) ? Op::in_service : Op::stoppable, where(), 0, 0, {host_expression()});
    const std::size_t i = below(p().gates.size());
    return b_.node(Op::gate, where(), static_cast<std::uint32_t>(i), 0, arguments(p().gates[i].frame));
  }
  std::uint32_t some_value() { return static_cast<std::uint32_t>(below(p().states[last_state_].values.size())); }

  NodeId need() {
    switch (below(6)) {
      case 0:
        return b_.node(Op::need_gate, where(), 0, 0, {gate_use()});
      case 1: {
        const NodeId c = cell();
        return b_.node(Op::need_value, where(), some_value(), 0, {c});
      }
      case 2:
        if (!p().holds.empty()) return b_.node(chance(50) ? Op::need_held : Op::need_free, where(), 0, 0, {held()});
        [[fallthrough]];
      case 3: {
        const NodeId set = b_.node(Op::set, where(), 0, 0, {});
        const std::uint32_t slot = fresh_slot();
        bound_.push_back(slot);
        const NodeId condition = expression(1);
        bound_.pop_back();
        return b_.node(Op::need_count, where(), slot, static_cast<std::uint32_t>(below(3)),
                       {set, condition, b_.number(1, where())});
      }
      default:
        return b_.node(Op::need_true, where(), 0, 0, {expression(2)});
    }
  }
  NodeId effect() {
    const auto target = [&] { return b_.node(Op::on_host, where(), 0, 0, {host_expression()}); };
    const auto role = static_cast<std::uint32_t>(below(p().roles.size()));
    switch (below(10)) {
      case 0:
        return b_.node(Op::changes, where(), role, 0, {target()});
      case 1:
        return b_.node(Op::disrupts, where(), role, 0, {target()});
      case 2:
        return b_.node(Op::disrupts, where(), all_roles, 0, {target()});
      case 3:
        return b_.node(Op::spills, where(), role, 0, {});
      case 4:
        return b_.node(Op::destroys, where(), 0, 0, {b_.text("the disk", where())});
      case 5:
        return b_.node(Op::reinstalls, where(), 0, 0, {host_expression()});
      case 6:
        return b_.node(Op::reaches, where(), chance(50) ? all_roles : role, 0, {});
      case 7: {
        const NodeId c = cell();
        const std::vector<NodeId> kids{c, b_.number(1, where()), b_.number(some_value(), where()),
                                       b_.number(some_value(), where())};
        return b_.node(Op::moves, where(), some_value(), chance(50) ? some_value() + 1 : 0, kids);
      }
      case 8:
        return b_.node(Op::boot_of, where(), 0, 0, {host_expression()});
      default:
        return b_.node(Op::awaits_gate, where(), 0, 0, {gate_use()});
    }
  }

  // ---- declarations
  void state(std::size_t i) {
    State s;
    s.name = word("state", i);
    for (std::size_t k = 0, n = 2 + below(3); k < n; ++k) s.values.push_back({word("value", k), k == 1 && chance(30)});
    begin(below(2));
    s.observe = expression(2);
    s.frame = frame_;
    if (chance(30)) s.on_boot.push_back({0, 1});
    s.where = where();
    p().states.push_back(s);
  }
  void probe(std::size_t i) {
    Probe probe;
    probe.name = word("probe", i);
    if (chance(50)) probe.doc = b_.string("What is asked.\nWith a \x1b[31m trick.");
    begin(below(2), below(2));
    probe.body = expression(4);
    probe.frame = frame_;
    probe.where = where();
    p().probes.push_back(probe);
  }
  void dynamic_set(std::size_t i) {
    HostSet set;
    set.name = word("set", i);
    set.hosts = p().sets[0].hosts;
    begin(0);
    bound_.push_back(fresh_slot());
    set.condition = expression(2);
    set.frame = frame_;
    p().sets.push_back(set);
  }
  void gate(std::size_t i) {
    Gate g;
    g.name = word("gate", i);
    begin(below(2));
    g.pass = expression(3);
    if (chance(40)) g.fail = expression(2);
    g.poll = 10000;
    g.deadline = chance(70) ? 1800000 : 0;
    g.stable = static_cast<std::uint32_t>(1 + below(3));
    g.watch_kind = static_cast<WatchKind>(below(3));
    if (g.watch_kind == WatchKind::written) {
      g.watches.push_back({RoleId(0), HoldId(), StateId(), {}});
      Watch w;
      w.state = StateId(below(p().states.size()));
      if (chance(50)) w.arguments = arguments(p().states[w.state.index].frame);
      g.watches.push_back(w);
    }
    g.frame = frame_;
    g.where = where();
    p().gates.push_back(g);
  }
  ActionId add_action(Action a, std::size_t hosts, bool release) {
    begin(hosts);
    for (std::size_t k = 0, n = below(3); k < n; ++k) a.needs.push_back(need());
    for (std::size_t k = 0, n = below(4); k < n; ++k) a.effects.push_back(effect());
    if (chance(30)) a.done_when = expression(2);
    std::vector<NodeId> statements;
    if (release) {
      const std::uint32_t slot = fresh_slot();
      statements.push_back(b_.node(Op::let, where(), slot, 0, {b_.node(Op::was, where(), 0, 0, {})}));
      bound_.push_back(slot);
    }
    statements.push_back(b_.node(Op::command, where(), 0, 0, {command(chance(70) ? Op::run : Op::shell, 1)}));
    a.body = b_.node(Op::block, where(), 0, 0, statements);
    a.typical = static_cast<std::int64_t>(below(60000));
    a.worst = a.typical + static_cast<std::int64_t>(below(600000));
    a.retries = static_cast<std::uint32_t>(below(3));
    a.idempotent = chance(30);
    a.frame = frame_;
    a.where = where();
    p().actions.push_back(a);
    return ActionId(p().actions.size() - 1);
  }
  void hold(std::size_t i) {
    Hold h;
    h.name = word("hold", i);
    const std::size_t hosts = below(2);
    Action acquire, release;
    acquire.name = word("acquire", i), release.name = word("release", i);
    h.acquire = add_action(acquire, hosts, false);
    h.release = add_action(release, hosts, true);
    begin(hosts);
    if (chance(70)) h.observe = expression(2);
    if (chance(30)) h.taints.emplace_back(below(p().gates.size()));
    h.on_halt = static_cast<Afterwards>(below(3));
    h.frame = frame_;
    h.where = where();
    p().holds.push_back(h);
  }
  void action(std::size_t i) {
    const std::size_t hosts = below(2);
    Action a;
    a.name = word("action", i);
    if (chance(30)) {
      Action undo;
      undo.name = word("undo", i);
      a.undo = add_action(undo, hosts, false);
      a.undo_kind = UndoKind::action;
    }
    if (chance(10)) a.operator_text = b_.string("turn the key");
    add_action(a, hosts, false);
    plain_actions_.push_back(p().actions.size() - 1);
  }
  void policies() {
    Role &role = p().roles[0];
    role.available.push_back({AvailableKind::quorum, 0, StringId(), StringId(), where()});
    role.available.push_back({AvailableKind::all_but, 1, StringId(), b_.string("rack"), where()});
    role.serial = chance(50);
    if (chance(50)) role.weights.assign(p().sets[0].hosts.size(), 2);
    if (!p().gates.empty()) role.health = GateId(p().gates.size() - 1);
    if (chance(50)) role.stoppable_always = b_.string("nothing to ask");
    for (std::size_t i = 0; i < p().probes.size(); ++i) {
      if (p().probes[i].frame.parameters.size() <= 1 &&
          (p().probes[i].frame.parameters.empty() || p().probes[i].frame.parameters[0].type.base == BaseType::host))
        role.boot = ProbeId(i);
    }
    const bool host_state = !p().states[0].frame.parameters.empty();
    p().initially.push_back({StateId(0), host_state ? SetId(0) : SetId(), 0, where()});
    p().finally.push_back({StateId(0), host_state ? SetId(0) : SetId(), 1, where()});
  }

  // ---- statements
  NodeId block(std::size_t depth) {
    const std::vector<std::uint32_t> before = bound_;
    std::vector<NodeId> statements;
    for (std::size_t k = 0, n = 1 + below(size_); k < n; ++k) statements.push_back(statement(depth));
    bound_ = before;
    return b_.node(Op::block, where(), 0, 0, statements);
  }
  NodeId rollout(Op op, std::size_t depth) {
    Rollout r;
    r.hosts = SetId(0);
    r.slot = fresh_slot();
    r.batch = static_cast<std::uint32_t>(1 + below(3));
    if (chance(30)) r.per = b_.string("rack"), r.per_batch = 1;
    if (chance(30)) r.canary = 1, r.soak = 600000;
    r.tolerant = p().tolerate > 0 && chance(50);
    r.where = where();
    const RolloutId id = Builder::add<RolloutId>(p().rollouts, r);
    bound_.push_back(r.slot);
    const NodeId body = block(depth);
    bound_.pop_back();
    return b_.node(op, where(), id.index, 0, {body});
  }
  NodeId statement(std::size_t depth) {
    switch (below(depth == 0 ? 7 : 19)) {
      case 0: {
        const NodeId value = expression(2);
        const std::uint32_t slot = fresh_slot();
        bound_.push_back(slot);
        return b_.node(Op::let, where(), slot, 0, {value});
      }
      case 1:
        return b_.node(Op::await, where(), 0, 0, {gate_use()});
      case 2: {
        const std::size_t i = plain_actions_[below(plain_actions_.size())];
        return b_.node(Op::act, where(), static_cast<std::uint32_t>(i), 0, arguments(p().actions[i].frame));
      }
      case 3:
        if (!p().procedures.empty()) {
          const std::size_t i = below(p().procedures.size());
          return b_.node(Op::call, where(), static_cast<std::uint32_t>(i), 0, arguments(p().procedures[i].frame));
        }
        [[fallthrough]];
      case 4:
        return b_.node(Op::expect_true, where(), 0, 0, {expression(2)});
      case 5: {
        const NodeId c = cell();
        return b_.node(Op::expect_value, where(), some_value(), 0, {c});
      }
      case 6:
        return b_.node(Op::confirm, where(), b_.string("is node1 off?").index, 0, {});
      case 7:
        if (!p().holds.empty()) {
          const NodeId h = held();
          return b_.node(Op::with, where(), 0, 0, {h, block(depth - 1)});
        }
        [[fallthrough]];
      case 8:
      case 9:
        return rollout(chance(50) ? Op::roll : Op::visit, depth - 1);
      case 10: {
        std::vector<NodeId> phases;
        for (std::uint32_t k = 0, n = static_cast<std::uint32_t>(1 + below(3)); k < n; ++k) {
          Phase phase;
          phase.name = word("phase", k);
          if (k > 0 && chance(50)) phase.after.push_back(k - 1);
          const PhaseId id = Builder::add<PhaseId>(p().phases, phase);
          phases.push_back(b_.node(Op::phase, where(), id.index, 0, {block(depth - 1)}));
        }
        return b_.node(Op::dag, where(), 0, 0, phases);
      }
      case 11:
        return b_.node(Op::parallel, where(), 0, 0, {block(depth - 1), block(depth - 1)});
      case 12:
        return b_.node(Op::branch, where(), 0, 0, {expression(2), block(depth - 1), block(depth - 1)});
      case 13: {
        const NodeId c = cell();
        const std::uint32_t value = some_value();
        return b_.node(Op::unless, where(), value, 0, {c, block(depth - 1)});
      }
      case 14:
        return b_.node(Op::at_most, where(), b_.integer(9000000).index, 0, {block(depth - 1)});
      case 15:
        return b_.node(aborting_ ? Op::confirm : Op::no_return, where(), b_.string("no way back").index, 0, {});
      case 16: {
        Waiver w;
        const bool outage = chance(50);
        w.rule = b_.string(outage ? "outage" : "serial");
        if (outage || chance(50)) w.role = RoleId(0);
        if (outage && chance(50)) w.at_most = 900000;
        w.reason = b_.string("the lab may");
        w.until = chance(50) ? 1798675200 : 0;
        const WaiverId id = Builder::add<WaiverId>(p().waivers, w);
        return b_.node(Op::accept, where(), id.index, 0, {block(depth - 1)});
      }
      case 17: {
        std::vector<NodeId> kids{block(depth - 1)};
        for (std::size_t k = below(3) + 1; k > 0; --k)
          kids.push_back(b_.node(Op::recover, where(), 0, 0, {expression(2), block(depth - 1)}));
        if (chance(50)) kids.push_back(block(depth - 1));
        return b_.node(Op::attempt, where(), static_cast<std::uint32_t>(2 + below(3)), 0, kids);
      }
      default: {
        const NodeId list = expression(1);
        const std::uint32_t slot = fresh_slot();
        bound_.push_back(slot);
        const NodeId condition = expression(1);
        const NodeId body = block(depth - 1);
        bound_.pop_back();
        return b_.node(Op::for_data, where(), slot, 50, {list, condition, body});
      }
    }
  }
  void procedure(std::size_t i) {
    Procedure proc;
    proc.name = word("procedure", i);
    begin(below(2), below(2));
    proc.body = block(2);
    proc.frame = frame_;
    proc.where = where();
    p().procedures.push_back(proc);
  }
  void plan_blocks() {
    begin(0);
    if (chance(60)) p().preflight = block(1);
    p().body = block(3);
    if (chance(60)) p().postflight = block(1);
    aborting_ = true;
    if (chance(40)) p().on_abort = block(1);
    aborting_ = false;
    p().frame = frame_;
  }

  Builder b_;
  std::mt19937_64 rng_;
  std::size_t size_;
  Frame frame_;
  std::vector<std::uint32_t> bound_;
  std::vector<std::size_t> plain_actions_;
  std::size_t last_state_ = 0;
  bool aborting_ = false;
};

}  // namespace

Plan random_plan(std::uint64_t seed, std::size_t size) { return Maker(seed, size).make(); }

}  // namespace upg::plan::testing
