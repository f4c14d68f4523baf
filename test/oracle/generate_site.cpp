// Hosts, roles, gates, states, holds and actions of a random plan.
#include <fmt/format.h>

#include <algorithm>

#include "test/oracle/generator.h"

namespace upg::oracle {

void Generator::add(std::string head, std::vector<Piece> inside) {
  sketch_.declarations.emplace_back(std::move(head), std::move(inside));
}
void Generator::line(std::string text) { sketch_.declarations.emplace_back(std::move(text)); }

void Generator::hosts() {
  const std::size_t n = 2 + random_.below(3);
  const std::size_t roles = 1 + random_.below(3);
  const std::vector<std::string> pool{"mem", "web", "osd", "aux"};
  std::vector<std::string> names = pool;
  while (names.size() > roles) names.erase(names.begin() + static_cast<std::ptrdiff_t>(random_.below(names.size())));
  role_names_ = names;
  std::vector<Piece> inside{Piece("user \"root\"")};
  const bool bastion = random_.once_in(8), guest = random_.once_in(8);
  for (std::size_t h = 0; h < n; ++h) {
    const std::string name = fmt::format("h{}", h + 1);
    std::vector<std::string> carried{"alive"};
    for (const std::string &r : names) {
      if (random_.percent(75)) carried.push_back(r);
    }
    if (h + 1 == n) {  // no role without hosts
      for (const std::string &r : names) {
        const auto carries = [&](const auto &all) { return std::find(all.begin(), all.end(), r) != all.end(); };
        if (!carries(carried) && std::none_of(roles_of_.begin(), roles_of_.end(), carries)) carried.push_back(r);
      }
    }
    std::string text;
    for (const std::string &r : carried) text += (text.empty() ? "" : ", ") + r;
    std::vector<Piece> items{Piece(fmt::format("rack r{}", 1 + random_.below(2))),
                             Piece(fmt::format("votes {}", random_.percent(80) ? 1 : 2))};
    if (bastion && h > 0 && random_.percent(60)) items.emplace_back("via jump1");
    items.emplace_back("roles " + text);
    items.back().fixed = true;
    inside.emplace_back(fmt::format("host {} \"10.0.0.{}\"", name, h + 1), std::move(items));
    sketch_.host_names.push_back(name);
    roles_of_.push_back(std::move(carried));
  }
  if (bastion) {
    inside.insert(inside.begin() + 1, Piece("host jump1 \"10.0.1.1\" { rack r1  votes 1  roles alive }"));
    sketch_.host_names.emplace_back("jump1");
    roles_of_.emplace_back(1, "alive");
  }
  if (guest) {
    const std::string carrier = random_.of(names), own = random_.of(names);
    const bool carries = own != carrier && random_.percent(60);
    inside.emplace_back(fmt::format("host g1 \"10.0.2.1\" {{ rack r1  votes 1  guest of {}  roles alive{} }}", carrier,
                                    carries ? ", " + own : ""));
    sketch_.host_names.emplace_back("g1");
    roles_of_.push_back(carries ? std::vector<std::string>{"alive", own} : std::vector<std::string>{"alive"});
  }
  add("cluster lab", std::move(inside));
}

void Generator::role(const std::string &name) {
  std::vector<Piece> items;
  const bool always = random_.percent(25);
  if (always) no_question_.push_back(name);
  if (name == "mem") {
    items.emplace_back("available quorum");
  } else if (name == "osd") {
    items.emplace_back(random_.of<std::string>(
        {"available all but 1", "available all but 1 of host.rack", "available all but 1 per host.rack"}));
  } else if (name == "web") {
    items.emplace_back(carriers(name).size() > 1
                           ? random_.of<std::string>({"available >= 1", "available >= 50%", "available >= 2"})
                           : "available >= 1");
  } else {
    items.emplace_back("available may be down");
  }
  items.back().fixed = true;
  if (random_.percent(35)) items.emplace_back("serial");
  items.emplace_back("health " + name + "_up");
  items.back().fixed = true;
  items.emplace_back(always ? "stoppable always \"it has no such question\"" : "stoppable " + name + "_ok");
  items.back().fixed = true;
  if (name == "mem" && random_.percent(50)) items.emplace_back("votes host.votes");
  if (name == "osd" && random_.percent(40)) {
    items.emplace_back("down only under calm_down");
    holds_.push_back({"calm_down", false, {}});
  }
  add("role " + name, std::move(items));
  const auto watches = [&](std::size_t percent) {
    return random_.percent(percent) ? fmt::format("  watches {}", name) : std::string();
  };
  line(fmt::format("gate {0}_up(h: host) {{ pass when (run(\"up\", \"{0}\") on h).code == 0  poll 5s for 5m{1} }}",
                   name, watches(70)));
  if (!always) {
    const bool clears = random_.once_in(6);
    line(fmt::format("gate {0}_ok(h: host) {{ pass when (run(\"ok\", \"{0}\") on h).code == 0  poll 5s for 5m{1}{2} }}",
                     name, watches(80), clears ? fmt::format("  clears {} on h", name) : ""));
  }
}

void Generator::roles() {
  add("role alive",
      {"available may be down", "health up", "stoppable always \"its other roles decide\"", "boot boot_id"});
  sketch_.declarations.back().fixed = true;
  for (Piece &p : sketch_.declarations.back().inside) p.fixed = true;
  line("probe boot_id(h: host) -> string { return (run(\"boot\") on h).stdout.trim }");
  line("probe flag -> bool { return (run(\"flag\") on h1).code == 0 }");
  line("probe items -> list<string> { return (run(\"items\") on h1).stdout.lines }");
  line(fmt::format("gate up(h: host) {{ pass when answers(h)  poll 5s for 5m{} }}",
                   random_.percent(50) ? "  watches alive" : ""));
  for (const std::string &name : role_names_) role(name);
  if (role_names_.size() > 1 && random_.percent(30)) {
    ordered_ = true;
    line(fmt::format("order {} before {}{}", role_names_[0], role_names_[1],
                     random_.percent(40) ? " on each host" : ""));
  }
  if (role_names_.size() > 1 && random_.percent(ordered_ ? 15 : 30)) {
    ranked_ = true;
    line(fmt::format("rank {} < {}", role_names_[0], role_names_[1]));
  }
}

void Generator::gates() {
  const std::string first = role_names_.front();
  if (random_.percent(60)) {
    cluster_gates_.emplace_back("whole");
    const std::string how = random_.of<std::string>({"", "  watches " + first, "  watches nothing"});
    line(fmt::format("gate whole {{ pass when (run(\"whole\") on any {}).code == 0  poll 5s for 5m{} }}", first, how));
  }
  if (random_.percent(40)) {
    host_gates_.emplace_back("ready");
    const std::string how = random_.of<std::string>({"", "  watches " + first, "  watches nothing", "  watches alive"});
    line(fmt::format("gate ready(h: host) {{ pass when (run(\"ready\") on h).code == 0  poll 5s for 5m{} }}", how));
  }
}

void Generator::states() {
  has_os_ = random_.percent(45);
  has_mode_ = random_.percent(25);
  if (has_os_) {
    has_armed_ = random_.percent(50);
    os_role_ = random_.of(role_names_);
    std::string taint;
    if (!cluster_gates_.empty() && random_.once_in(6)) taint = "\n  while new taints whole";
    line("probe os_of(h: host) -> string { return (run(\"os\") on h).stdout.trim }");
    line(has_armed_ ? "state os(h: host) { old, transient armed, new } observe os_of(h)\n  on boot armed -> new" + taint
                    : "state os(h: host) { old, mid, new } observe os_of(h)" + taint);
  }
  if (has_mode_) {
    std::string taint;
    if (!host_gates_.empty() && random_.once_in(4)) taint = "\n  while closed taints ready";
    line("probe mode_of -> string { return (run(\"mode\") on h1).stdout.trim }");
    line("state mode { closed, open } observe mode_of()" + taint);
  }
}

void Generator::holds() {
  if (random_.percent(35)) holds_.push_back({"noout", false, {}});
  if (random_.percent(30)) holds_.push_back({"maint", true, {}});
  for (HoldIdea &h : holds_) {
    const std::string parameter = h.of_host ? "(h: host)" : "", on = h.of_host ? "h" : "h1";
    std::vector<Piece> items{Piece(fmt::format("observe (run(\"see\", \"{}\") on {}).code == 0", h.name, on)),
                             Piece(fmt::format("acquire {{ run(\"set\", \"{}\") on {} }}", h.name, on)),
                             Piece(fmt::format("release {{ run(\"unset\", \"{}\") on {} }}", h.name, on)),
                             Piece("takes 1s..1m"), Piece(random_.percent(50) ? "on halt keep" : "on halt release")};
    for (Piece &p : items) p.fixed = true;
    if (random_.percent(30)) items.emplace_back("reaches " + role_names_.front());
    if (!cluster_gates_.empty() && random_.percent(25)) items.emplace_back("taints whole");
    if (random_.percent(10)) items.emplace_back("taints " + role_names_.front() + "_up");
    if (h.of_host && random_.percent(40)) {
      items.emplace_back("moves park(h): home -> away");
      line("probe park_of(h: host) -> string { return (run(\"park\") on h).stdout.trim }");
      line("state park(h: host) { home, away } observe park_of(h)");
    }
    if (!host_gates_.empty() && h.of_host && random_.percent(25)) {
      items[1] = Piece(fmt::format("acquire {{ requires ready(h)  run(\"set\", \"{}\") on {} }}", h.name, on));
      items[1].fixed = true;
      h.gates.emplace_back("ready");
    }
    if (h.of_host && random_.once_in(5)) {
      h.touches = true;
      items.emplace_back(fmt::format("changes {} on h", random_.of(role_names_)));
      if (random_.percent(40)) {
        items[2] = Piece(fmt::format("release {{ disrupts {} on h  run(\"unset\", \"{}\") on {} }}",
                                     random_.of(role_names_), h.name, on));
        items[2].fixed = true;
      }
    }
    add("hold " + h.name + parameter, std::move(items));
  }
}

void Generator::action(ActionIdea idea, std::vector<Piece> clauses) {
  std::string needs;
  const auto need = [&](const std::string &text) { needs += (needs.empty() ? "requires " : ", ") + text; };
  for (const std::string &g : idea.gates) need(g[0] == '!' ? g.substr(1) : g + "(h)");
  if (!idea.hold.empty()) need("held " + idea.hold);
  if (!needs.empty()) clauses.insert(clauses.begin(), Piece(needs));
  if (idea.arms && random_.percent(90)) {
    clauses.emplace_back("undo { moves os(h): armed -> old  run(\"disarm\") on h }");
  } else if (idea.moves == "os" && has_undo_ && random_.percent(85)) {
    clauses.emplace_back("undo { moves os(h): new -> old  run(\"back\") on h }");
  } else if (idea.moves == "mode" && has_undo_ && random_.percent(85)) {
    clauses.emplace_back("undo { moves mode: open -> closed  run(\"back\") on h1 }");
  } else if (has_undo_) {
    clauses.emplace_back(random_.percent(80) ? "undo nothing \"nothing to take back\""
                                             : "undo { changes alive on h  run(\"undo\") on h }");
    if (!idea.of_host) clauses.back() = Piece("undo nothing \"nothing to take back\"");
  }
  clauses.emplace_back("takes 1s..1m");
  clauses.back().fixed = true;
  add("action " + idea.name + (idea.of_host ? "(h: host)" : ""), std::move(clauses));
  actions_.push_back(std::move(idea));
}

void Generator::actions() {
  has_undo_ = random_.percent(25);
  on_abort_ = random_.percent(has_undo_ ? 35 : 6);
  tolerant_ = random_.percent(12);
  const auto asks = [&](const std::string &role) {
    return std::find(no_question_.begin(), no_question_.end(), role) == no_question_.end();
  };
  const auto some_gates = [&](bool wanted) {
    std::vector<std::string> result;
    std::vector<std::string> all = host_gates_;
    for (const std::string &g : cluster_gates_) all.push_back("!" + g);
    for (const std::string &r : role_names_) {
      if (asks(r)) all.push_back(r + "_ok");
    }
    if (!all.empty() && (wanted || random_.percent(25))) result.push_back(random_.of(all));
    return result;
  };
  const bool questions = std::any_of(role_names_.begin(), role_names_.end(), asks);
  const auto hold_for = [&](const std::string &role, bool down) {
    const bool only =
        std::any_of(holds_.begin(), holds_.end(), [](const HoldIdea &h) { return h.name == "calm_down"; });
    if (down && role == "osd" && only && random_.percent(30)) return std::string("calm_down");
    if (!holds_.empty() && random_.percent(15)) {
      const HoldIdea &h = random_.of(holds_);
      return h.of_host ? h.name + "(h)" : h.name;
    }
    return std::string();
  };
  for (const std::string &r : role_names_) {
    if (random_.percent(60)) {
      ActionIdea a{"restart_" + r, true, r, some_gates(!asks(r)), true, true, hold_for(r, true), "", false, false};
      std::vector<Piece> clauses{Piece("disrupts " + r + " on h")};
      if (random_.percent(60)) clauses.insert(clauses.begin(), Piece("changes " + r + " on h"));
      clauses.emplace_back("run(\"restart\") on h");
      action(a, clauses);
    }
    if (random_.percent(40)) {
      ActionIdea a{"patch_" + r, true, r, some_gates(false), false, true, hold_for(r, false), "", false, false};
      a.once = random_.once_in(8);
      std::vector<Piece> clauses{Piece("changes " + r + " on h")};
      if (has_os_ && r == os_role_ && random_.percent(50)) {
        a.moves = "os";
        clauses.emplace_back(random_.percent(70) ? "moves os(h): old -> new" : "moves os(h): old -> new else old");
        if (random_.once_in(6))
          clauses.emplace_back(
              fmt::format("requires count(x in {} where os(x) == new) <= {}", r, 1 + random_.below(3)));
      }
      if (a.once) clauses.emplace_back("once");
      clauses.emplace_back("run(\"patch\") on h");
      action(a, clauses);
    }
  }
  if (random_.percent(55) || actions_.empty()) {
    ActionIdea a{"reboot", true, "", some_gates(!questions || random_.percent(30)), true, true, "", "", false, false};
    std::vector<Piece> clauses{Piece("disrupts all on h"), Piece("run(\"reboot\") on h")};
    if (random_.percent(92)) clauses.emplace_back("awaits boot of h");
    action(a, clauses);
  }
  if (has_armed_) {
    ActionIdea a{"arm", true, os_role_, some_gates(false), false, false, "", "os", true, false};
    std::vector<Piece> clauses{Piece("moves os(h): old -> armed"), Piece("run(\"arm\") on h")};
    if (random_.percent(20)) clauses.insert(clauses.begin() + 1, Piece("requires os(h) == old"));
    action(a, clauses);
  }
  if (has_mode_) {
    ActionIdea a{"swap", false, "", {}, false, false, "", "mode", false, false};
    if (!cluster_gates_.empty() && random_.percent(50)) a.gates.push_back("!" + random_.of(cluster_gates_));
    std::vector<Piece> clauses{Piece("moves mode: closed -> open"), Piece("run(\"swap\") on h1")};
    if (random_.percent(50)) clauses.emplace_back("reaches " + role_names_.front());
    action(a, clauses);
  }
  if (random_.once_in(8) && (!cluster_gates_.empty() || !host_gates_.empty())) {
    ActionIdea a{"wipe", true, "", {}, false, false, "", "", false, false};
    a.gates.push_back(cluster_gates_.empty() ? host_gates_.front() : "!" + cluster_gates_.front());
    action(a, {"destroys \"the old disk\"", "run(\"wipe\") on h"});
  }
  if (random_.once_in(6)) {
    ActionIdea a{"drain", true, "", {}, false, false, "", "", false, false};
    if (!holds_.empty() && random_.percent(40)) {
      const HoldIdea &h = random_.of(holds_);
      std::vector<Piece> clauses{Piece("requires not held " + (h.of_host ? h.name + "(h)" : h.name)),
                                 Piece("spills " + random_.of(role_names_)), Piece("run(\"drain\") on h")};
      action(a, clauses);
    } else {
      action(a, {Piece("spills " + random_.of(role_names_)), "run(\"drain\") on h"});
    }
  }
}

}  // namespace upg::oracle
