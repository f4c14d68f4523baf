#include "compiler/lower/statements.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>

#include "runtime/plan/validate.h"
#include "runtime/safety/rules/table.h"

namespace upg::lower {
namespace {

using sema::SymbolKind;

/// Names of the checker's rules that may be waived.
std::vector<std::string_view> waivable_rules() {
  std::vector<std::string_view> names;
  for (const safety::Rule &rule : safety::rules()) {
    if (rule.waivable) names.push_back(rule.name);
  }
  return names;
}

/// Seconds since 1970 of the end of that day, UTC.
std::int64_t end_of_day(const ast::DateLiteral &date) {
  const std::chrono::sys_days day =
      std::chrono::year{date.year} / std::chrono::month{date.month} / std::chrono::day{date.day};
  return (std::int64_t{day.time_since_epoch().count()} + 1) * 86400;
}

std::vector<const ast::Statement *> pointers(const ast::Block &block) {
  std::vector<const ast::Statement *> result;
  for (const ast::Statement &statement : block.statements) result.push_back(&statement);
  return result;
}

}  // namespace

bool Statements::may_act(Range range, std::string_view what, Body &body) {
  body.acts = true;
  if (!body.only_asks()) return true;
  context_
      ->error(Kind::act_in_question, range,
              fmt::format("{} in {}", what, body.place == Place::preflight ? "the preflight" : "the postflight"))
      .note("a preflight only asks, so that it can run at any time and change nothing; a postflight only confirms")
      .help("move it into the plan itself");
  return false;
}

NodeId Statements::block(const ast::Block &written, Body &body) {
  if (written.statements.empty() && context_->complete(body.module)) {
    context_->error(Kind::empty_block, written.range, "this block does nothing");
  }
  const std::vector<const ast::Statement *> statements = pointers(written);
  return block(statements, written.range, body);
}

NodeId Statements::block(std::span<const ast::Statement *const> statements, Range range, Body &body) {
  const std::size_t outer = body.locals.size();
  std::vector<NodeId> list;
  sequence(statements, range, body, list);
  context_->leave(body, outer);
  return context_->node(Op::block, range, 0, 0, list);
}

NodeId Statements::inner(const ast::Block &written, Body &body) {
  const bool spine = body.spine;
  body.spine = false;
  const NodeId node = block(written, body);
  body.spine = spine;
  return node;
}

void Statements::sequence(std::span<const ast::Statement *const> statements, Range range, Body &body,
                          std::vector<NodeId> &out) {
  for (std::size_t i = 0; i < statements.size(); ++i) {
    const ast::Statement &one = *statements[i];
    const bool admits = body.admits;
    if (one.as<ast::AdmitStatement>() == nullptr) body.admits = false;
    if (one.as<ast::PhaseStatement>() != nullptr) {
      std::size_t end = i + 1;
      while (end < statements.size() && statements[end]->as<ast::PhaseStatement>() != nullptr) ++end;
      out.push_back(dag(statements.subspan(i, end - i), body));
      i = end - 1;
      continue;
    }
    if (const auto *waiver = one.as<ast::AcceptStatement>(); waiver != nullptr && !waiver->body) {
      const auto rest = statements.subspan(i + 1);
      if (rest.empty())
        context_->error(Kind::empty_block, one.range, "nothing stands behind this `accept`, so it accepts nothing");
      const NodeId covered = block(
          rest,
          rest.empty() ? one.range : join(rest.front()->range, Range{range.file, range.begin, rest.back()->range.end}),
          body);
      const NodeId node = accept(*waiver, one.range, covered, body);
      if (node.valid()) out.push_back(node);
      return;
    }
    if (const auto *admit = one.as<ast::AdmitStatement>()) {
      if (!admits) {
        context_->error(Kind::misplaced, one.range, "`admit` stands outside a rollout, or not first in it")
            .note("what it asks decides whether a host is admitted to its iteration");
      }
      const std::size_t outer = body.locals.size();
      const bool acts = body.acts;
      body.acts = false;
      sequence(pointers(admit->body), admit->body.range, body, out);
      if (body.acts)
        context_->error(Kind::act_in_question, one.range, "`admit` only asks").help("move what it does behind it");
      body.acts = body.acts || acts;
      body.admits = admits;
      context_->leave(body, outer);
      continue;
    }
    const NodeId node = statement(one, body);
    out.insert(out.end(), before_.begin(), before_.end());
    before_.clear();
    if (node.valid()) out.push_back(node);
  }
}

NodeId Statements::statement(const ast::Statement &one, Body &body) {
  const Range range = one.range;
  if (const auto *s = one.as<ast::AwaitStatement>()) {
    const NodeId gate = expressions_->gate(s->gate, body);
    return gate.valid() ? context_->node(Op::await, range, {gate}) : NodeId();
  }
  if (const auto *s = one.as<ast::ExpectStatement>()) return expect(*s, range, body);
  if (const auto *s = one.as<ast::LetStatement>()) return let(*s, range, body);
  if (const auto *s = one.as<ast::WithStatement>()) return with(*s, range, body);
  if (const auto *s = one.as<ast::RollingStatement>()) return rolling(*s, range, body);
  if (const auto *s = one.as<ast::ForStatement>()) return for_each(*s, range, body);
  if (const auto *s = one.as<ast::DeadlineStatement>()) {
    const auto limit = context_->evaluator.duration(*s->limit, context_->scope(body), "the deadline of the block");
    if (limit && *limit <= 0)
      context_->error(Kind::out_of_range, s->limit->range, "the deadline of a block is above zero");
    const NodeId inside = block(s->body, body);
    return context_->node(Op::at_most, range, context_->build.integer(limit.value_or(1)).index, 0, {inside});
  }
  if (const auto *s = one.as<ast::ParallelStatement>()) {
    std::vector<NodeId> branches;
    for (const ast::Block &branch_block : s->branches) branches.push_back(inner(branch_block, body));
    return context_->node(Op::parallel, range, 0, 0, branches);
  }
  if (const auto *s = one.as<ast::IfStatement>()) return branch(*s, 0, range, body);
  if (const auto *s = one.as<ast::UnlessStatement>()) return unless(*s, range, body);
  if (const auto *s = one.as<ast::AttemptStatement>()) return attempt(*s, range, body);
  if (const auto *s = one.as<ast::PointOfNoReturnStatement>()) {
    if (!body.spine) {
      context_->error(Kind::misplaced, range, "a point of no return stands on the spine of the plan")
          .note(
              "the spine is the plan's own sequence, with what stands in `with`, `at most`, `accept` and phases; not a "
              "rollout, branch or `parallel`");
    }
    body.spine_only = body.no_return = true;
    if (body.place == Place::on_abort) no_way_back(range);
    if (!s->why.plain())
      context_->error(Kind::type_expected, s->why.range, "the reason is a fixed text, without `${}`");
    if (body.only_asks()) may_act(range, "a point of no return", body);
    return context_->node(Op::no_return, range, context_->string(s->why.text()).index, 0, {});
  }
  if (const auto *s = one.as<ast::AcceptStatement>()) return accept(*s, range, block(*s->body, body), body);
  if (const auto *s = one.as<ast::OperatorStatement>()) {
    if (!may_act(range, "a step of a person", body)) return {};
    const plan::ActionId action = actions_->operator_step(*s, range, one.doc ? &*one.doc : nullptr, body);
    return context_->node(Op::act, range, action.index, 0, {});
  }
  if (const auto *s = one.as<ast::AskStatement>()) {
    if (!s->text.plain())
      context_->error(Kind::type_expected, s->text.range, "the question is a fixed text, without `${}`");
    return context_->node(Op::confirm, range, context_->string(s->text.text()).index, 0, {});
  }
  if (const auto *s = one.as<ast::CallStatement>()) return call(*s, range, body);
  return {};
}

NodeId Statements::expect(const ast::ExpectStatement &written, Range range, Body &body) {
  if (const auto test = expressions_->cell_test(*written.condition, body)) {
    const NodeId cell = expressions_->cell(test->state, *test->cell, body);
    return test->poisoned ? NodeId() : context_->node(Op::expect_value, range, test->value, 0, {cell});
  }
  const NodeId condition = expressions_->condition(*written.condition, body, "what is expected");
  return context_->node(Op::expect_true, range, {condition});
}

NodeId Statements::let(const ast::LetStatement &written, Range range, Body &body) {
  if (const auto *ask = written.let.value->as<ast::AskExpr>()) {
    const Typed answer = expressions_->asked_person(*ask, written.let.value->range, body);
    const auto slot = static_cast<std::uint32_t>(body.frame.slots.size());
    body.frame.slots.push_back(context_->string(written.let.name.text));
    before_.push_back(context_->node(Op::let, range, slot, 0, {answer.node}));
    const Typed typed = expressions_->answer_as(answer.type, slot, range);
    const std::uint32_t named = context_->bind(body, LocalName::Kind::let, written.let.name, typed.type);
    return context_->node(Op::let, range, named, 0, {typed.node});
  }
  const Typed value = expressions_->value(*written.let.value, body);
  const std::uint32_t slot = context_->bind(body, LocalName::Kind::let, written.let.name, value.type, value.among);
  return context_->node(Op::let, range, slot, 0, {value.node});
}

NodeId Statements::with(const ast::WithStatement &written, Range range, Body &body) {
  std::vector<NodeId> held;
  bool allowed = true;
  for (const ast::Ref &hold : written.holds) {
    allowed = allowed && may_act(hold.range, fmt::format("hold `{}`", hold.name.text()), body);
    held.push_back(expressions_->held(hold, body));
    if (held.back().valid()) check_limit(context_->build.plan.kids(held.back()), hold.name.text(), hold.range);
  }
  NodeId node = block(written.body, body);
  for (std::size_t i = held.size(); i-- > 0;) {
    node = context_->node(Op::with, range, {held[i], node});
    if (i > 0) node = context_->node(Op::block, written.body.range, {node});
  }
  return allowed ? node : NodeId();
}

NodeId Statements::dag(std::span<const ast::Statement *const> phases, Body &body) {
  if (!body.spine) {
    context_->error(Kind::misplaced, phases.front()->range, "phases stand on the spine of the plan")
        .note(
            "the spine is the plan's own sequence, with what stands in `with`, `at most`, `accept` and phases; not a "
            "rollout, branch or `parallel`")
        .help("inside an iteration write a plain sequence");
  }
  body.spine_only = true;
  std::vector<const ast::PhaseStatement *> all;
  for (const ast::Statement *one : phases) all.push_back(one->as<ast::PhaseStatement>());
  const auto ordinal = [&](std::string_view name) {
    return static_cast<std::size_t>(
        std::find_if(all.begin(), all.end(), [&](const auto *p) { return p->name.text == name; }) - all.begin());
  };
  std::vector<NodeId> children;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const ast::PhaseStatement &written = *all[i];
    if (ordinal(written.name.text) < i) {
      context_
          ->error(Kind::name_bound_twice, written.name.range,
                  fmt::format("there are two phases `{}`", written.name.text))
          .label(all[ordinal(written.name.text)]->name.range, "first here");
    }
    plan::Phase phase;
    phase.name = context_->string(written.name.text);
    phase.where = context_->span(written.name.range);
    for (const ast::Name &earlier : written.after) {
      const std::size_t at = ordinal(earlier.text);
      if (at < i) {
        const auto number = static_cast<std::uint32_t>(at);
        if (std::find(phase.after.begin(), phase.after.end(), number) == phase.after.end())
          phase.after.push_back(number);
        continue;
      }
      if (at < all.size()) {
        context_
            ->error(Kind::bad_phase_order, earlier.range,
                    at == i ? fmt::format("phase `{}` cannot come after itself", earlier.text)
                            : fmt::format("phase `{}` stands below, and `{}` is to come after it", earlier.text,
                                          written.name.text))
            .help("phases are written in an order in which they could run one by one");
        continue;
      }
      std::vector<std::string_view> names;
      for (std::size_t k = 0; k < i; ++k) names.push_back(all[k]->name.text);
      auto report = context_->error(Kind::bad_phase_order, earlier.range,
                                    fmt::format("there is no phase `{}` before this one", earlier.text));
      const std::string_view near = diagnostics::did_you_mean(earlier.text, names);
      if (!near.empty()) report.fix(fmt::format("write `{}`", near), earlier.range, std::string(near));
      report.note("`after` names phases of the same run of phases, with no other statement between them");
    }
    std::sort(phase.after.begin(), phase.after.end());
    const NodeId inside = block(written.body, body);
    const auto id = plan::Builder::add<plan::PhaseId>(context_->build.plan.phases, std::move(phase));
    children.push_back(context_->node(Op::phase, phases[i]->range, id.index, 0, {inside}));
  }
  return context_->node(Op::dag, join(phases.front()->range, phases.back()->range), 0, 0, children);
}

NodeId Statements::branch(const ast::IfStatement &written, std::size_t at, Range range, Body &body) {
  const ast::IfBranch &one = written.branches[at];
  const NodeId condition = expressions_->condition(*one.condition, body, "the condition of `if`");
  const NodeId yes = inner(one.body, body);
  NodeId no;
  if (at + 1 < written.branches.size()) {
    const NodeId next = branch(written, at + 1, written.branches[at + 1].body.range, body);
    no = context_->node(Op::block, written.branches[at + 1].body.range, {next});
  } else if (written.otherwise) {
    no = inner(*written.otherwise, body);
  } else {
    no = context_->node(Op::block, range, {});
  }
  return context_->node(Op::branch, range, {condition, yes, no});
}

NodeId Statements::unless(const ast::UnlessStatement &written, Range range, Body &body) {
  const auto test = expressions_->cell_test(*written.condition, body);
  if (!test) {
    if (expressions_->names_gate(*written.condition, body) ||
        !expressions_->value(*written.condition, body).poisoned()) {
      context_->error(Kind::type_expected, written.condition->range, "`unless` tests one state for one value")
          .note("it is the test that informs: behind it the state has the value, either way")
          .help("write `unless S(h) == v { }`; for any other condition write `if`");
    }
    inner(written.body, body);
    return {};
  }
  const NodeId cell = expressions_->cell(test->state, *test->cell, body);
  const NodeId inside = inner(written.body, body);
  return test->poisoned ? NodeId() : context_->node(Op::unless, range, test->value, 0, {cell, inside});
}

NodeId Statements::accept(const ast::AcceptStatement &written, Range range, NodeId covered, Body &body) {
  const bool outage = written.rule.text == "outage";
  const std::span<const safety::Rule> rules = safety::rules();
  // One that exists and may not be waived is the checker's to refuse: it knows why.
  if (!outage &&
      std::none_of(rules.begin(), rules.end(), [&](const safety::Rule &r) { return r.name == written.rule.text; })) {
    std::vector<std::string_view> names = waivable_rules();
    names.insert(names.begin(), "outage");
    auto report = context_->error(Kind::unknown_rule, written.rule.range,
                                  fmt::format("there is no rule `{}`", written.rule.text));
    const std::string_view near = diagnostics::did_you_mean(written.rule.text, names);
    if (!near.empty()) report.fix(fmt::format("write `{}`", near), written.rule.range, std::string(near));
    report.note(fmt::format("rules that can be accepted are {}", fmt::join(names, ", ")));
    return {};
  }
  if (outage && !written.of) {
    context_->error(Kind::missing_clause, written.rule.range, "an accepted outage is of one role")
        .help("write `accept outage of ROLE reason \"...\"`");
    return {};
  }
  plan::Waiver waiver;
  if (written.at_most != nullptr && outage) {
    const auto limit =
        context_->evaluator.duration(*written.at_most, context_->scope(body), "the longest time of the outage");
    if (limit && *limit <= 0)
      context_->error(Kind::out_of_range, written.at_most->range, "the longest time of an outage is above zero");
    waiver.at_most = std::max<std::int64_t>(limit.value_or(0), 0);
  } else if (written.at_most != nullptr) {
    context_->error(Kind::misplaced, written.at_most->range, "only an accepted outage has a length")
        .help("write `at most D { }` around the block");
  }
  waiver.rule = context_->string(written.rule.text);
  waiver.reason = context_->string(written.reason.text());
  waiver.where = context_->span(range);
  if (written.until) waiver.until = end_of_day(*written.until);
  if (written.reason.text().find_first_not_of(" \t") == std::string::npos) {
    context_->error(Kind::missing_clause, written.reason.range, "a waiver needs its reason")
        .note("every review and report prints it");
  }
  if (written.of) {
    const auto symbol =
        outage ? context_->resolver.resolve(body.module, written.of->name, SymbolKind::role)
               : context_->resolver.resolve(body.module, written.of->name, SymbolKind::role | SymbolKind::hold);
    if (!symbol) return {};
    if (written.of->arguments)
      context_->error(Kind::wrong_arguments, written.of->range, "a waiver names a role or a hold, without arguments");
    if (symbol->kind == SymbolKind::role) waiver.role = plan::RoleId(symbol->index);
    if (symbol->kind == SymbolKind::hold) waiver.hold = plan::HoldId(symbol->index);
  }
  const auto id = plan::Builder::add<plan::WaiverId>(context_->build.plan.waivers, std::move(waiver));
  return context_->node(Op::accept, range, id.index, 0, {covered});
}

NodeId Statements::attempt(const ast::AttemptStatement &written, Range range, Body &body) {
  const auto times = context_->evaluator.count(*written.times, context_->scope(body), 2, plan::Limits::attempts,
                                               "how often a block is attempted, the first time included,");
  std::vector<NodeId> kids{inner(written.body, body)};
  for (const ast::RecoverBranch &recover : written.recover) {
    const NodeId condition = expressions_->condition(*recover.condition, body, "the condition of `recover when`");
    const NodeId way_back = inner(recover.body, body);
    kids.push_back(context_->node(Op::recover, recover.range, {condition, way_back}));
  }
  if (written.recover.empty() && context_->complete(body.module)) {
    context_->error(Kind::missing_clause, head(range, 7), "an attempt that never recovers never tries again")
        .note("after a failure the first `recover when` whose condition is true runs, then the block once more")
        .help("write `recover when COND { }` behind it; an action that may simply be repeated says `retry`");
  }
  if (written.otherwise) kids.push_back(inner(*written.otherwise, body));
  return context_->node(Op::attempt, range, static_cast<std::uint32_t>(times.value_or(2)), 0, kids);
}

void Statements::no_way_back(Range range) {
  context_->error(Kind::misplaced, range, "a point of no return in `on abort`")
      .note("an abort is the way back: it goes on to its end, or halts for a person");
}

// ---- calls

NodeId Statements::call(const ast::CallStatement &written, Range range, Body &body) {
  const ast::Ref &ref = written.callee;
  std::vector<std::string_view> words;
  for (const ast::Name &part : ref.name.parts) words.push_back(part.text);
  const sema::Found found = context_->resolver.find(body.module, words);
  if (found.status == sema::Found::Status::found && found.consumed == words.size()) {
    const sema::Symbol *symbol =
        found.symbol.kind == SymbolKind::host ? nullptr : &context_->program.symbol(found.symbol);
    const auto not_statement = [&](std::string_view help) {
      context_->resolver.mark_used(body.module, found.symbol);
      context_
          ->error(Kind::not_a_statement, range,
                  fmt::format("{} `{}` is no step of a plan", sema::spelling(found.symbol.kind), symbol->name))
          .help(std::string(help));
      return NodeId();
    };
    switch (found.symbol.kind) {
      case SymbolKind::gate:
        return not_statement(fmt::format("write `await {}`", ref.name.text()));
      case SymbolKind::probe:
        return not_statement("use its answer: `let x = ...`, `if ... { }`, or a gate");
      case SymbolKind::hold:
        return not_statement(fmt::format("write `with {} {{ }}`", ref.name.text()));
      case SymbolKind::state:
        return not_statement("write `expect S == v`, or an action that `moves` it");
      default:
        break;
    }
  } else if (words.size() == 1 && (words[0] == "in_service" || words[0] == "stoppable")) {
    context_->error(Kind::not_a_statement, range, fmt::format("`{}` is a gate, no step of a plan", words[0]))
        .help(fmt::format("write `await {}(...)`", words[0]));
    return {};
  }
  const auto symbol = context_->resolver.resolve(body.module, ref.name, SymbolKind::action | SymbolKind::procedure);
  return symbol ? perform(*symbol, ref, range, body) : NodeId();
}

void Statements::check_limit(std::span<const NodeId> arguments, std::string_view name, Range range) {
  if (!context_->program.limit) return;
  const std::vector<sema::HostId> &limit = *context_->program.limit;
  for (const NodeId argument : arguments) {
    if (!argument.valid()) continue;
    const plan::Node &node = context_->build.plan.node(argument);
    if (node.op != Op::host || std::binary_search(limit.begin(), limit.end(), sema::HostId(node.a))) continue;
    diagnostics::Diagnostic d{};
    d.kind = Kind::outside_limit;
    d.message =
        fmt::format("`{}` runs on `{}`, which --limit leaves out", name, context_->program.site.hosts[node.a].name);
    d.primary = {range, ""};
    d.notes.push_back(
        "--limit leaves hosts out of rollouts; a step that names its host cannot be left out without another plan");
    context_->deferred.push_back({argument, std::move(d)});
  }
}

NodeId Statements::perform(sema::SymbolRef symbol, const ast::Ref &ref, Range range, Body &body) {
  const std::string &name = context_->program.symbol(symbol).name;
  if (symbol.kind == SymbolKind::action) {
    const bool allowed = may_act(range, fmt::format("action `{}`", name), body);
    const std::vector<NodeId> arguments = expressions_->arguments(symbol, ref, body);
    check_limit(arguments, name, range);
    return allowed ? context_->node(Op::act, range, symbol.index, 0, arguments) : NodeId();
  }
  const std::size_t index = symbol.index;
  if (state_[index] == State::open) {
    report_cycle(index, range);
    return {};
  }
  if (state_[index] == State::fresh) {
    open_.push_back({index, range});
    procedure(index);
    open_.pop_back();
  }
  if (context_->procedure_acts[index] &&
      !may_act(range, fmt::format("procedure `{}`, which does something,", name), body))
    return {};
  if (context_->procedure_spine_only[index]) {
    if (!body.spine) {
      context_
          ->error(
              Kind::misplaced, range,
              fmt::format("procedure `{}` holds phases or a point of no return, which stand on the spine of the plan",
                          name))
          .label(context_->program.symbol(symbol).range, "declared here");
    }
    body.spine_only = true;
  }
  if (context_->procedure_no_return[index]) {
    body.no_return = true;
    if (body.place == Place::on_abort) no_way_back(range);
  }
  return context_->node(Op::call, range, symbol.index, 0, expressions_->arguments(symbol, ref, body));
}

void Statements::report_cycle(std::size_t from, Range range) {
  const auto begin = std::find_if(open_.begin(), open_.end(), [&](const Open &o) { return o.procedure == from; });
  std::string way;
  for (auto one = begin; one != open_.end(); ++one)
    way += fmt::format("`{}` calls ", context_->program.procedures[one->procedure].symbol.name);
  way += fmt::format("`{}`", context_->program.procedures[from].symbol.name);
  auto report =
      context_->error(Kind::recursion, range,
                      fmt::format("procedure `{}` calls itself", context_->program.procedures[from].symbol.name));
  if (begin != open_.end()) {
    for (auto one = begin + 1; one != open_.end(); ++one) report.label(one->call, "by way of this call");
  }
  report.note(way).note("a plan is finite: what is done, and to whom, is known before it starts");
}

void Statements::procedures() {
  for (std::size_t i = 0; i < state_.size(); ++i) {
    if (state_[i] != State::fresh) continue;
    open_.push_back({i, context_->program.procedures[i].symbol.range});
    procedure(i);
    open_.pop_back();
  }
}

void Statements::procedure(std::size_t index) {
  state_[index] = State::open;
  const sema::Procedure &declared = context_->program.procedures[index];
  Body body = context_->enter(Place::procedure, declared.symbol.module, declared.parameters);
  const NodeId inside = block(declared.ast->body, body);
  context_->leave(body, 0);
  plan::Procedure lowered;
  lowered.name = context_->string(declared.symbol.name);
  lowered.doc = context_->doc(declared.symbol.doc);
  lowered.frame = std::move(body.frame);
  lowered.body = inside;
  lowered.where = context_->span(declared.symbol.range);
  context_->build.plan.procedures[index] = std::move(lowered);
  context_->procedure_acts[index] = body.acts;
  context_->procedure_spine_only[index] = body.spine_only;
  context_->procedure_no_return[index] = body.no_return;
  state_[index] = State::done;
}

}  // namespace upg::lower
