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

/// What an abort takes back, each step in its place and all of them one after the other.
Steps undone(Aim &a, bool broken) {
  site(a, false);
  const std::string h = a.host();
  const Piece back("await in_service(" + h + ")"), point("point of no return \"forward\"");
  switch (a.random.below(4)) {
    case 0: {  // a boot is not taken back
      os(a, true);
      a.sketch.declarations.back().inside.emplace_back("undo nothing \"it is up again\"");
      Steps s{Piece("arm(" + h + ")"), Piece("await calm(" + h + ")"), Piece("reboot(" + h + ")"), back};
      s.insert(broken ? s.end() : s.begin(), point);
      return s;
    }
    case 1: {  // the earlier undo finds what the later one leaves
      a.line("probe mode_of -> string { return (run(\"mode\") on h1).stdout.trim }");
      a.line("state mode { closed, half, open } observe mode_of()");
      a.add("action begin", {"moves mode: closed -> half", "run(\"x\") on h1",
                             "undo { moves mode: half -> closed  run(\"back\") on h1 }", "takes 1s..1m"});
      a.add("action finish",
            {"moves mode: closed | half -> open", "run(\"x\") on h1",
             fmt::format("undo {{ moves mode: open -> {}  run(\"back\") on h1 }}", broken ? "closed" : "half"),
             "takes 1s..1m"});
      a.head.emplace_back("initially mode == closed");
      return {"begin()", "finish()", point};
    }
    default:
      a.add("action renew(h: host)", broken ? Steps{"changes aux on h", "run(\"renew\") on h", "takes 1s..1m"}
                                            : Steps{"changes aux on h", "run(\"renew\") on h",
                                                    "undo { changes aux on h  run(\"back\") on h }", "takes 1s..1m"});
      return {Piece("renew(" + h + ")"), back, point};
  }
}

void quiet(Aim &a) {
  a.add("hold quiet", {"observe (run(\"see\") on h1).code == 0", "acquire { run(\"set\") on h1 }",
                       "release { run(\"unset\") on h1 }", "takes 1s..1m", "on halt keep", "taints calm"});
}

/// Hosts that may be lost: nothing beside their turns, nothing elsewhere in them, nothing on them afterwards.
Steps tolerated(Aim &a, bool broken) {
  site(a, false);
  a.head.insert(a.head.begin(), "tolerate 1");
  const Piece turns("rolling n in web tolerant", patch("web", "n"));
  if (!broken) return {turns};
  switch (a.random.below(6)) {
    case 0:
      return in_parallel({turns}, patch("aux", "h1"));
    case 1:
      return {Piece("rolling n in web batch 1 per host.rack tolerant", patch("web", "n"))};
    case 2:
      return {Piece("rolling n in aux tolerant", patch("aux", "h2"))};
    case 3: {
      Steps s = patch("web", "h2");
      s.insert(s.begin(), turns);
      return s;
    }
    case 4:
      return {Piece("rolling n in web tolerant", in_parallel(patch("web", "n"), {"await calm(n)"}))};
    default:
      return {Piece("rolling m in aux", {Piece("await calm(m)"), turns})};
  }
}

/// A plan with a way back of its own, from any point before the point of no return.
Steps aborted(Aim &a, bool broken) {
  site(a, false);
  const std::string h = a.host();
  const Piece everything("await in_service(all)"), point("point of no return \"forward\"");
  Steps s = patch("aux", h), back{everything};
  switch (a.random.below(6)) {
    case 0:  // something stays open
      if (broken) back = {Piece("await calm(h1)")};
      break;
    case 1:  // something stays armed
      os(a, false);
      a.add("action arm(h: host)", {"moves os(h): old -> armed", "run(\"arm\") on h", "takes 1s..1m"});
      a.add("action disarm(h: host)", {"moves os(h): any -> old", "run(\"disarm\") on h", "takes 1s..1m"});
      s = {Piece("arm(" + h + ")"), Piece("await calm(" + h + ")"), Piece("reboot(" + h + ")"),
           Piece("await in_service(" + h + ")")};
      if (!broken) back.emplace_back("disarm(" + h + ")");
      break;
    case 2:  // no gate is known
      a.add("action tidy(h: host)", {"requires calm(h)", "changes aux on h", "run(\"tidy\") on h", "takes 1s..1m"});
      s.insert(s.begin(), Piece("await calm(" + h + ")"));
      if (!broken) back.emplace_back("await calm(" + h + ")");
      back.emplace_back("tidy(" + h + ")");
      back.push_back(everything);
      break;
    case 3:  // a state is not what it was, or not yet
      mode(a);
      a.head.emplace_back("initially mode == closed");
      s.insert(s.begin(), "swap()");
      if (!broken) back.emplace_back("swap()");
      back.emplace_back("look()");
      break;
    case 4:  // once is once
      a.add("action first(h: host)", {"changes aux on h", "once", "run(\"first\") on h", "takes 1s..1m"});
      s[0] = Piece("first(" + h + ")");
      back.emplace_back((broken ? "first(" : "patch_aux(") + h + ")");
      back.push_back(everything);
      break;
    default:  // what is given back first is not held any more
      a.add("hold noout", {"observe (run(\"see\") on h1).code == 0", "acquire { run(\"set\") on h1 }",
                           "release { run(\"unset\") on h1 }", "takes 1s..1m", "on halt keep"});
      a.add("action drain(h: host)",
            {"requires held noout", "changes aux on h", "run(\"drain\") on h", "takes 1s..1m"});
      s = {Piece("with noout", {Piece("drain(" + h + ")"), Piece("await in_service(" + h + ")")})};
      back.push_back(broken ? Piece("drain(" + h + ")") : Piece("with noout", s[0].inside));
      if (broken) back.push_back(everything);
  }
  s.push_back(point);
  s.emplace_back("on abort", std::move(back));
  return s;
}

/// A block that may fail, and is run again.
Steps attempted(Aim &a, bool broken) {
  const std::size_t which = a.random.below(8);
  site(a, which == 0);
  const std::string h = a.host();
  const Piece everything("await in_service(all)");
  Steps before, block = patch("aux", h), again{everything}, end;
  switch (which) {
    case 0:  // a host is still out as the first one's turn comes again
      block = {Piece("rolling n in aux", patch("aux", "n"))};
      if (broken) again = {Piece("await calm(h1)")};
      break;
    case 1:  // once is once
      a.add("action first(h: host)", {"changes aux on h", "once", "run(\"first\") on h", "takes 1s..1m"});
      (broken ? block : before).insert(broken ? block.begin() : before.begin(), Piece("first(" + h + ")"));
      if (!broken) before.push_back(everything);
      break;
    case 2:  // what was asked before it counts once
    case 3:
      a.add("action tidy(h: host)", {"requires calm(h)", "changes aux on h", "run(\"tidy\") on h", "takes 1s..1m"});
      (broken ? before : which == 2 ? block : again).emplace_back("await calm(" + h + ")");
      if (broken || which == 3) {
        block.insert(block.begin(), Piece("tidy(" + h + ")"));
        if (which == 3 && !broken) before.emplace_back("await calm(" + h + ")");
      } else {
        block.insert(block.begin(), {block.back(), Piece("tidy(" + h + ")")});
        block.pop_back();
      }
      break;
    case 4:  // what it moves may be anything afterwards
      mode(a);
      a.head.emplace_back("initially mode == closed");
      if (broken) {
        block = {"swap()"};
        again = {"look()"};
      } else {
        block = {"swap()", "look()"};
      }
      break;
    case 5:
      mode(a);
      a.head.emplace_back("initially mode == closed");
      a.add("action open", {"moves mode: closed -> open", "run(\"open\") on h1", "takes 1s..1m"});
      if (broken) block.insert(block.begin(), "open()");
      if (!broken) before.emplace_back("open()");
      break;
    case 6: {  // a hold may still be held
      quiet(a);
      block = {Piece("with quiet", block)};
      if (broken) again.emplace_back("await calm(h1)");
      break;
    }
    default:
      quiet(a);
      a.add("action drain(h: host)",
            {"requires not held quiet", "changes aux on h", "run(\"drain\") on h", "takes 1s..1m"});
      block = {Piece("with quiet", block)};
      (broken ? end : before).emplace_back("drain(" + h + ")");
      (broken ? end : before).push_back(everything);
  }
  Steps s = std::move(before);
  s.emplace_back(a.random.percent(70) ? "attempt 2" : "attempt 3", std::move(block));
  s.emplace_back("recover when flag()", std::move(again));
  if (!end.empty()) s.emplace_back("otherwise", std::move(end));
  return s;
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
      return undone(a, broken);
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
    case 14: {  // starve
      site(a, false);
      quiet(a);
      const Piece asked("await calm(" + h + ")");
      Steps inside = patch("aux", h);
      if (broken) inside.insert(inside.begin(), asked);
      s.push_back(asked);
      s.emplace_back("with quiet", std::move(inside));
      return s;
    }
    case 15: {  // an accepted outage
      site(a, a.random.percent(50));
      const Steps both = patch("aux", h);
      const std::string accept = "accept outage of aux reason \"announced\"";
      if (!broken) return {Piece(accept, both)};
      if (a.random.percent(60)) return {Piece(accept, {both[0]}), both[1]};
      return in_parallel({Piece(accept, both)}, patch("aux", other));
    }
    case 16:
      return tolerated(a, broken);
    case 17:
      return aborted(a, broken);
    default:
      return attempted(a, broken);
  }
}

constexpr std::size_t aims = 19;
constexpr std::string_view aim_names[aims] = {"serial", "race",   "hold",     "arm",      "once",   "order", "rank",
                                              "reach",  "join",   "fork",     "undo",     "state",  "base",  "ret",
                                              "starve", "outage", "tolerate", "on abort", "attempt"};

}  // namespace

Sketch aimed(Random &random) {
  Aim a{random, 2 + random.below(3), {}, {}};
  const std::size_t aim = random.once_in(12) ? 1 : random.below(aims);
  a.sketch.aim = aim_names[aim];
  a.sketch.broken = random.percent(60);
  Steps body = steps(a, aim, a.sketch.broken);
  const bool alone = aim == 10 || aim == 16 || aim == 17;
  if (random.percent(30) && !alone) body = {Piece("at most 9h", std::move(body))};
  if (random.once_in(5) && !alone) body = {Piece("phase p1", std::move(body))};
  // Something sound before or after, now and then.
  if (random.once_in(4) && aim != 5 && aim != 6 && aim != 12 && !alone) {
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
