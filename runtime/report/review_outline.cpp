#include "runtime/report/review_outline.h"

#include <fmt/format.h>

namespace upg::report {

using plan::NodeId;
using plan::Op;

namespace {
/// Deeper than this a procedure is told at the end instead of in place.
constexpr std::size_t kDeepest = 24;
}  // namespace

void Page::line(std::size_t depth, const std::string &text) {
  if (out_.size() > limit) return;
  if (!text.empty()) out_.append(depth * 2, ' ');
  out_ += text;
  out_ += '\n';
}
std::string Page::take() {
  if (out_.size() > limit) out_ += "... the rest is left out: the plan is too long to be shown\n";
  return std::move(out_);
}

std::string host_list(const plan::Plan &plan, const std::vector<plan::HostId> &hosts) {
  constexpr std::size_t most = 12;
  if (hosts.empty()) return "no host";
  std::string out;
  for (std::size_t i = 0; i < hosts.size() && i < most; ++i) {
    if (i > 0) out += i + 1 == hosts.size() ? " and " : ", ";
    out += shown(plan.text(plan.hosts[hosts[i].index].name), 80);
  }
  if (hosts.size() > most) out += fmt::format(" and {} more", hosts.size() - most);
  return out;
}

std::string waiver_text(const plan::Plan &plan, const plan::Waiver &waiver) {
  std::string out = shown(plan.text(waiver.rule), 80);
  if (waiver.role.valid()) out += " of " + shown(plan.text(plan.roles[waiver.role.index].name), 80);
  if (waiver.hold.valid()) out += " of " + shown(plan.text(plan.holds[waiver.hold.index].name), 80);
  if (waiver.at_most > 0) out += " for at most " + duration_text(waiver.at_most);
  out += waiver.until > 0 ? " until " + day_text(waiver.until - 1) : ", without an end";
  return out + ": " + shown(plan.text(waiver.reason));
}

std::string patience_text(const plan::Gate &gate) {
  std::string out = gate.deadline == 0 ? "asked once"
                                       : fmt::format("asked every {} for at most {}", duration_text(gate.poll),
                                                     duration_text(gate.deadline));
  if (gate.stable > 1) out += fmt::format(", {} passes in a row", gate.stable);
  return out;
}

Outline::Outline(const plan::Plan &plan, const plan::Locator &locator, Page &page)
    : plan_(plan), locator_(locator), page_(page), calls_(plan.procedures.size()) {}

void Outline::tell(NodeId node, std::size_t depth) { block(node, depth, {&plan_.frame, {}}); }

void Outline::tell_rest(std::size_t depth) {
  while (!later_.empty()) {
    const Later next = std::move(later_.front());
    later_.pop_front();
    const plan::Procedure &procedure = plan_.procedures[next.procedure];
    page_.line(depth, calls_[next.procedure].text);
    block(procedure.body, depth + 1, {&procedure.frame, next.names});
  }
}

void Outline::block(NodeId node, std::size_t depth, const Context &context) {
  for (const NodeId kid : plan_.kids(node)) statement(kid, depth, context);
}

std::string Outline::gate(NodeId node, const PlanText &text) const {
  const plan::Node &n = plan_.node(node);
  if (n.op == Op::in_service) return fmt::format("{}  (every role healthy)", text.text(node));
  if (n.op == Op::stoppable) return fmt::format("{}  (every role may be taken down)", text.text(node));
  return fmt::format("{}  ({})", text.text(node), patience_text(plan_.gates[n.a]));
}

void Outline::statement(NodeId node, std::size_t depth, const Context &context) {
  if (page_.full()) return;
  const plan::Node &n = plan_.node(node);
  const PlanText text(plan_, *context.frame, context.names);
  const auto kids = plan_.kids(node);
  switch (n.op) {
    case Op::let:
      page_.line(depth, fmt::format("let {} = {}", text.slot(n.a), text.text(kids[0])));
      return;
    case Op::await:
      page_.line(depth, "await " + gate(kids[0], text));
      return;
    case Op::act:
      act(node, depth, text);
      return;
    case Op::call:
      call(node, depth, text);
      return;
    case Op::with:
      with(node, depth, context);
      return;
    case Op::roll:
    case Op::visit:
      rollout(node, depth, context);
      return;
    case Op::dag:
      dag(node, depth, context);
      return;
    case Op::accept:
      accept(node, depth, context);
      return;
    case Op::for_data: {
      page_.line(depth, fmt::format("for each {} in {}, at most {}", text.slot(n.a), text.text(kids[0]), n.b));
      const plan::Node &condition = plan_.node(kids[1]);
      if (condition.op != Op::boolean || condition.a == 0) page_.line(depth + 1, "where " + text.text(kids[1]));
      block(kids[2], depth + 1, context);
      return;
    }
    case Op::parallel:
      for (std::size_t i = 0; i < kids.size(); ++i) {
        page_.line(depth, i == 0 ? "AT THE SAME TIME" : "and");
        block(kids[i], depth + 1, context);
      }
      return;
    case Op::branch:
      page_.line(depth, "if " + text.text(kids[0]));
      block(kids[1], depth + 1, context);
      if (plan_.kids(kids[2]).empty()) return;
      page_.line(depth, "else");
      block(kids[2], depth + 1, context);
      return;
    case Op::unless:
    case Op::expect_value: {
      const plan::State &state = plan_.states[plan_.node(kids[0]).a];
      const std::string claim =
          fmt::format("{} == {}", text.text(kids[0]), shown(plan_.text(state.values[n.a].name), 80));
      page_.line(depth, (n.op == Op::unless ? "unless " : "expect ") + claim);
      if (n.op == Op::unless) block(kids[1], depth + 1, context);
      return;
    }
    case Op::expect_true:
      page_.line(depth, "expect " + text.text(kids[0]));
      return;
    case Op::at_most:
      page_.line(depth, "within " + duration_text(plan_.integers[n.a]));
      block(kids[0], depth + 1, context);
      return;
    case Op::attempt:
      attempt(node, depth, context);
      return;
    case Op::no_return:
      page_.line(depth, "POINT OF NO RETURN: " + shown(plan_.strings[n.a]));
      return;
    case Op::confirm:
      page_.line(depth, fmt::format("a person answers: \"{}\"", shown(plan_.strings[n.a])));
      return;
    default:
      page_.line(depth, std::string(plan::info(n.op).name));
      return;
  }
}

void Outline::act(NodeId node, std::size_t depth, const PlanText &text) {
  const plan::Action &action = plan_.actions[plan_.node(node).a];
  std::string line = shown(plan_.text(action.name), 80) + text.arguments(node);
  if (action.operator_text.valid())
    line = fmt::format("A PERSON DOES {}: \"{}\"", line, shown(plan_.text(action.operator_text)));
  page_.line(depth, fmt::format("{}  ({} to {})", line, duration_text(action.typical), duration_text(action.worst)));
  if (action.effects.empty()) return;
  const PlanText inside(plan_, action.frame, text.argument_list(node));
  std::string effects;
  for (const NodeId effect : action.effects) {
    if (effects.size() > 2000) break;
    if (!effects.empty()) effects += "; ";
    effects += inside.text(effect);
  }
  page_.line(depth + 2, effects);
}

void Outline::call(NodeId node, std::size_t depth, const PlanText &text) {
  const std::size_t index = plan_.node(node).a;
  const plan::Procedure &procedure = plan_.procedures[index];
  const std::string line = shown(plan_.text(procedure.name), 80) + text.arguments(node);
  Call &first = calls_[index];
  if (first.told) {
    page_.line(depth, line == first.text ? line + "  (as above)" : fmt::format("{}  (as {} above)", line, first.text));
    return;
  }
  first = {line, true};
  if (depth > kDeepest) {
    page_.line(depth, line + "  (told below)");
    later_.push_back({index, text.argument_list(node)});
    return;
  }
  page_.line(depth, line);
  block(procedure.body, depth + 1, {&procedure.frame, text.argument_list(node)});
}

void Outline::with(NodeId node, std::size_t depth, const Context &context) {
  const NodeId held = plan_.kid(node, 0);
  const plan::Hold &hold = plan_.holds[plan_.node(held).a];
  const PlanText text(plan_, *context.frame, context.names);
  const std::string name = text.text(held);
  page_.line(depth, fmt::format("hold {}  (if the run halts: {})", name, plan::name_of(hold.on_halt)));
  block(plan_.kid(node, 1), depth + 1, context);
  page_.line(depth, "release " + name);
}

void Outline::rollout(NodeId node, std::size_t depth, const Context &context) {
  const plan::Node &n = plan_.node(node);
  const plan::Rollout &rollout = plan_.rollouts[n.a];
  const plan::HostSet &set = plan_.sets[rollout.hosts.index];
  const PlanText text(plan_, *context.frame, context.names);
  std::string line = fmt::format("for each {} in {}", text.slot(rollout.slot), host_list(plan_, set.hosts));
  if (n.op == Op::roll) {
    line += rollout.batch == 1 ? ", one after the other" : fmt::format(", UP TO {} AT A TIME", rollout.batch);
    if (rollout.per.valid())
      line += fmt::format(", at most {} per {}", rollout.per_batch, shown(plan_.text(rollout.per), 80));
    if (rollout.canary > 0) line += fmt::format(", the first {} alone", rollout.canary);
    if (rollout.soak > 0) line += fmt::format(", then {} of watching", duration_text(rollout.soak));
    if (rollout.tolerant) line += ", LOST HOSTS ARE TOLERATED";
    if (rollout.at_most > 0) line += fmt::format(", at most {} each", duration_text(rollout.at_most));
  }
  page_.line(depth, line);
  block(plan_.kid(node, 0), depth + 1, context);
}

void Outline::attempt(NodeId node, std::size_t depth, const Context &context) {
  const PlanText text(plan_, *context.frame, context.names);
  const auto kids = plan_.kids(node);
  page_.line(depth, fmt::format("attempt, {} times at most", plan_.node(node).a));
  block(kids[0], depth + 1, context);
  bool ends = false;
  for (const NodeId kid : kids.subspan(1)) {
    if (plan_.node(kid).op == Op::recover) {
      page_.line(depth, "if that failed and " + text.text(plan_.kid(kid, 0)));
      block(plan_.kid(kid, 1), depth + 1, context);
      page_.line(depth + 1, "then again from its start, done steps skipped");
    } else {
      ends = true;
      page_.line(depth, "otherwise");
      block(kid, depth + 1, context);
      page_.line(depth + 1, "then the run halts");
    }
  }
  if (!ends) page_.line(depth, "otherwise the run halts");
}

void Outline::dag(NodeId node, std::size_t depth, const Context &context) {
  const auto kids = plan_.kids(node);
  for (const NodeId kid : kids) {
    const plan::Phase &phase = plan_.phases[plan_.node(kid).a];
    std::string line = "phase " + shown(plan_.text(phase.name), 80);
    for (std::size_t i = 0; i < phase.after.size() && i < 50; ++i) {
      const plan::Phase &earlier = plan_.phases[plan_.node(kids[phase.after[i]]).a];
      line += (i == 0 ? ", after " : ", ") + shown(plan_.text(earlier.name), 80);
    }
    page_.line(depth, line);
    block(plan_.kid(kid, 0), depth + 1, context);
  }
}

void Outline::accept(NodeId node, std::size_t depth, const Context &context) {
  const plan::Waiver &waiver = plan_.waivers[plan_.node(node).a];
  page_.line(depth, "ACCEPTED from here: " + waiver_text(plan_, waiver));
  // what it covers stands at the same depth: in the source it is the rest of the block around it
  block(plan_.kid(node, 0), depth, context);
}

}  // namespace upg::report
