#include <algorithm>

#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/moments.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

using diagnostics::Kind;

/// Points of no return stand where every run passes them.
void points(Analysis &a) {
  for (StepIx s = 0; s < a.tree.size(); ++s) {
    if (a.tree[s].kind != StepKind::no_return) continue;
    if (const StepIx abort = a.tree.on_abort();
        abort != kNone && a.tree.below(s, abort) && a.first(Kind::rule_undo, a.tree[s].node)) {
      a.report(Kind::rule_undo, a.range(s), "a point of no return in an abort")
          .note("an abort is the way back: it goes on to its end, or halts for a person");
      continue;
    }
    for (StepIx x = a.tree[s].parent; x != kNone; x = a.tree[x].parent) {
      if (spine(a.tree[x].kind) || !a.first(Kind::rule_undo, a.tree[s].node)) continue;
      a.report(Kind::rule_undo, a.range(s), "the point of no return is not on the way that every run takes")
          .label(a.range(x), "it stands inside this")
          .help("put it outside of branches, loops, rollouts and parallel parts");
    }
  }
}

/// The heaviest moment with each of the acts followed by its undo.
std::uint64_t worst_with(Analysis &a, const Budget &b, std::vector<StepIx> undone) {
  const std::string_view rule = b.line == nullptr ? "serial" : "available";
  Cuts cuts(a.tree, a.flow, b, [&](StepIx accept) { return a.about(accept, rule, plan::RoleId(b.role), {}); });
  cuts.undoing(std::move(undone));
  return cuts.worst().weight;
}

/// One action that may have to be undone, and how.
class Undo {
 public:
  /// `suspects`: the budgets that the undos might break.
  Undo(Analysis &a, StepIx s, const std::vector<const Budget *> &suspects)
      : a_(a), s_(s), suspects_(suspects), act_(a.tree.contract(a.tree[s])), undo_(a.contracts[a.tree[s].undo]) {}

  void judge() {
    hosts();
    restores();
    exactly();
    starts();
    reached();
    if (opens(act_, undo_)) moments();
  }
  /// Whether the undo opens what its action has not.
  static bool opens(const Contract &act, const Contract &undo) {
    return !covers(act.disrupts, undo.disrupts) || !covers(act.disrupts, undo.changes);
  }

 private:
  static bool covers(const std::vector<PairIx> &all, const std::vector<PairIx> &some) {
    return std::includes(all.begin(), all.end(), some.begin(), some.end());
  }
  const plan::Action &undo_action() const { return a_.plan.actions[undo_.action.index]; }
  bool told(std::uint64_t what) { return !a_.first(Kind::rule_undo, a_.tree[s_].node, 1 + what); }

  template <class Tell>
  void report(const std::string &message, Tell tell) {
    auto out = a_.report(Kind::rule_undo, a_.range(s_), "the undo of " + a_.named(s_) + ' ' + message);
    out.label(a_.range(undo_action().where), "the undo");
    if (a_.tree.point() != kNone) out.label(a_.range(a_.tree.point()), "until here the plan can be aborted");
    a_.step(out, s_);
    tell(out);
  }
  void last(diagnostics::Sink::Builder &out, const std::string &more) {
    out.step(a_.who(s_), "undoes " + a_.contracts.action_text(act_) + more, a_.range(undo_action().where),
             std::nullopt);
  }

  /// The undo starts, in an abort right after the act: what is judged there.
  void starts_undo(diagnostics::Sink::Builder &out, const std::string &more) {
    using diagnostics::Cue;
    if (a_.tree.point() == kNone) return last(out, more);
    out.step("", "the run is halted and aborted", {}, Cue{Cue::Kind::abort, Cue::no_node, "abort"});
    out.step(a_.who(s_), "undoes " + a_.contracts.action_text(act_) + more, a_.range(undo_action().where),
             Cue{Cue::Kind::start, a_.tree[s_].node.index, "abort/undo"});
  }

  using Out = diagnostics::Sink::Builder;

  /// It touches no other host, and reaches every one whose health an abort has to see again.
  void hosts() {
    for (const HostIx h : undo_.hosts) {
      if (contains(act_.hosts, h) || told(0)) continue;
      report("touches " + std::string(a_.site.host_name(h)) + ", which the action does not touch", [](Out &out) {
        out.note("an abort knows the hosts that a step has touched, and no others");
        out.help("undo it on the hosts of the action, or write `on abort { }` for the whole plan");
      });
    }
    for (const std::vector<PairIx> *pairs : {&act_.disrupts, &act_.changes}) {
      for (const PairIx p : *pairs) {
        if (contains(undo_.hosts, a_.site.pair_host(p)) || told(1)) continue;
        const std::string host(a_.site.host_name(a_.site.pair_host(p)));
        report("does not reach " + host + ", where the action opens an outage", [&](Out &out) {
          out.note("an undo ends by awaiting `in_service` of its hosts; nothing else closes what the action opened");
          last(out, " with " + a_.pair_text(p) + " still open");
          out.help("run the undo on the same hosts, or write `on abort { }` for the whole plan");
        });
      }
    }
  }

  /// A state that the action moves goes back to one of the values it came from.
  void restores() {
    for (const Move &m : act_.moves) {
      const auto back =
          std::find_if(undo_.moves.begin(), undo_.moves.end(), [&](const Move &u) { return u.cell == m.cell; });
      if (back == undo_.moves.end() || (back->to & ~m.from) == 0 || told(2)) continue;
      const plan::StateId state = a_.contracts.cell(m.cell).state;
      report("leaves `" + a_.contracts.cell_text(m.cell) + "` at " + a_.contracts.value_name(state, back->to) +
                 ", not at " + a_.contracts.value_name(state, m.from),
             [&](Out &out) {
               last(out, "");
               out.help("an undo that says nothing about the state takes it back to where the action found it");
             });
    }
  }

  /// Whether the undo of a step that may have ended before moves the state or requires a value of it.
  StepIx undone_later(CellIx cell) const {
    for (StepIx x = 0; x < s_; ++x) {
      if (a_.tree[x].kind != StepKind::act || a_.tree[x].undo == kNone || !a_.flow.at(x).reached) continue;
      if (!a_.tree.may_precede_point(x) || a_.tree.relation(x, s_) == Tree::Relation::exclusive) continue;
      const Contract &undo = a_.contracts[a_.tree[x].undo];
      const bool moves =
          std::any_of(undo.moves.begin(), undo.moves.end(), [&](const Move &m) { return m.cell == cell; });
      const bool needs =
          std::any_of(undo.values.begin(), undo.values.end(), [&](const auto &need) { return need.first == cell; });
      if (moves || needs) return x;
    }
    return kNone;
  }

  /// An abort goes on with the undo of earlier steps: for those a state is back at the very value that it had.
  void exactly() {
    if (a_.tree.point() == kNone || !a_.tree.may_precede_point(s_)) return;
    const auto back_at = [&](CellIx cell, Values before, Values after) {
      const StepIx earlier = before == after ? kNone : undone_later(cell);
      if (earlier == kNone || told(2)) return;
      const plan::StateId state = a_.contracts.cell(cell).state;
      report("leaves `" + a_.contracts.cell_text(cell) + "` at " + a_.contracts.value_name(state, after) +
                 ", and it was " + a_.contracts.value_name(state, before) + " before the action",
             [&](Out &out) {
               if (a_.tree[earlier].node != a_.tree[s_].node)
                 out.label(a_.range(earlier), "undone after it, and counts on the state");
               last(out, "");
               out.help("let the action move the state from one value, or write `on abort { }` for the whole plan");
             });
    };
    for (const Move &m : act_.moves) {
      const auto back =
          std::find_if(undo_.moves.begin(), undo_.moves.end(), [&](const Move &u) { return u.cell == m.cell; });
      back_at(m.cell, a_.flow.value_before(s_, m.cell), back != undo_.moves.end() ? back->to : m.from & (~m.from + 1));
    }
    for (const Move &u : undo_.moves) {
      const bool ours =
          std::any_of(act_.moves.begin(), act_.moves.end(), [&](const Move &m) { return m.cell == u.cell; });
      if (!ours) back_at(u.cell, a_.flow.value_before(s_, u.cell), u.to);
    }
  }

  /// GUARD, STATE and HOLD for the undo alone, right after the action: no gate is known then.
  void starts() {
    const bool asks = !undo_.gates.empty();
    for (const Miscount &m : a_.flow.miscounts()) {
      if (!m.undo || m.act != s_ || told(9)) continue;
      const CountNeed &need = undo_.counts[m.need];
      static constexpr std::string_view kRelation[] = {"exactly ", "at least ", "at most "};
      const std::string count = m.low == m.high ? std::to_string(m.low)
                                                : "between " + std::to_string(m.low) + " and " + std::to_string(m.high);
      report("may start while a count is wrong: it requires " + std::string(kRelation[need.relation]) +
                 std::to_string(need.amount) + ", there may be " + count,
             [&](Out &out) {
               out.label(a_.range(need.node), "required here");
               starts_undo(out, " while the count is " + count);
             });
    }
    if ((asks || undo_.destructive()) && !told(3)) {
      const std::string does = undo_.destroys ? "destroys" : "takes roles down";
      report(
          asks ? "requires what nothing has asked when an abort starts" : does + ", and nothing asks a gate before it",
          [&](Out &out) {
            out.note("an abort starts where the run has stopped: no gate is known");
            starts_undo(out, " with no gate known");
            out.help("write `on abort { }`, which can await gates before it goes back");
          });
    }
    std::size_t i = 0;
    const std::vector<Values> &now = a_.flow.at(s_).undo;
    const auto wrong = [&](CellIx cell, Values wanted) {
      const Values found = i < now.size() ? now[i] : a_.contracts.cell(cell).all;
      ++i;
      if ((found & ~wanted) == 0 || told(4)) return;
      const plan::StateId state = a_.contracts.cell(cell).state;
      const std::string is =
          "`" + a_.contracts.cell_text(cell) + "` is " + a_.contracts.value_name(state, found & ~wanted);
      report("may start while " + is + ", but it needs " + a_.contracts.value_name(state, wanted),
             [&](Out &out) { starts_undo(out, " while " + is); });
    };
    for (const Move &m : undo_.moves) wrong(m.cell, m.from);
    for (const auto &[cell, need] : undo_.values) wrong(cell, need.first);
    for (const auto &[hold, need] : undo_.held) {
      const std::string name = a_.contracts.hold_text(hold);
      if (a_.tree.inside(s_, hold) || told(5)) continue;
      report("requires hold `" + name + "`, which is not held around the action", [&](Out &out) {
        starts_undo(out, " while " + name + " is not held");
        out.help("put the action inside `with " + name + " { }`");
      });
    }
    for (const auto &[hold, need] : undo_.free) {
      if (!a_.tree.inside(s_, hold) || told(6)) continue;
      report("requires that hold `" + a_.contracts.hold_text(hold) + "` is not held, but it is held around the action",
             [&](Out &out) {
               starts_undo(out, " while it is held");
               out.note("an abort takes the holds around an action again before it undoes it");
             });
    }
  }

  /// The hosts it runs on can be reached when the action has ended.
  void reached() {
    for (const Open &o : a_.flow.open_after(s_)) {
      if (o.changing || a_.site.pair_role(o.pair) != a_.site.alive()) continue;
      const HostIx down = a_.site.pair_host(o.pair);
      for (const HostIx h : undo_.subjects) {
        if ((h != down && !contains(a_.site.host(h).via, down)) || told(7)) continue;
        const std::string state = std::string(a_.site.host_name(down)) + " is down";
        report("may start while " + state, [&](Out &out) {
          starts_undo(out, " while " + state);
          out.help("let the action await the boot of the host (`awaits boot of h`)");
        });
      }
    }
  }

  /// AVAIL and SERIAL with the action and its undo in its place.
  void moments() {
    for (const Budget *suspect : suspects_) {
      const Budget &b = *suspect;
      if (worst_with(a_, b, {s_}) <= b.budget) continue;
      if (told(8)) continue;
      const std::string name(a_.site.role_name(b.role));
      const bool serial = b.line == nullptr;
      report(
          serial ? "brings two hosts of `" + name + "` under change at once" : "takes `" + name + "` below its policy",
          [&](Out &out) {
            out.label(a_.range(a_.site.role(b.role)->where), serial ? "it is serial" : "its policy");
            starts_undo(out, "");
            out.help("write `on abort { }`, which can go back one host after the other");
          });
    }
  }

  Analysis &a_;
  StepIx s_;
  const std::vector<const Budget *> &suspects_;
  const Contract &act_;
  const Contract &undo_;
};

bool arms(const Analysis &a, const Contract &c) {
  return std::any_of(c.moves.begin(), c.moves.end(),
                     [&](const Move &m) { return (m.to & a.contracts.cell(m.cell).transient) != 0; });
}

/// A state that the boot moves, as it stands before the act, and that no undo takes back; kNone if there is none.
CellIx booted_for_good(const Analysis &a, StepIx s) {
  const Step &step = a.tree[s];
  for (const HostIx h : a.tree.contract(step).boots) {
    for (const CellIx cell : a.contracts.cells_of(h)) {
      for (const plan::BootMove &boot : a.plan.states[a.contracts.cell(cell).state.index].on_boot) {
        if ((a.flow.value_before(s, cell) & value_bit(boot.from)) == 0) continue;
        const auto back = [&](const Move &m) { return m.cell == cell && m.to == value_bit(boot.from); };
        const std::vector<Move> none;
        const std::vector<Move> &moves = step.undo != kNone ? a.contracts[step.undo].moves : none;
        if (std::none_of(moves.begin(), moves.end(), back)) return cell;
      }
    }
  }
  return kNone;
}

/// Every action that may have started before the point of no return can be taken back. What arms a state is undone
/// wherever the run halts.
void undos(Analysis &a) {
  if (a.tree.on_abort() != kNone) return;
  const auto judged = [&](StepIx s) {
    const Step &step = a.tree[s];
    if (step.kind != StepKind::act || step.acquire || step.release || !a.flow.at(s).reached) return false;
    const bool abortable = a.tree.point() != kNone && a.tree.may_precede_point(s);
    return step.undo != kNone && (abortable || arms(a, a.tree.contract(step)));
  };
  // A budget that holds with all of the undos at once holds with each; one that is broken without them is told there.
  std::vector<StepIx> opening;
  for (StepIx s = 0; s < a.tree.size(); ++s) {
    if (judged(s) && Undo::opens(a.tree.contract(a.tree[s]), a.contracts[a.tree[s].undo])) opening.push_back(s);
  }
  std::vector<const Budget *> suspects;
  for (const Budget &b : a.site.budgets()) {
    if (!opening.empty() && worst_with(a, b, opening) > b.budget && worst_with(a, b, {}) <= b.budget)
      suspects.push_back(&b);
  }
  for (StepIx s = 0; s < a.tree.size(); ++s) {
    const Step &step = a.tree[s];
    if (step.kind != StepKind::act || step.acquire || step.release || !a.flow.at(s).reached) continue;
    const Contract &c = a.tree.contract(step);
    const bool abortable = a.tree.point() != kNone && a.tree.may_precede_point(s);
    const CellIx booted = abortable ? booted_for_good(a, s) : kNone;
    if (booted != kNone && a.first(Kind::rule_undo, step.node)) {
      auto out = a.report(
          Kind::rule_undo, a.range(s),
          a.named(s) + " moves `" + a.contracts.cell_text(booted) + "` by the boot, and nothing takes it back");
      out.label(a.range(a.plan.states[a.contracts.cell(booted).state.index].where), "the state, moved `on boot`")
          .label(a.range(a.tree.point()), "until here the plan can be aborted");
      out.note("an abort ends where the plan began: every state is taken back");
      out.help("move the point of no return before it, or write `on abort { }` for the whole plan");
    }
    if (judged(s)) Undo(a, s, suspects).judge();
    if (step.undo != kNone || !abortable) continue;
    const plan::Action &action = a.plan.actions[c.action.index];
    const bool nothing = action.undo_kind == plan::UndoKind::nothing;
    if ((nothing && c.moves.empty()) || !a.first(Kind::rule_undo, step.node)) continue;
    if (nothing) {
      const Move &m = c.moves.front();
      const std::string cell = a.contracts.cell_text(m.cell);
      auto out =
          a.report(Kind::rule_undo, a.range(s), a.named(s) + " moves `" + cell + "`, and `undo nothing` leaves it so");
      out.label(a.range(action.where), "`undo nothing`")
          .label(a.range(a.tree.point()), "until here the plan can be aborted");
      out.note("an abort ends where the plan began: every state is taken back");
      a.step(out, s);
      out.help("write `undo { }` with the command that takes it back");
      continue;
    }
    auto out = a.report(Kind::rule_undo, a.range(s),
                        a.named(s) + " may start before the point of no return, but nothing says how it is undone");
    out.label(a.range(action.where), "without `undo`")
        .label(a.range(a.tree.point()), "until here the plan can be aborted");
    out.help(
        "write `undo { }` in the action, `undo nothing \"why\"` where nothing needs undoing, `on abort { }` for the "
        "whole plan, or move the point of no return before it");
  }
}

void check(Analysis &a) {
  points(a);
  undos(a);
}

}  // namespace

Rule undo_rule() {
  return {
      diagnostics::Kind::rule_undo, "undo",
      R"(Until its `point of no return` a plan can be aborted, by the `undo` of each action in reverse order. So every action that may start before
it has one, or says `undo nothing` with the reason, and the point stands where every run passes it. An undo is proved in its place: it
touches no other hosts, takes every state back, needs no gate (none is known when an abort starts), and takes nothing below its policy. One
`on abort { }` block for the whole plan takes the place of all of them; it is proved as a plan of its own from whatever an abort may find.)",

      // failing
      UPG_EXAMPLE_HEAD R"upg(
action update(h: host) {
  changes member on h
  run("apt-get", "-y", "upgrade") on h
  takes 2m..10m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  update(node1)
  await in_service(node1)
  point of no return "the others follow"
  update(node2)
  await in_service(node2)
}
)upg",
      // fixed
      UPG_EXAMPLE_HEAD R"upg(
action update(h: host) {
  changes member on h
  run("apt-get", "-y", "upgrade") on h
  takes 2m..10m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  point of no return "packages are not taken back"
  update(node1)
  await in_service(node1)
  update(node2)
  await in_service(node2)
}
)upg",
      check, false};
}

}  // namespace upg::safety
