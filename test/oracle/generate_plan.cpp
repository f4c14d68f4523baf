// The steps of a random plan, put so that they are mostly sound.
#include <fmt/format.h>

#include <algorithm>

#include "test/oracle/generator.h"

namespace upg::oracle {

std::vector<std::string> Generator::carriers(const std::string &role) const {
  std::vector<std::string> result;
  for (std::size_t h = 0; h < roles_of_.size(); ++h) {
    const auto &carried = roles_of_[h];
    if (role.empty() || std::find(carried.begin(), carried.end(), role) != carried.end())
      result.push_back(sketch_.host_names[h]);
  }
  return result;
}

std::string Generator::some_host(const std::string &role) {
  const std::vector<std::string> all = carriers(role);
  return all.empty() ? "h1" : random_.of(all);
}

const ActionIdea *Generator::some_action(const std::string &role, bool of_host) {
  std::vector<const ActionIdea *> all;
  for (const ActionIdea &a : actions_) {
    if (a.of_host == of_host && (a.role.empty() || role.empty() || a.role == role)) all.push_back(&a);
  }
  return all.empty() ? nullptr : random_.of(all);
}

namespace {
void append(std::vector<Piece> &to, std::vector<Piece> more) {
  for (Piece &p : more) to.push_back(std::move(p));
}
}  // namespace

/// A step with what it needs before and after.
std::vector<Piece> Generator::unit(const ActionIdea &idea, const std::string &host) {
  std::vector<Piece> steps;
  for (const std::string &g : idea.gates)
    steps.emplace_back("await " + (g[0] == '!' ? g.substr(1) : g + "(" + host + ")"));
  if (idea.takes_down) steps.emplace_back("await stoppable(" + host + ")");
  steps.emplace_back(idea.name + (idea.of_host ? "(" + host + ")" : "()"));
  if (idea.touches) steps.emplace_back("await in_service(" + host + ")");
  if (idea.arms) {
    const auto reboot =
        std::find_if(actions_.begin(), actions_.end(), [](const auto &a) { return a.name == "reboot"; });
    if (reboot != actions_.end()) append(steps, unit(*reboot, host));
  }
  if (!idea.moves.empty() && random_.percent(30)) {
    const std::string test =
        idea.moves == "mode" ? "mode == open" : fmt::format("{}({}) == {}", idea.moves, host, "new");
    if (random_.percent(80)) {
      steps = {Piece("unless " + test, std::move(steps))};
    } else {
      steps.emplace_back("expect " + test);
    }
  }
  const bool down_under =
      idea.takes_down && (idea.role == "osd" || idea.role.empty()) &&
      std::any_of(holds_.begin(), holds_.end(), [](const auto &h) { return h.name == "calm_down"; });
  std::string hold = idea.hold.empty() && down_under ? "calm_down" : idea.hold;
  if (hold.empty() && !holds_.empty() && random_.percent(12)) {
    const HoldIdea &h = random_.of(holds_);
    hold = h.of_host ? h.name + "(h)" : h.name;
  }
  if (!hold.empty()) {
    const std::size_t at = hold.find("(h)");
    const std::string name = at == std::string::npos ? hold : hold.substr(0, at);
    std::vector<Piece> before;
    for (const HoldIdea &h : holds_) {
      if (h.name != name) continue;
      for (const std::string &g : h.gates) before.emplace_back("await " + g + "(" + host + ")");
    }
    const bool touches =
        std::any_of(holds_.begin(), holds_.end(), [&](const HoldIdea &h) { return h.name == name && h.touches; });
    if (touches) steps.emplace_back("await stoppable(" + host + ")");
    before.emplace_back("with " + (at == std::string::npos ? name : name + "(" + host + ")"), std::move(steps));
    if (touches) before.emplace_back("await in_service(" + host + ")");
    steps = std::move(before);
  }
  return steps;
}

std::vector<Piece> Generator::turn(const std::string &role, std::size_t depth) {
  std::vector<Piece> steps;
  if (random_.once_in(10)) steps.emplace_back("admit", std::vector<Piece>{Piece("await in_service(n)")});
  const std::size_t units = 1 + random_.below(2);
  for (std::size_t i = 0; i < units; ++i) {
    const ActionIdea *a = some_action(role, true);
    if (a == nullptr) continue;
    std::vector<Piece> one = unit(*a, "n");
    if (random_.once_in(14)) one = {Piece("if flag()", std::move(one))};
    append(steps, std::move(one));
  }
  if (depth > 0 && random_.once_in(15)) steps.emplace_back("at most 2h", segment(0, false));
  if (steps.empty()) steps.emplace_back("await in_service(n)");
  return steps;
}

Piece Generator::rollout(std::size_t depth) {
  const std::string role = random_.of(role_names_);
  std::string head = "rolling n in " + role;
  const std::size_t choice = random_.below(12);
  if (choice == 0) head += " batch 2";
  if (choice == 1) head += " batch 1 per host.rack";
  if (choice == 2) head += " canary 1 soak 1m";
  if (choice == 3) head += " canary 1 batch 2";
  if (choice == 4) head += " batch 3";
  if (choice == 5) head += " at most 3h";
  if (tolerant_ && random_.percent(70)) head += " tolerant";
  if (choice == 6 && carriers(role).size() > 1) head = fmt::format("rolling n in {} except {}", role, some_host(role));
  return {head, turn(role, depth)};
}

/// Something around steps that mostly keeps them sound.
Piece Generator::wrapped(std::vector<Piece> inside, bool spine) {
  (void)spine;
  std::vector<std::string> heads{"at most 9h"};
  for (const HoldIdea &h : holds_) {
    heads.push_back("with " + (h.of_host ? h.name + "(" + some_host("") + ")" : h.name));
    heads.push_back(heads.back());
  }
  if (random_.once_in(8)) heads = {"for x in items() at most 3"};
  if (random_.once_in(5)) heads = {fmt::format("accept outage of {} reason \"announced\"", random_.of(role_names_))};
  if (random_.once_in(8)) heads = {"accept guard reason \"tried by hand\""};
  return {random_.of(heads), std::move(inside)};
}

/// A block that may fail, with a way to recover that mostly puts things right.
std::vector<Piece> Generator::attempt(std::vector<Piece> block) {
  std::vector<Piece> steps;
  steps.emplace_back(random_.percent(75) ? "attempt 2" : "attempt 3", std::move(block));
  const std::size_t recoveries = random_.percent(80) ? 1 : 2;
  for (std::size_t i = 0; i < recoveries; ++i) {
    std::vector<Piece> inside;
    if (random_.percent(80)) inside.emplace_back("await in_service(all)");
    if (random_.once_in(4)) inside.emplace_back("ask \"go on?\"");
    if (random_.once_in(4) && !cluster_gates_.empty()) inside.emplace_back("await " + random_.of(cluster_gates_));
    if (random_.once_in(3)) append(inside, segment(0, false));
    if (inside.empty()) inside.emplace_back("await in_service(all)");
    steps.emplace_back("recover when flag()", std::move(inside));
  }
  if (random_.once_in(3))
    steps.emplace_back("otherwise",
                       random_.percent(60) ? std::vector<Piece>{Piece("await in_service(all)")} : segment(0, false));
  return steps;
}

std::vector<Piece> Generator::segment(std::size_t depth, bool spine) {
  std::vector<Piece> steps;
  const std::size_t choice = random_.below(depth == 0 ? 6 : 16);
  if (choice < 2) {
    const ActionIdea *a = some_action("", true);
    if (a != nullptr) {
      append(steps, unit(*a, some_host(a->role)));
      return steps;
    }
  }
  if (choice < 4) {
    const ActionIdea *a = some_action("", false);
    if (a != nullptr) {
      append(steps, unit(*a, ""));
      return steps;
    }
  }
  if (choice < 10) {
    steps.push_back(rollout(depth));
    return steps;
  }
  if (choice < 12) {
    std::vector<Piece> inside = segment(depth - 1, spine);
    if (random_.once_in(4)) return attempt(std::move(inside));
    steps.push_back(wrapped(std::move(inside), spine));
    return steps;
  }
  if (choice < 14) {
    steps.emplace_back("parallel", segment(depth - 1, false));
    steps.emplace_back("and", segment(depth - 1, false));
    if (random_.once_in(5)) steps.emplace_back("and", segment(0, false));
    return steps;
  }
  if (choice == 14) {
    steps.emplace_back("if flag()", segment(depth - 1, false));
    if (random_.percent(60)) {
      const std::vector<Piece> same = steps.back().inside;
      steps.emplace_back("else", random_.percent(70) ? same : segment(depth - 1, false));
    }
    return steps;
  }
  append(steps, segment(depth - 1, spine));
  append(steps, segment(depth - 1, spine));
  return steps;
}

std::vector<Piece> Generator::phases() {
  std::vector<Piece> result;
  const std::size_t n = 2 + random_.below(2);
  for (std::size_t i = 0; i < n; ++i) {
    std::string head = fmt::format("phase p{}", i + 1);
    std::string after;
    for (std::size_t k = 0; k < i; ++k) {
      if (random_.percent(45)) after += fmt::format("{}p{}", after.empty() ? " after " : ", ", k + 1);
    }
    result.emplace_back(head + after, segment(1, true));
  }
  return result;
}

Piece Generator::plan() {
  std::vector<Piece> inside;
  const bool repair = random_.once_in(25);
  if (tolerant_) inside.emplace_back(random_.percent(85) ? "tolerate 1" : "tolerate 2");
  if (has_os_ && random_.percent(90)) {
    inside.emplace_back(fmt::format("initially every n in {}: os(n) == old", os_role_));
    if (random_.percent(12)) inside.emplace_back(fmt::format("finally every n in {}: os(n) == new", os_role_));
  }
  if (has_mode_ && random_.percent(90)) {
    inside.emplace_back("initially mode == closed");
    if (random_.percent(40)) inside.emplace_back("finally mode == open");
  }
  const bool park = std::any_of(sketch_.declarations.begin(), sketch_.declarations.end(),
                                [](const Piece &p) { return p.head.rfind("state park", 0) == 0; });
  if (park) inside.emplace_back("initially every n in alive: park(n) == home");
  if (random_.once_in(20)) inside.emplace_back(fmt::format("host {} out \"dead\"", some_host("")));
  std::vector<Piece> asked;
  if (random_.percent(97)) asked.emplace_back("await in_service(all)");
  for (const std::string &g : cluster_gates_) {
    if (random_.percent(50)) asked.emplace_back("await " + g);
  }
  if (!asked.empty()) {
    if (random_.percent(80)) {
      inside.emplace_back("preflight", std::move(asked));
    } else {
      append(inside, std::move(asked));
    }
  }
  if (has_undo_) inside.emplace_back("point of no return \"from here on only forward\"");
  if (random_.percent(25)) {
    append(inside, phases());
  } else {
    append(inside, segment(2, true));
    if (random_.percent(40)) append(inside, segment(1, true));
  }
  if (has_undo_ && random_.percent(60)) {  // somewhere else instead
    const auto at =
        std::find_if(inside.begin(), inside.end(), [](const Piece &p) { return p.head.rfind("point", 0) == 0; });
    const Piece point = *at;
    inside.erase(at);
    std::size_t to = inside.size();
    if (to > 0 && inside.back().head != "and" && inside.back().head != "else") inside.push_back(point);
  }
  if (random_.once_in(12))
    inside.emplace_back(random_.percent(50) ? "ask \"go on?\"" : "operator \"look\" takes 1m..2m");
  if (on_abort_) {
    std::vector<Piece> back;
    if (random_.percent(85)) back.emplace_back("await in_service(all)");
    if (random_.percent(50)) append(back, segment(random_.percent(30) ? 1 : 0, false));
    if (back.empty()) back.emplace_back("await in_service(all)");
    inside.emplace_back("on abort", std::move(back));
  }
  if (random_.percent(25)) inside.emplace_back("postflight", std::vector<Piece>{Piece("await in_service(all)")});
  return {repair ? "repair u of lab" : "upgrade u of lab", std::move(inside)};
}

Sketch Generator::make() {
  hosts();
  roles();
  gates();
  states();
  holds();
  actions();
  sketch_.declarations.push_back(plan());
  const std::size_t changes = random_.percent(35) ? 0 : random_.percent(75) ? 1 : 2;
  for (std::size_t i = 0; i < changes; ++i) change_one(sketch_, random_);
  return std::move(sketch_);
}

Sketch generate(std::uint64_t seed) {
  Random random(~seed);
  return random.percent(40) ? aimed(random) : Generator(seed).make();
}

}  // namespace upg::oracle
