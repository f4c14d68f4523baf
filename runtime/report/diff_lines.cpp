// A body as lines that can be compared, and which line of one body is which of the other.
#include "runtime/report/diff_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "runtime/report/review_outline.h"

namespace upg::report {
namespace {

using plan::NodeId;
using plan::Op;

class Lines {
 public:
  Lines(const Side &side, const plan::Frame &frame) : side_(side), plan_(side.plan), text_(side.plan, frame) {
    slots_.resize(frame.slots.size());
    for (std::size_t i = 0; i < frame.parameters.size(); ++i) slots_[i] = fmt::format("${}", i);
  }

  void block(NodeId node, std::size_t parent) {
    for (const NodeId kid : plan_.kids(node)) statement(kid, parent);
  }
  std::vector<Line> take() { return std::move(lines_); }

 private:
  std::size_t put(NodeId node, std::string head, std::string print, std::string words, std::size_t parent) {
    lines_.push_back({plan_.node(node).op, node, std::move(head), std::move(print), std::move(words), parent});
    return lines_.size() - 1;
  }
  std::string print(NodeId node) const { return print_of(plan_, node, slots_); }
  std::string arguments(NodeId use) const {
    std::string out;
    for (const NodeId kid : plan_.kids(use)) out += print(kid);
    return out;
  }

  void statement(NodeId node, std::size_t parent) {
    const plan::Node &n = plan_.node(node);
    const auto kids = plan_.kids(node);
    switch (n.op) {
      case Op::await: {
        const plan::Node &gate = plan_.node(kids[0]);
        const std::string name =
            gate.op == Op::gate ? side_.name(plan_.gates[gate.a].name) : std::string(plan::info(gate.op).name);
        put(node, "await " + name, arguments(kids[0]), text_.text(kids[0]), parent);
        return;
      }
      case Op::act:
        put(node, "act " + side_.name(plan_.actions[n.a].name), arguments(node),
            side_.name(plan_.actions[n.a].name) + text_.arguments(node), parent);
        return;
      case Op::call:
        put(node, "call " + side_.name(plan_.procedures[n.a].name), arguments(node),
            side_.name(plan_.procedures[n.a].name) + text_.arguments(node), parent);
        return;
      case Op::with: {
        const plan::Node &held = plan_.node(kids[0]);
        const std::size_t own = put(node, "with " + side_.name(plan_.holds[held.a].name), arguments(kids[0]),
                                    "with " + text_.text(kids[0]), parent);
        return block(kids[1], own);
      }
      case Op::roll:
      case Op::visit: {
        const plan::Rollout &rollout = plan_.rollouts[n.a];
        const std::string set = set_text(plan_, rollout.hosts);
        slots_[rollout.slot] = fmt::format("each {}", depth_);  // the same turn whatever the set is
        const std::size_t own = put(
            node, n.op == Op::roll ? "rolling" : "for", set,
            fmt::format("{} {} in {}", n.op == Op::roll ? "rolling" : "for", text_.slot(rollout.slot), set), parent);
        ++depth_;
        block(kids[0], own);
        --depth_;
        return;
      }
      case Op::phase: {
        const plan::Phase &phase = plan_.phases[n.a];
        const std::string name = "phase " + side_.name(phase.name);
        const std::size_t own = put(node, name, "", name, parent);
        lines_[own].dag = dag_;
        return block(kids[0], own);
      }
      case Op::dag: {
        const NodeId outer = std::exchange(dag_, node);
        for (const NodeId kid : kids) statement(kid, parent);
        dag_ = outer;
        return;
      }
      case Op::parallel: {
        const std::size_t own = put(node, "parallel", std::to_string(kids.size()), "parallel", parent);
        for (std::size_t i = 0; i < kids.size(); ++i)
          block(kids[i], put(kids[i], fmt::format("arm {}", i), "", fmt::format("part {} of parallel", i + 1), own));
        return;
      }
      case Op::branch: {
        const std::size_t own = put(node, "if", print(kids[0]), "if " + text_.text(kids[0]), parent);
        block(kids[1], own);
        if (!plan_.kids(kids[2]).empty()) block(kids[2], put(kids[2], "else", "", "else", own));
        return;
      }
      case Op::unless:
      case Op::expect_value: {
        const plan::State &state = plan_.states[plan_.node(kids[0]).a];
        const std::string value = side_.name(state.values[n.a].name);
        const std::string word(n.op == Op::unless ? "unless " : "expect ");
        const std::size_t own = put(node, word + side_.name(state.name), print(kids[0]) + " == " + value,
                                    fmt::format("{}{} == {}", word, text_.text(kids[0]), value), parent);
        if (n.op == Op::unless) block(kids[1], own);
        return;
      }
      case Op::expect_true:
        put(node, "expect", print(kids[0]), "expect " + text_.text(kids[0]), parent);
        return;
      case Op::let:
        slots_[n.a] = print(kids[0]);
        put(node, "let", slots_[n.a], "let ... = " + text_.text(kids[0]), parent);
        return;
      case Op::for_data: {
        slots_[n.a] = "item of " + print(kids[0]);
        const std::size_t own =
            put(node, "for data", print(kids[0]) + print(kids[1]), "for each of " + text_.text(kids[0]), parent);
        return block(kids[2], own);
      }
      case Op::at_most:
        return block(kids[0], put(node, "at most", "", "at most", parent));
      case Op::attempt: {
        const std::size_t own = put(node, "attempt", "", "attempt", parent);
        block(kids[0], own);
        for (const NodeId kid : kids.subspan(1)) {
          if (plan_.node(kid).op != Op::recover) {
            block(kid, put(kid, "otherwise", "", "otherwise", own));
            continue;
          }
          const NodeId condition = plan_.kid(kid, 0);
          block(plan_.kid(kid, 1), put(kid, "recover", print(condition), "recover when " + text_.text(condition), own));
        }
        return;
      }
      case Op::accept: {
        const plan::Waiver &w = plan_.waivers[n.a];
        std::string what = side_.name(w.rule);
        if (w.role.valid()) what += " of " + side_.name(plan_.roles[w.role.index].name);
        if (w.hold.valid()) what += " of " + side_.name(plan_.holds[w.hold.index].name);
        return block(kids[0], put(node, "accept " + what, "", "accept " + what, parent));
      }
      case Op::no_return:
        put(node, "no return", "", "point of no return", parent);
        return;
      case Op::confirm:
        put(node, "ask", std::string(plan_.strings[n.a]), "ask \"" + shown(plan_.strings[n.a]) + "\"", parent);
        return;
      default:
        put(node, std::string(plan::info(n.op).name), print(node), std::string(plan::info(n.op).name), parent);
        return;
    }
  }

  const Side &side_;
  const plan::Plan &plan_;
  PlanText text_;
  std::vector<std::string> slots_;
  std::size_t depth_ = 0;  // of rollouts
  NodeId dag_;             // around the line
  std::vector<Line> lines_;
};

class Matcher {
 public:
  Matcher(const std::vector<Line> &a, const std::vector<Line> &b) : a_(a), b_(b) {
    found_.to_b.assign(a.size(), kNoLine);
    found_.to_a.assign(b.size(), kNoLine);
    found_.moved.assign(a.size(), false);
    in_order();
    pair_rest([](const Line &l) { return l.head + '\n' + l.print; }, true);
    pair_rest([](const Line &l) { return l.head; }, false);
  }
  Matching take() { return std::move(found_); }

 private:
  void join(std::size_t i, std::size_t j, bool elsewhere) {
    found_.to_b[i] = j;
    found_.to_a[j] = i;
    found_.moved[i] = elsewhere;
  }

  void in_order() {
    std::unordered_map<std::string, std::uint32_t> ids;
    const auto numbered = [&](const std::vector<Line> &lines) {
      std::vector<std::uint32_t> out;
      for (const Line &l : lines)
        out.push_back(ids.emplace(l.head + '\n' + l.print, static_cast<std::uint32_t>(ids.size())).first->second);
      return out;
    };
    const std::vector<std::uint32_t> x = numbered(a_), y = numbered(b_);
    std::size_t head = 0, tail = 0;
    const std::size_t shorter = std::min(x.size(), y.size());
    while (head < shorter && x[head] == y[head]) ++head;
    while (tail < shorter - head && x[x.size() - 1 - tail] == y[y.size() - 1 - tail]) ++tail;
    for (std::size_t i = 0; i < head; ++i) join(i, i, false);
    for (std::size_t i = 1; i <= tail; ++i) join(x.size() - i, y.size() - i, false);
    const std::size_t rows = x.size() - head - tail, columns = y.size() - head - tail;
    constexpr std::size_t kMostCells = 16'000'000;
    if (rows == 0 || columns == 0 || columns + 1 > kMostCells / (rows + 1)) return;  // too different: by name alone
    std::vector<std::uint32_t> longest((rows + 1) * (columns + 1), 0);
    const auto at = [&](std::size_t i, std::size_t j) -> std::uint32_t & { return longest[i * (columns + 1) + j]; };
    for (std::size_t i = rows; i-- > 0;) {
      for (std::size_t j = columns; j-- > 0;)
        at(i, j) = x[head + i] == y[head + j] ? at(i + 1, j + 1) + 1 : std::max(at(i + 1, j), at(i, j + 1));
    }
    for (std::size_t i = 0, j = 0; i < rows && j < columns;) {
      if (x[head + i] == y[head + j]) {
        join(head + i++, head + j++, false);
      } else if (at(i + 1, j) >= at(i, j + 1)) {
        ++i;
      } else {
        ++j;
      }
    }
  }

  template <class Key>
  void pair_rest(Key &&key, bool elsewhere) {
    std::unordered_map<std::string, std::vector<std::size_t>> open;
    for (std::size_t j = b_.size(); j-- > 0;) {
      if (found_.to_a[j] == kNoLine) open[key(b_[j])].push_back(j);
    }
    for (std::size_t i = 0; i < a_.size(); ++i) {
      if (found_.to_b[i] != kNoLine) continue;
      const auto home = open.find(key(a_[i]));
      if (home == open.end() || home->second.empty()) continue;
      join(i, home->second.back(), elsewhere);
      home->second.pop_back();
    }
  }

  const std::vector<Line> &a_;
  const std::vector<Line> &b_;
  Matching found_;
};

}  // namespace

std::vector<Line> lines_of(const Side &side, const plan::Frame &frame, NodeId body) {
  Lines lines(side, frame);
  if (body.valid()) lines.block(body, kNoLine);
  return lines.take();
}

Matching match(const std::vector<Line> &a, const std::vector<Line> &b) { return Matcher(a, b).take(); }

}  // namespace upg::report
