#include "test/unit/plan/lab_plan.h"

#include <initializer_list>
#include <string>
#include <string_view>

#include "runtime/plan/builder.h"
#include "runtime/plan/opcodes.h"

namespace upg::plan::testing {
namespace {

constexpr std::string_view kSource = R"upg(upgrade pve9 of lab {
  from "8" to "9"
  window every "Sat 20:00" for 10h tz "Europe/Berlin"
  exclusive "platform-upgrade"
  preflight {
    for n in proxmox.node { await linux.disk_space(n) }
    await in_service(all)
    ask "is the backup of tonight complete?"
  }
  accept serial of ceph.osd reason "two OSD hosts share a version" until 2026-12-31
  point of no return "a node with packages of 9 cannot go back to 8"
  with ceph.noout {
    phase nodes {
      rolling n in proxmox.node canary 1 soak 10m at most 2h30m { upgrade_node(n) }
    }
    phase daemons after nodes { await ceph.data_safe }
  }
  postflight { await ceph.data_safe }
}
)upg";

constexpr std::string_view kModule = R"upg(module lab_modules
/// Every object has all its copies.
gate ceph.data_safe { pass when safe()  poll 10s for 30m  stable 3 }
gate corosync.joined(h: host) { pass when boot_id(h) != "" }
gate corosync.votes_to_spare(h: host) { pass when safe() }
gate linux.disk_space(h: host) { pass when free(h, "/") > 5GB }
action linux.reboot(h: host) { disrupts all on h  run("systemctl", "reboot") on h  takes 3m..15m }
action apt.dist_upgrade(h: host) { changes corosync.member on h  run("apt-get", "-y", "dist-upgrade") on h }
hold ceph.noout { acquire { run("ceph", "osd", "set", "noout") on any mon } }
procedure upgrade_node(n: host) { await corosync.votes_to_spare(n)  apt.dist_upgrade(n)  linux.reboot(n) }
)upg";

class Lab {
 public:
  Plan make() {
    identity();
    questions();
    site();
    doing();
    steps();
    return std::move(b_.plan);
  }

 private:
  Plan &p() { return b_.plan; }
  StringId s(std::string_view text) { return b_.string(text); }
  /// The place of a phrase in the plan's own file, or else in the module.
  static Span at(std::string_view phrase) {
    std::uint32_t file = 0;
    std::size_t begin = kSource.find(phrase);
    if (begin == std::string_view::npos) {
      file = 1;
      begin = kModule.find(phrase);
    }
    return {file, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(begin + phrase.size())};
  }
  NodeId n(Op op, Span where, std::uint32_t a, std::uint32_t b, std::initializer_list<NodeId> kids = {}) {
    return b_.node(op, where, a, b, kids);
  }
  NodeId local(std::uint32_t slot) { return n(Op::local, {}, slot, 0); }
  NodeId block(std::initializer_list<NodeId> statements) { return n(Op::block, {}, 0, 0, statements); }
  NodeId on_h() { return n(Op::on_host, {}, 0, 0, {local(0)}); }
  NodeId on_any(SetId set) { return n(Op::on_any, {}, 0, 0, {n(Op::set, {}, set.index, 0)}); }
  NodeId run(Span where, NodeId target, std::initializer_list<std::string_view> words) {
    std::vector<NodeId> kids{target};
    for (const std::string_view word : words) kids.push_back(b_.text(word, where));
    return b_.node(Op::run, where, 0, 0, kids);
  }
  NodeId command(Span where, NodeId what) { return n(Op::command, where, 0, 0, {what}); }
  Frame of_host(std::string_view name = "h") {
    return {{{s(name), Type{BaseType::host, BaseType::any, RoleId()}}}, {s(name)}};
  }
  NodeId await(Span where, GateId gate, std::initializer_list<NodeId> arguments = {}) {
    return n(Op::await, where, 0, 0, {b_.node(Op::gate, where, gate.index, 0, arguments)});
  }
  NodeId act(Span where, ActionId action, std::initializer_list<NodeId> arguments) {
    return b_.node(Op::act, where, action.index, 0, arguments);
  }

  void identity() {
    p().files = {{s("pve9.upg"), s(kSource)}, {s("std/lab.upg"), s(kModule)}};
    p().name = s("pve9");
    p().cluster = s("lab");
    p().from = s("8");
    p().to = s("9");
    p().compiler = s("upgc 0.1.0");
    p().inventory_fingerprint = s("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
    p().where = at("upgrade pve9 of lab");
    p().exclusive = {s("platform-upgrade")};
    p().windows.push_back(
        {WindowDay::saturday, 0, 20 * 60, 36000000, s("Europe/Berlin"), at("window every \"Sat 20:00\" for 10h")});
    p().parameters.push_back({s("iso"), b_.text("pve-9.iso", {})});
  }

  void questions() {
    Probe boot;
    boot.name = s("linux.boot_id"), boot.frame = of_host(), boot.result = {BaseType::string, BaseType::any, RoleId()};
    boot.body = n(Op::field, {}, s("stdout").index, 0, {run({}, on_h(), {"cat", "/proc/sys/kernel/random/boot_id"})});
    boot_ = Builder::add<ProbeId>(p().probes, boot);

    Probe free;
    free.name = s("linux.free"), free.doc = s("Free space of the file system that holds `path`."),
    free.frame = of_host();
    free.frame.parameters.push_back({s("path"), Type{BaseType::string, BaseType::any, RoleId()}});
    free.frame.slots = {s("h"), s("path"), s("r")};
    free.result = {BaseType::size, BaseType::any, RoleId()};
    const NodeId output = n(Op::field, {}, s("stdout").index, 0, {local(2)});
    const NodeId line =
        n(Op::index, {}, 0, 0,
          {n(Op::builtin, {}, static_cast<std::uint32_t>(Builtin::lines), 0, {output}), b_.number(1, {})});
    const NodeId df = b_.node(Op::run, {}, 0, 0, {on_h(), b_.text("df", {}), b_.text("-B1", {}), local(1)});
    free.body =
        n(Op::bind, {}, 2, 0, {df, n(Op::builtin, {}, static_cast<std::uint32_t>(Builtin::to_bytes), 0, {line})});
    free_ = Builder::add<ProbeId>(p().probes, free);

    p().sets.resize(5);  // filled by site()
    Probe safe;
    safe.name = s("ceph.safe"), safe.result = {BaseType::boolean, BaseType::any, RoleId()};
    safe.body = n(Op::contains, {}, 0, 0,
                  {n(Op::field, {}, s("stdout").index, 0, {run({}, on_any(SetId(3)), {"ceph", "status"})}),
                   b_.text("HEALTH_OK", {})});
    safe_ = Builder::add<ProbeId>(p().probes, safe);

    State packages;
    packages.name = s("proxmox.packages"), packages.frame = of_host();
    packages.values = {{s("old"), false}, {s("new"), false}};
    packages.observe = n(Op::choose, {}, 0, 0, {n(Op::boolean, {}, 1, 0), b_.text("old", {}), b_.text("new", {})});
    packages_ = Builder::add<StateId>(p().states, packages);

    const auto gate = [this](std::string_view name, Frame frame, NodeId pass, Span where) {
      Gate g;
      g.name = s(name), g.frame = std::move(frame), g.pass = pass, g.where = where;
      return Builder::add<GateId>(p().gates, g);
    };
    const auto ask = [this](ProbeId probe, std::initializer_list<NodeId> arguments) {
      return b_.node(Op::ask_probe, {}, probe.index, 0, arguments);
    };
    data_safe_ = gate("ceph.data_safe", {}, ask(safe_, {}), at("gate ceph.data_safe"));
    Gate &safe_gate = p().gates.back();
    safe_gate.doc = s("Every object has all its copies."), safe_gate.poll = 10000, safe_gate.deadline = 1800000,
    safe_gate.stable = 3;
    joined_ = gate("corosync.joined", of_host(), n(Op::differ, {}, 0, 0, {ask(boot_, {local(0)}), b_.text("", {})}),
                   at("gate corosync.joined(h: host)"));
    p().gates.back().poll = 5000, p().gates.back().deadline = 600000;
    spare_ = gate("corosync.votes_to_spare", of_host(), ask(safe_, {}), at("gate corosync.votes_to_spare(h: host)"));
    const NodeId five = n(Op::size, {}, b_.integer(5000000000).index, 0);
    space_ =
        gate("linux.disk_space", of_host(), n(Op::greater, {}, 0, 0, {ask(free_, {local(0), b_.text("/", {})}), five}),
             at("gate linux.disk_space(h: host)"));
  }

  void site() {
    const auto role = [this](std::string_view name, std::size_t set) {
      Role r;
      r.name = s(name), r.hosts = SetId(set);
      p().sets[set].name = r.name;
      p().roles.push_back(r);
      return RoleId(p().roles.size() - 1);
    };
    machine_ = role("linux.machine", 0);
    member_ = role("corosync.member", 1);
    node_ = role("proxmox.node", 2);
    osd_ = role("ceph.osd", 3);
    p().sets[4].name = s("proxmox.node");
    p().roles[0].boot = boot_;
    p().roles[0].available.push_back({AvailableKind::may_be_down, 0, StringId(), StringId(), {}});
    Role &member = p().roles[1];
    member.available.push_back({AvailableKind::quorum, 0, StringId(), StringId(), {}});
    member.serial = true, member.health = joined_, member.stoppable = spare_, member.settles = 10000;
    p().roles[2].available.push_back({AvailableKind::all_but, 1, StringId(), StringId(), {}});
    p().roles[2].stoppable_always = s("drained before");
    p().roles[3].available.push_back({AvailableKind::all_but, 1, StringId(), s("rack"), {}});
    p().roles[3].health = data_safe_;
    for (std::size_t h = 0; h < 3; ++h) {
      Host host;
      host.name = s("node" + std::to_string(h + 1)), host.address = s("10.1.0.1" + std::to_string(h + 1)),
      host.user = s("root");
      host.roles = {machine_, member_, node_};
      if (h < 2) host.roles.push_back(osd_);
      host.attributes = {{s("rack"), b_.text(h == 0 ? "a" : "b", {})}};
      for (std::size_t r = 0; r < host.roles.size(); ++r) p().sets[r].hosts.emplace_back(h);
      p().hosts.push_back(host);
    }
    p().sets[4].hosts = {HostId(2), HostId(0), HostId(1)};  // in visit order
    p().orders.push_back({{{{member_}}, {{osd_}}}, false, {}});
    p().ranks.push_back({{node_, osd_}, {}});
    p().commands.push_back({s("systemctl restart corosync*"), {}, {member_}, false, false, false, {}});
  }

  void doing() {
    Action upgrade;
    upgrade.name = s("apt.dist_upgrade"), upgrade.frame = of_host(),
    upgrade.where = at("action apt.dist_upgrade(h: host)");
    upgrade.needs = {n(Op::need_gate, {}, 0, 0, {n(Op::gate, {}, spare_.index, 0, {local(0)})})};
    upgrade.effects = {
        n(Op::changes, {}, member_.index, 0, {on_h()}),
        n(Op::moves, {}, 1, 0, {n(Op::cell, {}, packages_.index, 0, {local(0)}), b_.number(1, {}), b_.number(0, {})})};
    upgrade.typical = 120000, upgrade.worst = 1200000, upgrade.retries = 2, upgrade.retry_delay = 30000,
    upgrade.idempotent = true;
    const Span line = at("run(\"apt-get\", \"-y\", \"dist-upgrade\") on h");
    const NodeId env = n(Op::env_is, line, s("DEBIAN_FRONTEND").index, 0, {b_.text("noninteractive", line)});
    upgrade.body = block({command(
        line, b_.node(Op::run, line, 0, 0,
                      {on_h(), env, b_.text("apt-get", line), b_.text("-y", line), b_.text("dist-upgrade", line)}))});
    upgrade_ = Builder::add<ActionId>(p().actions, upgrade);

    Action reboot;
    reboot.name = s("linux.reboot"),
    reboot.doc = s("Restart the host and wait until it answers with a new boot id.\nSource: the runbook, 2."),
    reboot.frame = of_host();
    reboot.where = at("action linux.reboot(h: host)");
    reboot.effects = {n(Op::disrupts, {}, all_roles, 0, {on_h()}), n(Op::boot_of, {}, 0, 0, {local(0)})};
    reboot.typical = 180000, reboot.worst = 900000;
    const Span where = at("run(\"systemctl\", \"reboot\") on h");
    reboot.body = block({command(where, run(where, on_h(), {"systemctl", "reboot"}))});
    reboot_ = Builder::add<ActionId>(p().actions, reboot);

    Action check;
    check.name = s("vendor_call"), check.operator_text = s("call the vendor and confirm the licence"),
    check.typical = 60000, check.worst = 600000;
    check.effects = {n(Op::destroys, {}, 0, 0, {b_.text("the old licence", {})})};
    vendor_ = Builder::add<ActionId>(p().actions, check);

    Hold noout;
    noout.name = s("ceph.noout"), noout.where = at("hold ceph.noout"), noout.on_halt = Afterwards::keep;
    for (const std::string_view word : {"set", "unset"}) {
      Action part;
      part.name = s(word == "set" ? "ceph.noout.acquire" : "ceph.noout.release"), part.typical = 1000,
      part.worst = 10000;
      const Span line2 = at("run(\"ceph\", \"osd\", \"set\", \"noout\") on any mon");
      part.body = block({command(line2, run(line2, on_any(SetId(3)), {"ceph", "osd", word, "noout"}))});
      (word == "set" ? noout.acquire : noout.release) = Builder::add<ActionId>(p().actions, part);
    }
    noout.observe = n(Op::boolean, {}, 0, 0);
    noout.taints = {};
    noout_ = Builder::add<HoldId>(p().holds, noout);
    p().roles[3].down_only_under = noout_;
  }

  void steps() {
    Procedure proc;
    proc.name = s("upgrade_node"), proc.frame = of_host("n"), proc.where = at("procedure upgrade_node(n: host)");
    const NodeId service = n(Op::await, {}, 0, 0, {n(Op::in_service, {}, 0, 0, {local(0)})});
    proc.body = block({await(at("await corosync.votes_to_spare(n)"), spare_, {local(0)}),
                       act(at("apt.dist_upgrade(n)"), upgrade_, {local(0)}),
                       act(at("linux.reboot(n)"), reboot_, {local(0)}), service});
    p().procedures.push_back(proc);

    p().frame.slots = {s("n"), s("n")};
    const auto rollout = [this](SetId hosts, std::uint32_t slot, Span where) {
      Rollout r;
      r.hosts = hosts, r.slot = slot, r.where = where;
      return Builder::add<RolloutId>(p().rollouts, r);
    };
    const RolloutId asked = rollout(SetId(2), 0, at("for n in proxmox.node"));
    const NodeId each = n(Op::visit, at("for n in proxmox.node"), asked.index, 0,
                          {block({await(at("await linux.disk_space(n)"), space_, {local(0)})})});
    const NodeId all =
        n(Op::await, at("await in_service(all)"), 0, 0, {n(Op::in_service, {}, 0, 0, {n(Op::set, {}, 0, 0)})});
    p().preflight =
        block({each, all, n(Op::confirm, at("ask \"is the backup"), s("is the backup of tonight complete?").index, 0)});

    const RolloutId rolled = rollout(SetId(4), 1, at("rolling n in proxmox.node"));
    Rollout &r = p().rollouts[rolled.index];
    r.canary = 1, r.soak = 600000, r.at_most = 9000000;
    const NodeId roll = n(Op::roll, at("rolling n in proxmox.node"), rolled.index, 0,
                          {block({n(Op::call, at("upgrade_node(n)"), 0, 0, {local(1)})})});
    const PhaseId first = Builder::add<PhaseId>(p().phases, Phase{s("nodes"), {}, at("phase nodes")});
    const PhaseId second = Builder::add<PhaseId>(p().phases, Phase{s("daemons"), {0}, at("phase daemons")});
    const NodeId nodes = n(Op::phase, at("phase nodes"), first.index, 0, {block({roll})});
    const NodeId daemons = n(Op::phase, at("phase daemons after nodes"), second.index, 0,
                             {block({await(at("await ceph.data_safe"), data_safe_), act({}, vendor_, {})})});
    const NodeId dag = n(Op::dag, {}, 0, 0, {nodes, daemons});
    const NodeId with =
        n(Op::with, at("with ceph.noout"), 0, 0, {n(Op::held, at("with ceph.noout"), noout_.index, 0), block({dag})});
    const NodeId point =
        n(Op::no_return, at("point of no return"), s("a node with packages of 9 cannot go back to 8").index, 0);
    const Span accepted = at("accept serial of ceph.osd");
    const WaiverId waiver = Builder::add<WaiverId>(
        p().waivers, Waiver{s("serial"), osd_, HoldId(), s("two OSD hosts share a version"), 1798761599, 0, accepted});
    p().body = block({n(Op::accept, accepted, waiver.index, 0, {block({point, with})})});
    p().postflight = block({await(at("postflight { await ceph.data_safe }"), data_safe_)});
    p().initially.push_back({packages_, SetId(2), 0, {}});
    p().finally.push_back({packages_, SetId(2), 1, {}});
  }

  Builder b_;
  ProbeId boot_, free_, safe_;
  StateId packages_;
  GateId data_safe_, joined_, spare_, space_;
  RoleId machine_, member_, node_, osd_;
  ActionId upgrade_, reboot_, vendor_;
  HoldId noout_;
};

}  // namespace

Plan lab_plan() { return Lab().make(); }

}  // namespace upg::plan::testing
