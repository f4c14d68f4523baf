#include "compiler/lower/recursion.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "runtime/plan/bodies.h"
#include "runtime/plan/validate.h"

namespace upg::lower {
namespace {

enum Declaration : std::size_t { probes, states, sets, gates, actions, holds, procedures, kinds };
constexpr std::array<std::string_view, kinds> tables{"probes",  "states", "sets",      "gates",
                                                     "actions", "holds",  "procedures"};
constexpr std::array<std::string_view, kinds> words{"probe",  "state", "set of hosts", "gate",
                                                    "action", "hold",  "procedure"};

/// Which declaration needs which, and where it says so.
class Graph {
 public:
  explicit Graph(const plan::Plan &plan) : plan_(plan) {
    const std::array<std::size_t, kinds> sizes{plan.probes.size(),    plan.states.size(),  plan.sets.size(),
                                               plan.gates.size(),     plan.actions.size(), plan.holds.size(),
                                               plan.procedures.size()};
    for (std::size_t k = 0; k < kinds; ++k) base_[k + 1] = base_[k] + sizes[k];
    edges_.resize(base_[kinds]);
    plan::for_each_body(plan, [&](const plan::Body &body) {
      const auto *table = std::find(tables.begin(), tables.end(), body.table);
      if (table != tables.end()) tree(base_[static_cast<std::size_t>(table - tables.begin())] + body.record, body.root);
    });
    for (std::size_t i = 0; i < plan.holds.size(); ++i) {
      if (plan.holds[i].acquire.valid()) add(base_[holds] + i, base_[actions] + plan.holds[i].acquire.index, {});
      if (plan.holds[i].release.valid()) add(base_[holds] + i, base_[actions] + plan.holds[i].release.index, {});
    }
  }

  bool report(Context &context) const {
    enum : std::uint8_t { fresh, open, done };
    std::vector<std::uint8_t> color(edges_.size(), fresh);
    std::vector<std::size_t> cursor(edges_.size(), 0), length(edges_.size(), 1);
    bool found = false;
    std::vector<std::size_t> stack;
    for (std::size_t root = 0; root < edges_.size(); ++root) {
      if (color[root] != fresh) continue;
      color[root] = open;
      stack.push_back(root);
      while (!stack.empty()) {
        const std::size_t at = stack.back();
        if (cursor[at] == edges_[at].size()) {
          color[at] = done;
          stack.pop_back();
          if (!stack.empty()) length[stack.back()] = std::max(length[stack.back()], length[at] + 1);
          if (length[at] == plan::Limits::depth + 1) {
            context
                .error(Kind::nested_too_deeply, place(at),
                       fmt::format("the chain of what {} needs is longer than {}", name(at), plan::Limits::depth))
                .help("let each do more by itself: a chain this long is a list, and a list needs no names");
            found = true;
          }
          continue;
        }
        const Edge &edge = edges_[at][cursor[at]++];
        if (color[edge.to] == fresh) {
          color[edge.to] = open;
          stack.push_back(edge.to);
        } else if (color[edge.to] == done) {
          length[at] = std::max(length[at], length[edge.to] + 1);
        } else {
          cycle(context, stack, edge);
          found = true;
        }
      }
    }
    return found;
  }

 private:
  struct Edge {
    std::size_t to;
    NodeId where;
  };

  void add(std::size_t from, std::size_t to, NodeId where) { edges_[from].push_back({to, where}); }

  void tree(std::size_t from, NodeId root) {
    std::vector<NodeId> todo{root};
    while (!todo.empty()) {
      const NodeId id = todo.back();
      todo.pop_back();
      const plan::Node &node = plan_.node(id);
      switch (node.op) {
        case Op::ask_probe:
          add(from, base_[probes] + node.a, id);
          break;
        case Op::cell:
          add(from, base_[states] + node.a, id);
          break;
        case Op::set:
        case Op::set_live:
          add(from, base_[sets] + node.a, id);
          break;
        case Op::gate:
          add(from, base_[gates] + node.a, id);
          break;
        case Op::act:
          add(from, base_[actions] + node.a, id);
          break;
        case Op::call:
          add(from, base_[procedures] + node.a, id);
          break;
        case Op::held:
          add(from, base_[holds] + node.a, id);
          break;
        default:
          break;
      }
      const auto kids = plan_.kids(id);
      todo.insert(todo.end(), kids.rbegin(), kids.rend());
    }
  }

  void cycle(Context &context, const std::vector<std::size_t> &stack, const Edge &last) const {
    const auto begin = std::find(stack.begin(), stack.end(), last.to);
    std::string way;
    for (auto one = begin; one != stack.end(); ++one) way += name(*one) + " needs ";
    way += name(last.to);
    auto report =
        context.error(Kind::recursion, range(last.where, last.to), fmt::format("{} needs itself", name(last.to)));
    for (auto one = begin; one + 1 < stack.end(); ++one) {
      for (const Edge &edge : edges_[*one]) {
        if (edge.to != *(one + 1) || !edge.where.valid()) continue;
        report.label(range(edge.where, edge.to), "by way of this");
        break;
      }
    }
    report.note(way);
  }

  std::pair<std::size_t, std::size_t> entry(std::size_t number) const {
    std::size_t k = 0;
    while (number >= base_[k + 1]) ++k;
    return {k, number - base_[k]};
  }
  std::string name(std::size_t number) const {
    const auto [kind, i] = entry(number);
    plan::StringId id;
    switch (kind) {
      case probes:
        id = plan_.probes[i].name;
        break;
      case states:
        id = plan_.states[i].name;
        break;
      case sets:
        id = plan_.sets[i].name;
        break;
      case gates:
        id = plan_.gates[i].name;
        break;
      case actions:
        id = plan_.actions[i].name;
        break;
      case procedures:
        id = plan_.procedures[i].name;
        break;
      default:
        id = plan_.holds[i].name;
        break;
    }
    return fmt::format("{} `{}`", words[kind], plan_.text(id));
  }
  Range place(std::size_t number) const {
    const auto [kind, i] = entry(number);
    switch (kind) {
      case probes:
        return to_range(plan_.probes[i].where);
      case states:
        return to_range(plan_.states[i].where);
      case sets:
        return to_range(plan_.sets[i].where);
      case gates:
        return to_range(plan_.gates[i].where);
      case actions:
        return to_range(plan_.actions[i].where);
      case procedures:
        return to_range(plan_.procedures[i].where);
      default:
        return to_range(plan_.holds[i].where);
    }
  }
  static Range to_range(const plan::Span &span) {
    return span.valid() ? Range{{span.file}, span.begin, span.end} : Range{};
  }
  Range range(NodeId where, std::size_t other) const {
    return where.valid() ? to_range(plan_.span(where)) : place(other);
  }

  const plan::Plan &plan_;
  std::array<std::size_t, kinds + 1> base_{};
  std::vector<std::vector<Edge>> edges_;
};

}  // namespace

bool report_recursion(Context &context) { return Graph(context.build.plan).report(context); }

}  // namespace upg::lower
