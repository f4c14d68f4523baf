// Plans about one rule each, sound or broken in just that: what chance seldom breaks alone.
#include <fmt/format.h>

#include "test/oracle/generate.h"

namespace upg::oracle {
namespace {

using Steps = std::vector<Piece>;

struct Aim {
  Random &random;
  std::size_t hosts;
  Sketch sketch;
  Steps head;  // of the plan

  std::string host() { return fmt::format("h{}", 1 + random.below(hosts)); }
  void line(std::string text) { sketch.declarations.emplace_back(std::move(text)); }
  void add(std::string h, Steps inside) { sketch.declarations.emplace_back(std::move(h), std::move(inside)); }
};

void append(Steps &to, Steps more) {
  for (Piece &p : more) to.push_back(std::move(p));
}

/// Roles without a budget, so that nothing but the aim can break.
void site(Aim &a, bool serial) {
  Steps inside{Piece("user \"root\""), Piece("host jump1 \"10.0.1.1\" { rack r1  roles alive }")};
  a.sketch.host_names.emplace_back("jump1");
  for (std::size_t h = 1; h <= a.hosts; ++h) {
    const std::string name = fmt::format("h{}", h);
    a.sketch.host_names.push_back(name);
    inside.emplace_back(
        fmt::format("host {} \"10.0.0.{}\"", name, h),
        Steps{Piece(fmt::format("rack r{}", 1 + a.random.below(2))), Piece(h > 1 ? "via jump1" : "rate 1"),
              Piece(h > 1 ? "roles alive, web, aux" : "roles alive, aux")});
  }
  a.add("cluster lab", std::move(inside));
  a.add("role alive",
        {"available may be down", "health up", "stoppable always \"its other roles decide\"", "boot boot_id"});
  a.line("probe boot_id(h: host) -> string { return (run(\"boot\") on h).stdout.trim }");
  a.line("probe flag -> bool { return (run(\"flag\") on h1).code == 0 }");
  a.line("gate up(h: host) { pass when answers(h)  poll 5s for 5m  watches alive }");
  for (const std::string role : {"aux", "web"}) {
    Steps items{Piece("available may be down"), Piece("health " + role + "_up"),
                Piece("stoppable always \"nobody asks\"")};
    if (serial) items.emplace_back("serial");
    a.add("role " + role, std::move(items));
    a.line(fmt::format("gate {0}_up(h: host) {{ pass when (run(\"up\", \"{0}\") on h).code == 0  poll 5s for 5m{1} }}",
                       role, a.random.percent(50) ? "  watches " + role : ""));
    a.add(fmt::format("action patch_{}(h: host)", role),
          {Piece(fmt::format("changes {} on h", role)), "run(\"patch\") on h", "takes 1s..1m"});
  }
  a.line("gate calm(h: host) { pass when (run(\"calm\") on h).code == 0  poll 5s for 5m  watches nothing }");
  a.head.emplace_back("preflight", Steps{Piece("await in_service(all)")});
}

Steps patch(const std::string &role, const std::string &host) {
  return {Piece(fmt::format("patch_{}({})", role, host)), Piece(fmt::format("await in_service({})", host))};
}

void mode(Aim &a) {
  a.line("probe mode_of -> string { return (run(\"mode\") on h1).stdout.trim }");
  a.line("state mode { closed, open } observe mode_of()");
  a.add("action swap", {"moves mode: any -> open", "run(\"swap\") on h1", "takes 1s..1m"});
  a.add("action look", {"requires mode == open", "spills aux", "run(\"look\") on h1", "takes 1s..1m"});
}

void os(Aim &a, bool arms) {
  a.line("probe os_of(h: host) -> string { return (run(\"os\") on h).stdout.trim }");
  a.line("state os(h: host) { old, transient armed, new } observe os_of(h)\n  on boot armed -> new");
  if (arms)
    a.add("action arm(h: host)", {"moves os(h): old -> armed", "run(\"arm\") on h",
                                  "undo { moves os(h): armed -> old  run(\"disarm\") on h }", "takes 1s..1m"});
  a.add("action reboot(h: host)",
        {"requires calm(h)", "disrupts all on h", "run(\"reboot\") on h", "awaits boot of h", "takes 1s..1m"});
  a.head.emplace_back("initially every n in alive: os(n) == old");
}

Steps in_parallel(Steps one, Steps other) {
  Steps result;
  result.emplace_back("parallel", std::move(one));
  result.emplace_back("and", std::move(other));
  return result;
}

/// The steps of one aim; `broken`: with its one mistake.
Steps steps(Aim &a, std::size_t aim, bool broken) {
  Steps s;
  const std::string h = a.host(), other = h == "h1" ? "h2" : "h1";
  switch (aim) {
    case 0:  // serial
      site(a, true);
      if (a.random.percent(50)) {
        s.emplace_back(broken ? "rolling n in aux batch 2" : "rolling n in aux", patch("aux", "n"));
      } else if (broken) {
        s = in_parallel(patch("aux", h), patch("aux", other));
      } else {
        append(s, patch("aux", h));
        append(s, patch("aux", other));
      }
      return s;
    case 1:  // race
      site(a, false);
      mode(a);
      if (broken) return in_parallel({"swap()"}, {Piece(a.random.percent(85) ? "swap()" : "look()")});
      return {"swap()", "look()"};
    case 2: {  // hold
      site(a, false);
      a.add("hold noout", {"observe (run(\"see\") on h1).code == 0", "acquire { run(\"set\") on h1 }",
                           "release { run(\"unset\") on h1 }", "takes 1s..1m", "on halt keep"});
      a.add("action drain(h: host)",
            {"requires held noout", "changes aux on h", "run(\"drain\") on h", "takes 1s..1m"});
      const Piece drain("drain(" + h + ")"), back("await in_service(" + h + ")");
      if (!broken) return {Piece("with noout", {drain, back})};
      if (a.random.percent(50)) return {drain, back};
      return {Piece("with noout", {drain}), back};
    }
    case 3: {  // arm
      site(a, false);
      os(a, true);
      const Steps boot{Piece("await calm(" + h + ")"), Piece("reboot(" + h + ")"),
                       Piece("await in_service(" + h + ")")};
      s.emplace_back("arm(" + h + ")");
      if (broken && a.random.percent(50)) return s;
      if (broken) s.emplace_back("ask \"go on?\"");
      append(s, boot);
      return s;
    }
    case 4:  // once
      site(a, false);
      a.add("action first(h: host)", {"changes aux on h", "once", "run(\"first\") on h", "takes 1s..1m"});
      for (std::size_t i = 0; i < (broken ? 2u : 1u); ++i)
        append(s, {Piece("first(" + h + ")"), Piece("await in_service(" + h + ")")});
      return s;
    case 5: {  // order
      site(a, false);
      const bool each = a.random.percent(40);
      a.line(std::string("order web before aux") + (each ? " on each host" : ""));
      const std::string on = fmt::format("h{}", 2 + a.random.below(a.hosts - 1));
      append(s, patch(broken ? "aux" : "web", on));
      append(s, patch(broken ? "web" : "aux", on));
      return s;
    }
    case 6:  // rank
      site(a, false);
      a.line("rank aux < web");
      append(s, patch("aux", broken ? "h2" : "h1"));
      if (a.random.percent(50)) {
        append(s, patch("aux", broken ? "h1" : "h2"));
      } else if (broken) {
        s.emplace_back("rolling n in aux", patch("aux", "n"));
      } else {
        s.emplace_back("rolling n in web", patch("web", "n"));
      }
      return s;
    case 7: {  // reach
      site(a, false);
      a.add("action restart(h: host)",
            {"requires calm(h)", "disrupts all on h", "run(\"reboot\") on h", "takes 1s..1m"});
      const std::string behind = fmt::format("h{}", 2 + a.random.below(a.hosts - 1));
      s.emplace_back("await calm(jump1)");
      s.emplace_back("restart(jump1)");
      if (!broken) s.emplace_back("await in_service(jump1)");
      append(s, patch("aux", behind));
      if (broken) s.emplace_back("await in_service(jump1)");
      return s;
    }
    case 8: {  // join
      site(a, false);
      const Steps both = patch("aux", h);
      if (!broken) return {Piece("if flag()", both)};
      return {Piece("if flag()", {both[0]}), both[1]};
    }
    case 9: {  // fork
      site(a, false);
      const Steps both = patch("aux", h);
      s.push_back(both[0]);
      if (!broken) s.push_back(both[1]);
      append(s, in_parallel({both[1]}, {both[1]}));
      return s;
    }
    case 10:  // undo
      site(a, false);
      a.add("action renew(h: host)", broken ? Steps{"changes aux on h", "run(\"renew\") on h", "takes 1s..1m"}
                                            : Steps{"changes aux on h", "run(\"renew\") on h",
                                                    "undo { changes aux on h  run(\"back\") on h }", "takes 1s..1m"});
      s = {Piece("renew(" + h + ")"), Piece("await in_service(" + h + ")"), "point of no return \"forward\""};
      return s;
    case 11:  // state
      site(a, false);
      mode(a);
      a.head.emplace_back("initially mode == closed");
      if (broken) return {"look()", "swap()"};
      return {"swap()", "look()"};
    case 12: {  // base
      site(a, false);
      if (broken) a.head.clear();
      if (broken && a.random.percent(50)) a.head.emplace_back("preflight", Steps{Piece("await in_service(" + h + ")")});
      return patch("aux", h);
    }
    case 13: {  // return
      site(a, true);
      const Steps both = patch("aux", "n");
      s.emplace_back("rolling n in web", broken ? Steps{both[0]} : both);
      if (broken) s.back().inside.insert(s.back().inside.begin(), Piece("await calm(n)"));
      return s;
    }
    default: {  // starve
      site(a, false);
      a.add("hold quiet", {"observe (run(\"see\") on h1).code == 0", "acquire { run(\"set\") on h1 }",
                           "release { run(\"unset\") on h1 }", "takes 1s..1m", "on halt keep", "taints calm"});
      const Piece asked("await calm(" + h + ")");
      Steps inside = patch("aux", h);
      if (broken) inside.insert(inside.begin(), asked);
      s.push_back(asked);
      s.emplace_back("with quiet", std::move(inside));
      return s;
    }
  }
}

constexpr std::size_t aims = 15;

}  // namespace

Sketch aimed(Random &random) {
  Aim a{random, 2 + random.below(3), {}, {}};
  const std::size_t aim = random.once_in(12) ? 1 : random.below(aims);
  Steps body = steps(a, aim, random.percent(60));
  if (random.percent(30)) body = {Piece("at most 9h", std::move(body))};
  if (random.once_in(5) && aim != 10) body = {Piece("phase p1", std::move(body))};
  // Something sound before or after, now and then.
  if (random.once_in(4) && aim != 5 && aim != 6 && aim != 12 && aim != 10) {
    const std::string h = a.host();
    Steps more = patch("aux", h);
    if (random.percent(50)) {
      append(more, std::move(body));
      body = std::move(more);
    } else {
      append(body, std::move(more));
    }
  }
  Steps inside = std::move(a.head);
  append(inside, std::move(body));
  if (random.percent(20)) inside.emplace_back("postflight", Steps{Piece("await in_service(all)")});
  a.sketch.declarations.emplace_back("upgrade u of lab", std::move(inside));
  return std::move(a.sketch);
}

}  // namespace upg::oracle
