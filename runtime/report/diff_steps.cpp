// Two plans: the steps of their blocks and procedures, compared line by line.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/report/diff_lines.h"
#include "runtime/report/review_outline.h"

namespace upg::report {
namespace {

using plan::NodeId;
using plan::Op;

bool acts(Op op) { return op == Op::act || op == Op::call || op == Op::confirm; }

/// The next thing done behind a line: what the line stands before.
std::size_t next_act(const std::vector<Line> &lines, std::size_t at) {
  for (std::size_t i = at + 1; i < lines.size(); ++i) {
    if (acts(lines[i].op)) return i;
  }
  return kNoLine;
}
std::string stands_before(const std::vector<Line> &lines, std::size_t at) {
  const std::size_t next = next_act(lines, at);
  return next == kNoLine ? "behind the last action" : "before " + lines[next].words;
}
std::string inside(const std::vector<Line> &lines, std::size_t at) {
  const std::size_t parent = lines[at].parent;
  return parent == kNoLine ? "on its own" : "inside `" + lines[parent].words + '`';
}

class Bodies {
 public:
  Bodies(Comparison &c, std::string body, std::vector<Line> a, std::vector<Line> b)
      : c_(c), body_(std::move(body)), a_(std::move(a)), b_(std::move(b)), m_(match(a_, b_)) {}

  void compare() {
    for (std::size_t i = 0; i < a_.size(); ++i) {
      if (m_.to_b[i] == kNoLine) {
        removed(i);
      } else {
        const std::size_t j = m_.to_b[i];
        attributes(i, j);
        if (a_[i].print != b_[j].print) changed(i, j);
        if (m_.moved[i]) {
          stood_elsewhere(i, j);
        } else {
          enclosed(i, j);
        }
      }
    }
    for (std::size_t j = 0; j < b_.size(); ++j) {
      if (m_.to_a[j] == kNoLine) added(j);
    }
  }

 private:
  plan::Span at_a(std::size_t i) const { return c_.a.plan.span(a_[i].node); }
  plan::Span at_b(std::size_t j) const { return c_.b.plan.span(b_[j].node); }
  std::string subject(const Line &line) const {
    return body_.empty() ? line.words : fmt::format("{} in {}", line.words, body_);
  }

  void removed(std::size_t i) {
    const Line &l = a_[i];
    const auto add = [&](ChangeKind kind, std::string text) {
      c_.add(kind, subject(l), {.text = std::move(text), .at_before = at_a(i)});
    };
    switch (l.op) {
      case Op::await:
        return add(ChangeKind::gate_removed, "no longer waited for; it stood " + stands_before(a_, i));
      case Op::expect_true:
      case Op::expect_value:
        return add(ChangeKind::gate_removed, "no longer expected; it stood " + stands_before(a_, i));
      case Op::with:
        return add(ChangeKind::hold_removed, "no longer held around " + around(a_, i));
      case Op::confirm:
        return add(ChangeKind::person_removed, "no longer asked; it stood " + stands_before(a_, i));
      case Op::no_return:
        return c_.add(ChangeKind::no_return, Danger::weaker, subject(l),
                      {.text = "no longer there: it stood " + stands_before(a_, i), .at_before = at_a(i)});
      case Op::accept:
        return add(ChangeKind::waiver_removed, "no longer accepted");
      case Op::at_most:
        return add(ChangeKind::deadline, "no deadline any more around " + around(a_, i));
      case Op::parallel:
        return c_.add(ChangeKind::parallelism, Danger::stronger, subject(l),
                      {.text = "its parts no longer run at the same time", .at_before = at_a(i)});
      case Op::let:
        return;  // what was bound is told where it was used
      default:
        if (!a_part(l)) add(ChangeKind::step_removed, "it stood " + stands_before(a_, i));
        return;
    }
  }

  void added(std::size_t j) {
    const Line &l = b_[j];
    const auto add = [&](ChangeKind kind, std::string text) {
      c_.add(kind, subject(l), {.text = std::move(text), .at_after = at_b(j)});
    };
    switch (l.op) {
      case Op::await:
      case Op::expect_true:
      case Op::expect_value:
        return add(ChangeKind::gate_added, "it stands " + stands_before(b_, j));
      case Op::with:
        return add(ChangeKind::hold_added, "held around " + around(b_, j));
      case Op::confirm:
        return add(ChangeKind::person_added, "it stands " + stands_before(b_, j));
      case Op::no_return:
        return add(ChangeKind::no_return, "new: it stands " + stands_before(b_, j));
      case Op::accept: {
        const plan::Waiver &w = c_.b.plan.waivers[c_.b.plan.node(l.node).a];
        return c_.add(ChangeKind::waiver_added, subject(l),
                      {.text = "around " + around(b_, j), .after = waiver_text(c_.b.plan, w), .at_after = at_b(j)});
      }
      case Op::at_most:
        return add(ChangeKind::deadline, "a deadline around " + around(b_, j));
      case Op::parallel:
        return add(ChangeKind::parallelism, "its parts run at the same time: " + around(b_, j));
      case Op::let:
        return;
      default:
        if (a_part(l)) return;
        if (l.op == Op::roll && c_.b.plan.rollouts[c_.b.plan.node(l.node).a].batch > 1)
          return add(ChangeKind::parallelism, batch_text(c_.b, c_.b.plan.rollouts[c_.b.plan.node(l.node).a]));
        add(ChangeKind::step_added, "it stands " + stands_before(b_, j));
        return;
    }
  }

  /// Parts of a step that is told itself.
  static bool a_part(const Line &l) { return l.op == Op::block; }

  /// The first steps that a line encloses.
  static std::string around(const std::vector<Line> &lines, std::size_t at) {
    std::string out;
    std::size_t steps = 0;
    for (std::size_t i = at + 1; i < lines.size(); ++i) {
      std::size_t up = lines[i].parent;
      while (up != kNoLine && up > at) up = lines[up].parent;
      if (up != at) break;
      if (!acts(lines[i].op)) continue;
      if (++steps <= 3) out += (out.empty() ? "" : ", ") + lines[i].words;
    }
    if (steps > 3) out += fmt::format(" and {} more", steps - 3);
    return out.empty() ? "no action" : out;
  }

  static std::string batch_text(const Side &s, const plan::Rollout &r) {
    std::string out = fmt::format("{} at a time", r.batch);
    if (r.per.valid()) out += fmt::format(", {} per {}", r.per_batch, s.name(r.per));
    return out;
  }

  void attributes(std::size_t i, std::size_t j) {
    const plan::Node &x = c_.a.plan.node(a_[i].node), &y = c_.b.plan.node(b_[j].node);
    const std::string what = subject(a_[i]);
    const auto differ = [&](ChangeKind kind, const char *text, const std::string &p, const std::string &q) {
      c_.differ(kind, what, text, p, q, at_a(i), at_b(j));
    };
    switch (x.op) {
      case Op::roll:
      case Op::visit:
        return rollout(i, j, c_.a.plan.rollouts[x.a], c_.b.plan.rollouts[y.a]);
      case Op::phase:
        return phase(i, j, c_.a.plan.phases[x.a], c_.b.plan.phases[y.a]);
      case Op::accept:
        return waiver(i, j, c_.a.plan.waivers[x.a], c_.b.plan.waivers[y.a]);
      case Op::at_most:
        return differ(ChangeKind::deadline, "deadline of a block", duration_text(c_.a.plan.integers[x.a]),
                      duration_text(c_.b.plan.integers[y.a]));
      case Op::for_data:
        return differ(ChangeKind::deadline, "rounds at most", std::to_string(x.b), std::to_string(y.b));
      case Op::attempt:
        return differ(ChangeKind::step_changed, "how often it is tried", std::to_string(x.a), std::to_string(y.a));
      default:
        return;
    }
  }

  void rollout(std::size_t i, std::size_t j, const plan::Rollout &x, const plan::Rollout &y) {
    const std::string what = subject(a_[i]);
    const auto add = [&](ChangeKind kind, Danger danger, const char *text, std::string p, std::string q) {
      c_.add(kind, danger, what, {text, std::move(p), std::move(q), at_a(i), at_b(j)});
    };
    const auto danger = [](bool weaker) { return weaker ? Danger::weaker : Danger::stronger; };
    const std::string before = batch_text(c_.a, x), after = batch_text(c_.b, y);
    if (before != after)
      add(ChangeKind::parallelism,
          x.batch == y.batch ? danger(x.per.valid() && (!y.per.valid() || y.per_batch > x.per_batch))
                             : danger(y.batch > x.batch),
          "hosts in one batch", before, after);
    if (x.canary != y.canary)
      add(ChangeKind::parallelism, danger(y.canary < x.canary), "hosts that go first, alone", std::to_string(x.canary),
          std::to_string(y.canary));
    if (x.soak != y.soak)
      add(ChangeKind::deadline, danger(y.soak < x.soak), "watched after the first", duration_text(x.soak),
          duration_text(y.soak));
    if (x.tolerant != y.tolerant)
      add(ChangeKind::tolerance, danger(y.tolerant), "lost hosts are tolerated", x.tolerant ? "yes" : "no",
          y.tolerant ? "yes" : "no");
    if (x.at_most != y.at_most)
      add(ChangeKind::deadline, Danger::different, "deadline of one turn",
          x.at_most == 0 ? "none" : duration_text(x.at_most), y.at_most == 0 ? "none" : duration_text(y.at_most));
    const std::vector<std::string> p = host_names(c_.a.plan, c_.a.plan.sets[x.hosts.index].hosts);
    const std::vector<std::string> q = host_names(c_.b.plan, c_.b.plan.sets[y.hosts.index].hosts);
    hosts(i, j, p, q);
  }

  void hosts(std::size_t i, std::size_t j, const std::vector<std::string> &p, const std::vector<std::string> &q) {
    const std::set<std::string> before(p.begin(), p.end()), after(q.begin(), q.end());
    const auto rest = [](const std::vector<std::string> &list, const std::set<std::string> &other, bool common) {
      std::vector<std::string> out;
      for (const std::string &name : list) {
        if (other.contains(name) == common) out.push_back(name);
      }
      return out;
    };
    const auto joined = [](const std::vector<std::string> &names) {
      std::string out;
      for (std::size_t k = 0; k < names.size() && k < 12; ++k) out += (k == 0 ? "" : ", ") + shown(names[k], 120);
      if (names.size() > 12) out += fmt::format(" and {} more", names.size() - 12);
      return out;
    };
    const std::string what = subject(a_[i]);
    if (const auto gone = rest(p, after, false); !gone.empty())
      c_.add(ChangeKind::hosts_removed, what, {"no longer visited", joined(gone), "", at_a(i), at_b(j)});
    if (const auto fresh = rest(q, before, false); !fresh.empty())
      c_.add(ChangeKind::hosts_added, what, {"visited too", "", joined(fresh), at_a(i), at_b(j)});
    if (const auto x = rest(p, after, true), y = rest(q, before, true); x != y)
      c_.add(ChangeKind::order_changed, what, {"the order of the hosts", joined(x), joined(y), at_a(i), at_b(j)});
  }

  void phase(std::size_t i, std::size_t j, const plan::Phase &x, const plan::Phase &y) {
    const auto names = [](const Side &s, const plan::Phase &phase, NodeId dag) {
      std::set<std::string> out;
      const auto kids = s.plan.kids(dag);  // what `after` counts
      for (const std::uint32_t k : phase.after) out.insert(s.name(s.plan.phases[s.plan.node(kids[k]).a].name));
      return out;
    };
    const std::set<std::string> before = names(c_.a, x, a_[i].dag), after = names(c_.b, y, b_[j].dag);
    const auto text = [](const std::set<std::string> &set) {
      std::string out;
      for (const std::string &name : set) out += (out.empty() ? "after " : ", ") + name;
      return out.empty() ? std::string("after no other phase") : out;
    };
    if (before == after) return;
    const bool dropped = !std::includes(after.begin(), after.end(), before.begin(), before.end());
    c_.add(ChangeKind::parallelism, dropped ? Danger::weaker : Danger::stronger, subject(a_[i]),
           {dropped ? "it may now run at the same time as a phase that it came after" : "it waits for more phases now",
            text(before), text(after), at_a(i), at_b(j)});
  }

  void waiver(std::size_t i, std::size_t j, const plan::Waiver &x, const plan::Waiver &y) {
    const auto text = [](const Side &s, const plan::Waiver &w) {
      std::string out = waiver_text(s.plan, w);
      if (w.at_most > 0) out += fmt::format(", for at most {}", duration_text(w.at_most));
      return out;
    };
    if (text(c_.a, x) == text(c_.b, y)) return;
    const bool longer = (x.until != 0 && (y.until == 0 || y.until > x.until)) || y.at_most > x.at_most;
    c_.add(ChangeKind::waiver_changed, longer ? Danger::weaker : Danger::different, subject(a_[i]),
           {"", text(c_.a, x), text(c_.b, y), at_a(i), at_b(j)});
  }

  /// The same kind of step, about something else.
  void changed(std::size_t i, std::size_t j) {
    const ChangeKind kind = a_[i].op == Op::await || a_[i].op == Op::expect_true ? ChangeKind::gate_changed
                            : a_[i].op == Op::let || a_[i].op == Op::branch      ? ChangeKind::question_changed
                                                                                 : ChangeKind::step_changed;
    if (a_[i].op == Op::roll || a_[i].op == Op::visit) return;  // its hosts are compared one by one
    c_.add(kind, subject(a_[i]), {"", a_[i].words, b_[j].words, at_a(i), at_b(j)});
  }

  void stood_elsewhere(std::size_t i, std::size_t j) {
    const Line &l = a_[i];
    ChangeKind kind = ChangeKind::order_changed;
    Danger danger = Danger::different;
    if (l.op == Op::await || l.op == Op::expect_true || l.op == Op::expect_value) {
      kind = ChangeKind::guard_moved;
      // weaker where what it guarded comes before it now
      const std::size_t guarded = next_act(a_, i);
      const std::size_t now = guarded == kNoLine ? kNoLine : m_.to_b[guarded];
      danger = now != kNoLine && now < j ? Danger::weaker : Danger::different;
    }
    if (l.op == Op::no_return) kind = ChangeKind::no_return;
    if (l.op == Op::let) return;
    std::string before = stands_before(a_, i), after = stands_before(b_, j);
    if (before == after) {
      before = inside(a_, i) + ", " + before;
      after = inside(b_, j) + ", " + after;
    }
    c_.add(kind, danger, subject(l), {"", before, after, at_a(i), at_b(j)});
  }

  /// Both stand in the same order, but something else encloses them. A wrapper that came or went is told itself.
  void enclosed(std::size_t i, std::size_t j) {
    std::size_t up_a = a_[i].parent, up_b = b_[j].parent;
    while (up_a != kNoLine && m_.to_b[up_a] == kNoLine) up_a = a_[up_a].parent;
    while (up_b != kNoLine && m_.to_a[up_b] == kNoLine) up_b = b_[up_b].parent;
    if ((up_a == kNoLine && up_b == kNoLine) || (up_a != kNoLine && m_.to_b[up_a] == up_b)) return;
    const Line &l = a_[i];
    if (l.op == Op::let) return;
    ChangeKind kind = ChangeKind::order_changed;
    Danger danger = Danger::different;
    if (l.op == Op::await) kind = ChangeKind::guard_moved;
    if (up_b != kNoLine && b_[up_b].op == Op::accept) {
      kind = ChangeKind::waiver_changed;
      danger = Danger::weaker;
    } else if (up_a != kNoLine && a_[up_a].op == Op::with) {
      kind = ChangeKind::hold_removed;
      danger = Danger::weaker;
    }
    c_.add(kind, danger, subject(l), {"", inside(a_, i), inside(b_, j), at_a(i), at_b(j)});
  }

  Comparison &c_;
  std::string body_;  // empty: the plan's own
  std::vector<Line> a_, b_;
  Matching m_;
};

void body(Comparison &c, const std::string &name, NodeId x, const plan::Frame &frame_x, NodeId y,
          const plan::Frame &frame_y) {
  Bodies(c, name, lines_of(c.a, frame_x, x), lines_of(c.b, frame_y, y)).compare();
}

}  // namespace

void compare_steps(Comparison &c) {
  const plan::Plan &x = c.a.plan, &y = c.b.plan;
  body(c, "the preflight", x.preflight, x.frame, y.preflight, y.frame);
  body(c, "", x.body, x.frame, y.body, y.frame);
  body(c, "the postflight", x.postflight, x.frame, y.postflight, y.frame);
  body(c, "`on abort`", x.on_abort, x.frame, y.on_abort, y.frame);
  const auto name = [](const Side &s) { return [&s](const plan::Procedure &p) { return s.name(p.name); }; };
  for (const auto &[p, q] : paired(x.procedures, y.procedures, name(c.a), name(c.b))) {
    if (p != nullptr && q != nullptr) body(c, "procedure " + c.a.name(p->name), p->body, p->frame, q->body, q->frame);
  }
}

}  // namespace upg::report
