// Rollouts and loops of plans: over hosts that are known, and over data of the run.
#include <fmt/format.h>

#include <algorithm>

#include "compiler/lower/statements.h"

namespace upg::lower {

std::optional<Statements::Visited> Statements::visited(const ast::Binder &binder, Body &body) {
  const sema::Scope scope = context_->scope(body);
  const sema::StaticHosts found = context_->evaluator.hosts(binder, scope);
  if (found.known == sema::Known::poisoned) return std::nullopt;
  if (found.known == sema::Known::no) {
    context_->error(Kind::hosts_at_run_time, binder.range, "which hosts these are is known only at run time")
        .note("the proof names every host: a rollout goes over hosts that the site declares")
        .help("go over the whole role, and skip inside with `if` or `unless`");
    return std::nullopt;
  }
  Visited result;
  result.role = found.role;
  for (const sema::HostId host : found.hosts) {
    if (!context_->program.site.hosts[host.index].out_reason) result.hosts.push_back(host);
  }
  result.empty = result.hosts.empty() && !binder.if_any;
  result.hosts = sema::in_visit_order(context_->program, std::move(result.hosts));
  return result;
}

void Statements::batch(const ast::BatchOption &written, Range range, plan::Rollout &rollout, std::size_t hosts,
                       Body &body) {
  const auto size = context_->evaluator.count(*written.size, context_->scope(body), 1, 100000, "the size of a batch");
  const auto n = static_cast<std::uint32_t>(size.value_or(1));
  if (written.per == nullptr) {
    rollout.batch = n;
    return;
  }
  const auto *field = written.per->as<ast::FieldExpr>();
  const auto *host = field != nullptr ? field->base->as<ast::NameExpr>() : nullptr;
  if (host == nullptr || host->name.text != "host") {
    context_->error(Kind::type_expected, written.per->range, "`per` names an attribute of hosts")
        .help("write `batch 1 per host.rack`");
    return;
  }
  (void)range;
  rollout.per = context_->string(field->field.text);
  rollout.per_batch = n;
  rollout.batch = static_cast<std::uint32_t>(std::max<std::size_t>(hosts, 1));  // the groups bound it
}

void Statements::options(const std::vector<ast::RollingOption> &written, plan::Rollout &rollout, std::size_t hosts,
                         Body &body) {
  bool batched = false, limited = false;
  const auto once = [&](bool before, Range range, std::string_view word) {
    if (before) context_->error(Kind::repeated_clause, range, fmt::format("`{}` is written twice", word));
  };
  for (const ast::RollingOption &option : written) {
    if (const auto *o = std::get_if<ast::BatchOption>(&option.option)) {
      once(batched && (o->per != nullptr) == rollout.per.valid(), option.range, "batch");
      batched = true;
      const std::uint32_t before = rollout.batch;
      const bool had_size = before > 1;
      batch(*o, option.range, rollout, hosts, body);
      if (had_size && o->per != nullptr) rollout.batch = before;
    } else if (const auto *c = std::get_if<ast::CanaryOption>(&option.option)) {
      once(rollout.canary > 0, option.range, "canary");
      const auto count =
          context_->evaluator.count(*c->count, context_->scope(body), 1, 100000, "the number of canaries");
      rollout.canary = static_cast<std::uint32_t>(count.value_or(1));
      if (c->soak != nullptr)
        rollout.soak =
            context_->evaluator.duration(*c->soak, context_->scope(body), "the soak after the canary").value_or(0);
    } else if (const auto *l = std::get_if<ast::AtMostOption>(&option.option)) {
      once(limited, option.range, "at most");
      limited = true;
      const auto limit =
          context_->evaluator.duration(*l->limit, context_->scope(body), "the longest time of an iteration");
      if (limit && *limit <= 0)
        context_->error(Kind::out_of_range, option.range, "the longest time of an iteration is above zero");
      rollout.at_most = limit.value_or(0);
    } else {
      once(rollout.tolerant, option.range, "tolerant");
      rollout.tolerant = true;
      context_->tolerant_seen = true;
    }
  }
}

NodeId Statements::roll_body(const ast::Block &written, Body &body) {
  const bool spine = body.spine;
  body.spine = false;
  body.admits = true;
  const NodeId node = block(written, body);
  body.admits = false;
  body.spine = spine;
  return node;
}

NodeId Statements::finish_roll(const ast::Binder &binder, const Visited &visited, plan::Rollout rollout, NodeId block,
                               bool acts, Range range) {
  const std::vector<sema::HostId> hosts = acts ? sema::limited(context_->program, visited.hosts) : visited.hosts;
  if (rollout.tolerant && !acts) {
    context_->error(Kind::misplaced, range, "`tolerant` on a rollout that only asks")
        .note("what tolerance is about is a host that is lost while it is changed");
  }
  if (visited.empty) {  // an error only if the plan comes here
    const NodeId nowhere = context_->node(Op::block, range, {});
    context_->deferred.push_back({nowhere, context_->empty_set(binder.set->range, visited.role)});
    return context_->node(Op::at_most, range, context_->build.integer(1).index, 0, {nowhere});
  }
  if (hosts.empty()) return {};  // `if any`, or left out by --limit: no iteration at all
  rollout.hosts = context_->host_set(hosts, binder.range);
  rollout.if_any = binder.if_any;
  rollout.where = context_->span(range);
  const auto id = plan::Builder::add<plan::RolloutId>(context_->build.plan.rollouts, rollout);
  const NodeId node = context_->node(acts ? Op::roll : Op::visit, range, id.index, 0, {block});
  if (rollout.tolerant && !context_->tolerates()) {
    diagnostics::Diagnostic d{};
    d.kind = Kind::missing_clause;
    d.message = "a tolerant rollout, and the plan does not say how many hosts may be lost";
    d.primary = {range, ""};
    d.helps.push_back("write `tolerate N` in the upgrade: N hosts, all rollouts together");
    context_->deferred.push_back({node, std::move(d)});
  }
  return node;
}

NodeId Statements::rolling(const ast::RollingStatement &written, Range range, Body &body) {
  const std::size_t outer = body.locals.size();
  const Range line = join(head(range, 7), written.binder.range);
  const Typed set = expressions_->value(*written.binder.set, body);
  std::optional<Visited> hosts;
  if (!set.poisoned() && !set.type.is_hosts()) {
    context_
        ->error(Kind::type_expected, written.binder.set->range,
                fmt::format("`rolling` goes over a set of hosts, found {}", context_->article(set.type)))
        .help("`for x in LIST at most 50 { }` goes over data");
  } else if (!set.poisoned()) {
    hosts = visited(written.binder, body);
  }
  plan::Rollout rollout;
  options(written.options, rollout, hosts ? hosts->hosts.size() : 1, body);
  const Type element = set.poisoned() ? Type::of(Base::poison) : set.type.element_type();
  const Hosts among = hosts ? std::make_shared<const std::vector<sema::HostId>>(hosts->hosts) : nullptr;
  rollout.slot = context_->bind(body, LocalName::Kind::binder, written.binder.variable,
                                element.is(Base::host) ? element : Type::of(Base::poison), among);
  const bool acts = body.acts;
  body.acts = false;
  const NodeId block = roll_body(written.body, body);
  const bool inside = body.acts;
  body.acts = acts || inside;
  context_->leave(body, outer);
  if (!hosts) return {};
  if (hosts->hosts.size() == 1) rollout.canary = 0;
  return finish_roll(written.binder, *hosts, rollout, block, inside, line);
}

NodeId Statements::for_each(const ast::ForStatement &written, Range range, Body &body) {
  const std::size_t outer = body.locals.size();
  const Range line = join(head(range, 3), written.binder.range);
  const Typed set = expressions_->value(*written.binder.set, body);
  if (set.poisoned() || set.type.is_hosts()) {
    std::optional<Visited> hosts;
    if (!set.poisoned()) hosts = visited(written.binder, body);
    if (written.at_most != nullptr && hosts) {
      const auto most =
          context_->evaluator.count(*written.at_most, context_->scope(body), 1, 100000, "the bound of the loop");
      if (most && static_cast<std::size_t>(*most) < hosts->hosts.size()) {
        context_->error(
            Kind::out_of_range, written.at_most->range,
            fmt::format("the loop goes over {}, more than `at most {}` says",
                        diagnostics::counted(static_cast<std::int64_t>(hosts->hosts.size()), "host"), *most));
      }
    }
    plan::Rollout rollout;
    const Type element = set.poisoned() ? Type::of(Base::poison) : set.type.element_type();
    const Hosts among = hosts ? std::make_shared<const std::vector<sema::HostId>>(hosts->hosts) : nullptr;
    rollout.slot = context_->bind(body, LocalName::Kind::binder, written.binder.variable, element, among);
    const bool acts = body.acts;
    body.acts = false;
    const NodeId block = roll_body(written.body, body);
    const bool inside = body.acts;
    body.acts = acts || inside;
    context_->leave(body, outer);
    return hosts ? finish_roll(written.binder, *hosts, rollout, block, inside, line) : NodeId();
  }
  const Expressions::Bound bound = expressions_->open(written.binder, body);
  const bool spine = body.spine;
  body.spine = false;
  const NodeId block = this->block(written.body, body);
  body.spine = spine;
  expressions_->close(body, bound);
  if (written.at_most == nullptr) {
    context_->error(Kind::unbounded_loop, line, "a loop over run-time data needs a bound")
        .note(
            "the checker proves the loop for any number of rounds up to the bound, and the window has to hold them all")
        .help("write `for x in LIST at most 50 { }`");
    return {};
  }
  const auto most =
      context_->evaluator.count(*written.at_most, context_->scope(body), 1, 100000, "the bound of the loop");
  if (bound.set.poisoned()) return {};
  return data_loop(*context_, bound, static_cast<std::uint32_t>(most.value_or(1)), line, block, body);
}

}  // namespace upg::lower
