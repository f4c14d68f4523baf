// Two plans: what gates wait for, what actions, holds and states say and do.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/report/diff_parts.h"
#include "runtime/report/review_outline.h"

namespace upg::report {
namespace {

using plan::NodeId;
using plan::Op;

template <class T>
auto names_of(const Side &s) {
  return [&s](const T &one) { return s.name(one.name); };
}

/// Trees of one list by their prints: each with the text that is shown.
struct Tree {
  std::string print, text;
  plan::Span where;
};
std::vector<Tree> trees(const Side &s, const std::vector<NodeId> &nodes, const plan::Frame &frame) {
  const PlanText text(s.plan, frame);
  const std::vector<std::string> slots = parameter_slots(frame);
  std::vector<Tree> out;
  for (const NodeId n : nodes) out.push_back({print_of(s.plan, n, slots), text.text(n), s.plan.span(n)});
  return out;
}

void lists(Comparison &c, const std::string &subject, const std::vector<Tree> &before, const std::vector<Tree> &after,
           ChangeKind dropped, ChangeKind added) {
  const auto print = [](const Tree &t) { return t.print; };
  for (const auto &[x, y] : paired(before, after, print, print)) {
    if (y == nullptr) c.add(dropped, subject, {.before = x->text, .at_before = x->where});
    if (x == nullptr) c.add(added, subject, {.after = y->text, .at_after = y->where});
  }
}

/// A tree that stands alone, such as the condition of a gate.
void tree(Comparison &c, ChangeKind kind, const std::string &subject, const char *what, NodeId x,
          const plan::Frame &frame_x, NodeId y, const plan::Frame &frame_y, plan::Span at_x, plan::Span at_y) {
  if (print_of(c.a.plan, x, parameter_slots(frame_x)) == print_of(c.b.plan, y, parameter_slots(frame_y))) return;
  const auto text = [](const Side &s, NodeId node, const plan::Frame &frame) {
    return node.valid() ? PlanText(s.plan, frame).text(node) : std::string("none");
  };
  c.add(kind, subject, {what, text(c.a, x, frame_x), text(c.b, y, frame_y), at_x, at_y});
}

std::string watch_text(const Side &s, const plan::Gate &g) {
  if (g.watch_kind != plan::WatchKind::written) return std::string(plan::name_of(g.watch_kind));
  const PlanText text(s.plan, g.frame);
  std::vector<std::string> parts;
  for (const plan::Watch &w : g.watches) {
    std::string out;
    if (w.role.valid()) out = s.name(s.plan.roles[w.role.index].name);
    if (w.hold.valid()) out = s.name(s.plan.holds[w.hold.index].name);
    if (w.state.valid()) out = s.name(s.plan.states[w.state.index].name);
    for (const NodeId n : w.arguments) out += " " + text.text(n);
    parts.push_back(std::move(out));
  }
  std::sort(parts.begin(), parts.end());
  std::string out;
  for (const std::string &part : parts) out += (out.empty() ? "" : ", ") + part;
  return out;
}

template <class Id, class Table>
std::string id_names(const Side &s, const std::vector<Id> &ids, const Table &table) {
  std::vector<std::string> names;
  for (const Id id : ids) names.push_back(s.name(table[id.index].name));
  std::sort(names.begin(), names.end());
  std::string out;
  for (const std::string &name : names) out += (out.empty() ? "" : ", ") + name;
  return out.empty() ? "none" : out;
}

/// Whether a list of names, `, ` between them, misses one that the other has.
bool loses_one(std::string_view before, std::string_view after) {
  const auto has = [&](std::string_view name) {
    for (std::size_t at = after.find(name); at != std::string_view::npos; at = after.find(name, at + 1)) {
      const std::size_t end = at + name.size();
      if ((at == 0 || after[at - 1] == ' ') && (end == after.size() || after[end] == ',')) return true;
    }
    return false;
  };
  while (true) {
    const std::size_t comma = before.find(", ");
    if (!has(before.substr(0, comma))) return true;
    if (comma == std::string_view::npos) return false;
    before.remove_prefix(comma + 2);
  }
}
/// A list that lost a name promises less; one that only gained is different.
void names_changed(Comparison &c, ChangeKind kind, const std::string &subject, const char *what,
                   const std::string &before, const std::string &after, plan::Span at_before, plan::Span at_after) {
  if (before == after) return;
  c.add(kind, before != "none" && loses_one(before, after) ? Danger::weaker : Danger::different, subject,
        {what, before, after, at_before, at_after});
}

void one_gate(Comparison &c, const plan::Gate &x, const plan::Gate &y) {
  const std::string subject = "gate " + c.a.name(x.name);
  // Of a conjunction that lost a part the new plan asks less; anything else a person has to judge.
  const std::string before = print_of(c.a.plan, x.pass, parameter_slots(x.frame));
  const std::string after = print_of(c.b.plan, y.pass, parameter_slots(y.frame));
  if (before != after) {
    const bool less = before.find(after) != std::string::npos && before.starts_with("(both");
    const bool more = after.find(before) != std::string::npos && after.starts_with("(both");
    tree(c,
         less   ? ChangeKind::gate_weakened
         : more ? ChangeKind::gate_strengthened
                : ChangeKind::gate_changed,
         subject, "it passes when", x.pass, x.frame, y.pass, y.frame, x.where, y.where);
  }
  tree(c, y.fail.valid() ? ChangeKind::gate_changed : ChangeKind::gate_weakened, subject, "it fails at once when",
       x.fail, x.frame, y.fail, y.frame, x.where, y.where);
  if (x.stable != y.stable)
    c.add(y.stable < x.stable ? ChangeKind::gate_weakened : ChangeKind::gate_strengthened, subject,
          {"passes in a row", std::to_string(x.stable), std::to_string(y.stable), x.where, y.where});
  if (x.stable > 1 && y.stable > 1 && x.poll != y.poll)
    c.add(y.poll < x.poll ? ChangeKind::gate_weakened : ChangeKind::gate_strengthened, subject,
          {"time between two of them", duration_text(x.poll), duration_text(y.poll), x.where, y.where});
  const auto patience = [](const plan::Gate &g) { return g.deadline == 0 ? "asked once" : duration_text(g.deadline); };
  c.differ(ChangeKind::deadline, subject, "how long it is waited for", patience(x), patience(y), x.where, y.where);
  const std::string watched = watch_text(c.a, x), watches = watch_text(c.b, y);
  if (watched != watches) {
    // What the author listed is listed no longer, as a whole or in part.
    const bool listed = x.watch_kind == plan::WatchKind::written;
    const bool less = y.watch_kind == plan::WatchKind::nothing || (listed && loses_one(watched, watches));
    c.add(less ? ChangeKind::gate_weakened : ChangeKind::gate_changed, subject,
          {"what makes a pass stale", watched, watches, x.where, y.where});
  }
  c.differ(ChangeKind::gate_changed, subject, "whose guests a pass proves gone",
           id_names(c.a, x.clears, c.a.plan.roles), id_names(c.b, y.clears, c.b.plan.roles), x.where, y.where);
}

/// What will be typed, command by command. Two commands are the same if their trees are.
std::vector<Tree> command_trees(const Side &s, NodeId root, const plan::Frame &frame) {
  std::vector<Tree> out;
  if (!root.valid()) return out;
  const PlanText text(s.plan, frame);
  const std::vector<std::string> slots = parameter_slots(frame);
  std::vector<NodeId> open{root};
  while (!open.empty()) {
    const NodeId at = open.back();
    open.pop_back();
    const plan::Node &n = s.plan.node(at);
    const auto kids = s.plan.kids(at);
    if (n.op == Op::run || n.op == Op::shell) {
      const std::string options = text.options(at);
      out.push_back(
          {print_of(s.plan, at, slots),
           fmt::format("{} {}{}{}", text.command_line(at), text.where(at), options.empty() ? "" : ", ", options),
           s.plan.span(at)});
    }
    open.insert(open.end(), kids.rbegin(), kids.rend());
  }
  return out;
}

void commands(Comparison &c, const std::string &subject, const plan::Action &x, const plan::Action &y) {
  if (print_of(c.a.plan, x.body, parameter_slots(x.frame)) == print_of(c.b.plan, y.body, parameter_slots(y.frame)))
    return;
  const std::vector<Tree> before = command_trees(c.a, x.body, x.frame), after = command_trees(c.b, y.body, y.frame);
  std::size_t head = 0, tail = 0;
  const std::size_t shorter = std::min(before.size(), after.size());
  while (head < shorter && before[head].print == after[head].print) ++head;
  while (tail < shorter - head && before[before.size() - 1 - tail].print == after[after.size() - 1 - tail].print)
    ++tail;
  const auto joined = [&](const std::vector<Tree> &all) {
    std::string out;
    for (std::size_t i = head; i + tail < all.size(); ++i) out += (out.empty() ? "" : "; ") + all[i].text;
    return out;
  };
  const std::string old_ones = joined(before), new_ones = joined(after);
  c.add(ChangeKind::commands, subject,
        {old_ones == new_ones ? "when its commands run" : "", old_ones, new_ones, x.where, y.where});
}

void one_action(Comparison &c, const std::string &subject, const plan::Action &x, const plan::Action &y) {
  const auto both = [&](const std::vector<NodeId> plan::Action::*list, ChangeKind dropped, ChangeKind added) {
    lists(c, subject, trees(c.a, x.*list, x.frame), trees(c.b, y.*list, y.frame), dropped, added);
  };
  both(&plan::Action::effects, ChangeKind::effect_dropped, ChangeKind::effect_added);
  both(&plan::Action::needs, ChangeKind::need_dropped, ChangeKind::need_added);
  const auto narrowed = [](const plan::Plan &plan, const plan::Action &a) {
    return std::any_of(a.effects.begin(), a.effects.end(), [&](NodeId e) { return plan.node(e).op == Op::reaches; });
  };
  if (!narrowed(c.a.plan, x) && narrowed(c.b.plan, y))
    c.add(ChangeKind::contract_changed, Danger::weaker, subject,
          {"what its commands may touch", "anything, unless they stay on its hosts", "only what it says", x.where,
           y.where});
  commands(c, subject, x, y);
  const auto text = [&](const char *what, const std::string &p, const std::string &q) {
    c.differ(ChangeKind::contract_changed, subject, what, p, q, x.where, y.where);
  };
  tree(c, ChangeKind::contract_changed, subject, "it is done when", x.done_when, x.frame, y.done_when, y.frame, x.where,
       y.where);
  text("a person does it", c.a.name(x.operator_text), c.b.name(y.operator_text));
  const auto retry = [](const plan::Action &a) {
    return a.retries == 0 ? std::string("not retried")
                          : fmt::format("{} retries every {}", a.retries, duration_text(a.retry_delay));
  };
  text("what follows a failure", retry(x), retry(y));
  text("it may run twice", x.idempotent ? "yes" : "no", y.idempotent ? "yes" : "no");
  if (x.once != y.once)
    c.add(ChangeKind::contract_changed, x.once ? Danger::weaker : Danger::stronger, subject,
          {"how often it may start in the life of the plan", x.once ? "once" : "any number of times",
           y.once ? "once" : "any number of times", x.where, y.where});
  const auto undo = [](const Side &s, const plan::Action &a) {
    if (a.undo_kind == plan::UndoKind::action) return s.name(s.plan.actions[a.undo.index].name);
    return a.undo_kind == plan::UndoKind::nothing ? "nothing needed: " + s.name(a.undo_reason) : std::string("none");
  };
  text("its undo", undo(c.a, x), undo(c.b, y));
  const auto takes = [](const plan::Action &a) {
    return fmt::format("{}..{}", duration_text(a.typical), duration_text(a.worst));
  };
  c.differ(ChangeKind::duration, subject, "takes", takes(x), takes(y), x.where, y.where);
}

void one_state(Comparison &c, const plan::State &x, const plan::State &y) {
  const std::string subject = "state " + c.a.name(x.name);
  const auto values = [](const Side &s, const plan::State &state) {
    std::string out;
    for (const plan::StateValue &v : state.values)
      out += (out.empty() ? "" : ", ") + std::string(v.transient ? "transient " : "") + s.name(v.name);
    for (const plan::BootMove &m : state.on_boot)
      out += fmt::format("; a boot moves {} to {}", s.name(state.values[m.from].name), s.name(state.values[m.to].name));
    return out;
  };
  const std::string had = values(c.a, x), has = values(c.b, y);
  const auto armed = [](const plan::State &state) {
    return std::count_if(state.values.begin(), state.values.end(), [](const auto &v) { return v.transient; });
  };
  if (had != has)
    c.add(ChangeKind::state_changed,
          armed(y) < armed(x) || y.on_boot.size() < x.on_boot.size() ? Danger::weaker : Danger::different, subject,
          {"its values", had, has, x.where, y.where});
  tree(c, ChangeKind::question_changed, subject, "how it is observed", x.observe, x.frame, y.observe, y.frame, x.where,
       y.where);
  const auto taints = [](const Side &s, const plan::State &state) {
    std::string out;
    for (const plan::StateTaint &t : state.taints) {
      for (const std::uint32_t v : t.values) out += s.name(state.values[v].name) + ' ';
      out += "taints " + id_names(s, t.gates, s.plan.gates) + "; ";
    }
    return out;
  };
  const std::string tainted = taints(c.a, x), now = taints(c.b, y);
  if (tainted != now)
    c.add(ChangeKind::state_changed, y.taints.size() < x.taints.size() ? Danger::weaker : Danger::different, subject,
          {"what it taints", tainted, now, x.where, y.where});
}

void one_hold(Comparison &c, const plan::Hold &x, const plan::Hold &y) {
  const std::string subject = "hold " + c.a.name(x.name);
  tree(c, ChangeKind::question_changed, subject, "how it is observed", x.observe, x.frame, y.observe, y.frame, x.where,
       y.where);
  names_changed(c, ChangeKind::hold_changed, subject, "what it taints", id_names(c.a, x.taints, c.a.plan.gates),
                id_names(c.b, y.taints, c.b.plan.gates), x.where, y.where);
  const auto word = [&](const char *what, plan::Afterwards p, plan::Afterwards q) {
    c.differ(ChangeKind::hold_changed, subject, what, std::string(plan::name_of(p)), std::string(plan::name_of(q)),
             x.where, y.where);
  };
  word("when the run halts", x.on_halt, y.on_halt);
  word("while a window is waited for", x.on_wait, y.on_wait);
}

/// Acquire and release are compared under the name of their hold.
std::vector<std::string> action_names(const Side &s) {
  std::vector<std::string> out;
  for (const plan::Action &a : s.plan.actions) out.push_back("action " + s.name(a.name));
  for (const plan::Hold &h : s.plan.holds) {
    out[h.acquire.index] = "acquire of " + s.name(h.name);
    out[h.release.index] = "release of " + s.name(h.name);
  }
  return out;
}

}  // namespace

void compare_gates(Comparison &c) {
  const auto &x_gates = c.a.plan.gates;
  for (const auto &[x, y] : paired(x_gates, c.b.plan.gates, names_of<plan::Gate>(c.a), names_of<plan::Gate>(c.b))) {
    if (x != nullptr && y != nullptr) one_gate(c, *x, *y);  // that one is gone is told where it was asked
  }
  for (const auto &[x, y] :
       paired(c.a.plan.probes, c.b.plan.probes, names_of<plan::Probe>(c.a), names_of<plan::Probe>(c.b))) {
    if (x == nullptr || y == nullptr) continue;
    tree(c, ChangeKind::question_changed, "probe " + c.a.name(x->name), "what it answers", x->body, x->frame, y->body,
         y->frame, x->where, y->where);
  }
  for (const auto &[x, y] :
       paired(c.a.plan.sets, c.b.plan.sets, names_of<plan::HostSet>(c.a), names_of<plan::HostSet>(c.b))) {
    if (x == nullptr || y == nullptr || !x->condition.valid() || !y->condition.valid()) continue;
    tree(c, ChangeKind::question_changed, "hosts " + c.a.name(x->name), "which they are", x->condition, x->frame,
         y->condition, y->frame, x->where, y->where);
  }
}

void compare_actions(Comparison &c) {
  const std::vector<std::string> before = action_names(c.a), after = action_names(c.b);
  const auto of = [](const std::vector<plan::Action> &table, const std::vector<std::string> &names) {
    return [&table, &names](const plan::Action &a) { return names[static_cast<std::size_t>(&a - table.data())]; };
  };
  const auto name_before = of(c.a.plan.actions, before);
  for (const auto &[x, y] : paired(c.a.plan.actions, c.b.plan.actions, name_before, of(c.b.plan.actions, after))) {
    if (x != nullptr && y != nullptr) one_action(c, name_before(*x), *x, *y);
  }
}

void compare_states_and_holds(Comparison &c) {
  for (const auto &[x, y] :
       paired(c.a.plan.states, c.b.plan.states, names_of<plan::State>(c.a), names_of<plan::State>(c.b))) {
    if (x != nullptr && y != nullptr) one_state(c, *x, *y);
    if (x != nullptr && y == nullptr)
      c.add(ChangeKind::state_changed, "state " + c.a.name(x->name),
            {.text = "no longer followed", .at_before = x->where});
  }
  for (const auto &[x, y] :
       paired(c.a.plan.holds, c.b.plan.holds, names_of<plan::Hold>(c.a), names_of<plan::Hold>(c.b))) {
    if (x != nullptr && y != nullptr) one_hold(c, *x, *y);
  }
}

}  // namespace upg::report
