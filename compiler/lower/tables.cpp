#include "compiler/lower/tables.h"

#include <fmt/format.h>

#include <algorithm>

namespace upg::lower {
namespace {

std::vector<plan::RoleId> role_ids(const std::vector<sema::RoleId> &roles) {
  std::vector<plan::RoleId> result;
  for (const sema::RoleId role : roles) result.push_back(plan_id(role));
  return result;
}

}  // namespace

void reserve_tables(Context &context) {
  const sema::Program &program = context.program;
  plan::Plan &plan = context.build.plan;
  plan.roles.resize(program.roles.size());
  plan.states.resize(program.states.size());
  plan.probes.resize(program.probes.size());
  plan.gates.resize(program.gates.size());
  plan.actions.resize(program.actions.size());
  plan.holds.resize(program.holds.size());
  plan.procedures.resize(program.procedures.size());
  context.procedure_acts.assign(program.procedures.size(), false);
  context.procedure_spine_only.assign(program.procedures.size(), false);
  context.procedure_no_return.assign(program.procedures.size(), false);

  for (const sema::Role &role : program.roles) {
    plan::HostSet set;
    set.name = context.string(role.symbol.name);
    for (const sema::HostId host : role.hosts) set.hosts.push_back(plan_id(host));
    set.where = context.span(role.symbol.range);
    plan.sets.push_back(std::move(set));
  }
  plan.sets.resize(plan.sets.size() + program.host_sets.size());

  const auto present = [&](const std::vector<sema::HostId> &hosts) {
    std::vector<sema::HostId> result;
    for (const sema::HostId host : hosts) {
      if (!program.site.hosts[host.index].out_reason) result.push_back(host);
    }
    return result;
  };
  plan::HostSet all;
  all.name = context.string("all");
  for (std::size_t i = 0; i < program.site.hosts.size(); ++i) {
    if (!program.site.hosts[i].out_reason) all.hosts.push_back(plan::HostId(i));
  }
  context.all_hosts = plan::Builder::add<plan::SetId>(plan.sets, std::move(all));
  for (std::size_t i = 0; i < program.roles.size(); ++i) {
    const sema::Role &role = program.roles[i];
    const std::vector<sema::HostId> hosts = present(role.hosts);
    plan::SetId set(i);
    if (hosts.size() != role.hosts.size()) {
      plan::HostSet fewer;
      fewer.name = context.string(role.symbol.name);
      for (const sema::HostId host : hosts) fewer.hosts.push_back(plan_id(host));
      fewer.where = context.span(role.symbol.range);
      set = plan::Builder::add<plan::SetId>(plan.sets, std::move(fewer));
    }
    context.present_hosts.push_back(set);
  }
}

void lower_site(Context &context) {
  const sema::Program &program = context.program;
  plan::Plan &plan = context.build.plan;
  const auto attribute = [&](const sema::Attribute &one) {
    return plan::Attribute{context.string(one.key), context.constant(one.value, one.range)};
  };
  for (const sema::Host &host : program.site.hosts) {
    plan::Host lowered;
    lowered.name = context.string(host.name);
    if (!host.address.empty()) lowered.address = context.string(host.address);  // absent: ssh_config or the name itself
    lowered.port = host.port;
    if (!host.user.empty()) lowered.user = context.string(host.user);
    lowered.roles = role_ids(host.roles);
    for (const sema::HostId hop : host.via) lowered.via.push_back(plan_id(hop));
    lowered.guest_of = plan_id(host.guest_of);
    lowered.guest_at = plan_id(host.guest_at);
    for (const sema::Attribute &one : host.attributes) lowered.attributes.push_back(attribute(one));
    if (host.out_reason) lowered.out_reason = context.string(*host.out_reason);
    lowered.where = context.span(host.range);
    plan.hosts.push_back(std::move(lowered));
  }
  for (const sema::Attribute &one : program.site.attributes) plan.cluster_attributes.push_back(attribute(one));
  plan.inventory_fingerprint = context.string(program.site.fingerprint);
  for (const sema::Secret &secret : program.secrets) {
    plan::Secret lowered;
    lowered.name = context.string(secret.symbol.name);
    lowered.source = secret.source;
    if (!secret.argument.empty()) lowered.argument = context.string(secret.argument);
    lowered.where = context.span(secret.symbol.range);
    plan.secrets.push_back(lowered);
  }
  for (const sema::Param &param : program.params) {
    if (param.value.poisoned()) continue;
    plan.parameters.push_back({context.string(param.symbol.name), context.constant(param.value, param.symbol.range)});
  }
}

void lower_roles(Context &context) {
  for (std::size_t i = 0; i < context.program.roles.size(); ++i) {
    const sema::Role &role = context.program.roles[i];
    plan::Role lowered;
    lowered.name = context.string(role.symbol.name);
    lowered.doc = context.doc(role.symbol.doc);
    lowered.hosts = plan::SetId(i);
    lowered.weights = role.weights;
    for (const sema::Available &available : role.available) {
      plan::Available line;
      line.kind = available.kind;
      line.amount = available.amount;
      if (!available.per.empty()) line.per = context.string(available.per);
      if (!available.of.empty()) line.of = context.string(available.of);
      line.where = context.span(available.range);
      lowered.available.push_back(line);
    }
    lowered.serial = role.serial;
    lowered.health = plan_id(role.health);
    lowered.stoppable = plan_id(role.stoppable);
    if (role.stoppable_always) lowered.stoppable_always = context.string(*role.stoppable_always);
    lowered.roster = plan_id(role.roster);
    lowered.settles = role.settles;
    lowered.down_only_under = plan_id(role.down_only_under);
    lowered.boot = plan_id(role.boot);
    lowered.identity = plan_id(role.identity);
    lowered.where = context.span(role.symbol.range);
    context.build.plan.roles[i] = std::move(lowered);
  }
}

void lower_rules(Context &context) {
  plan::Plan &plan = context.build.plan;
  for (const sema::Order &order : context.program.orders) {
    plan::Order lowered;
    for (const std::vector<sema::RoleId> &group : order.groups) lowered.groups.push_back({role_ids(group)});
    lowered.on_each_host = order.on_each_host;
    lowered.where = context.span(order.range);
    plan.orders.push_back(std::move(lowered));
  }
  for (const sema::Rank &rank : context.program.ranks)
    plan.ranks.push_back({role_ids(rank.roles), context.span(rank.range)});
  for (const sema::Command &command : context.program.commands) {
    plan::CommandRule rule;
    rule.pattern = context.string(command.pattern);
    rule.changes = role_ids(command.changes);
    rule.disrupts = role_ids(command.disrupts);
    rule.disrupts_all = command.disrupts_all;
    rule.changes_all = command.changes_all;
    rule.destroys = command.destroys;
    rule.where = context.span(command.range);
    plan.commands.push_back(std::move(rule));
  }
}

void lower_head(Context &context) {
  const sema::Program &program = context.program;
  const sema::Head &head = program.head;
  plan::Plan &plan = context.build.plan;
  const sema::Upgrade &upgrade = program.upgrades[head.upgrade.index];
  plan.kind = upgrade.ast->repair ? plan::PlanKind::repair : plan::PlanKind::upgrade;
  plan.name = context.string(upgrade.symbol.name);
  plan.where = context.span(upgrade.symbol.range);
  if (program.site.cluster.valid())
    plan.cluster = context.string(program.clusters[program.site.cluster.index].symbol.name);
  if (program.limit) plan.limit = context.string(program.limit_written);
  if (!head.from.empty()) plan.from = context.string(head.from);
  if (!head.to.empty()) plan.to = context.string(head.to);
  for (const sema::Window &window : head.windows) {
    plan::Window lowered;
    lowered.day = window.day;
    lowered.date = window.date;
    lowered.minute = window.minute;
    lowered.length = window.length;
    lowered.zone = context.string(window.zone);
    lowered.where = context.span(window.range);
    plan.windows.push_back(lowered);
  }
  for (const std::string &name : head.exclusive) plan.exclusive.push_back(context.string(name));
}

// ---- claims

namespace {

class Claims {
 public:
  Claims(Context &context, Expressions &expressions, sema::ModuleId module)
      : context_(context), expressions_(expressions) {
    body_.place = Place::claim;
    body_.module = module;
  }

  void claim(const ast::Expr &expr, std::vector<plan::CellClaim> &out) {
    const auto *every = expr.as<ast::QuantifiedExpr>();
    if (every == nullptr) {
      test(expr, nullptr, {}, out);
      return;
    }
    if (every->kind != ast::QuantifiedExpr::Kind::every) {
      bad(expr.range, "`some` is no claim: it does not say which host");
      return;
    }
    const sema::Scope scope = context_.scope(body_);
    const sema::StaticHosts found = context_.evaluator.hosts(every->binder, scope);
    if (found.known == sema::Known::poisoned) return;
    if (found.known == sema::Known::no) {
      context_.error(Kind::hosts_at_run_time, every->binder.range, "which hosts these are is known only at run time");
      return;
    }
    if (!context_.evaluator.require_hosts(found, every->binder.if_any, every->binder.set->range)) return;
    std::vector<sema::HostId> hosts;
    for (const sema::HostId host : found.hosts) {
      if (!context_.program.site.hosts[host.index].out_reason) hosts.push_back(host);
    }
    const std::size_t outer = body_.locals.size();
    context_.bind(body_, LocalName::Kind::binder, every->binder.variable, Type::host_of(found.role),
                  std::make_shared<const std::vector<sema::HostId>>(hosts));
    body_.locals.back().used = true;
    test(*every->predicate, &every->binder.variable, sema::limited(context_.program, hosts), out);
    context_.leave(body_, outer);
  }

 private:
  void bad(Range range, std::string_view text) {
    context_.error(Kind::bad_claim, range, std::string(text))
        .note(
            "a claim is `S == v`, `S(host) == v` or `every h in SET: S(h) == v`: what the checker starts from and has "
            "to arrive at")
        .help("ask anything else in the preflight or postflight");
  }

  void test(const ast::Expr &expr, const ast::Name *variable, const std::vector<sema::HostId> &hosts,
            std::vector<plan::CellClaim> &out) {
    const auto *both = expr.as<ast::BinaryExpr>();
    if (both != nullptr && both->op == ast::BinaryOp::logical_and) {
      test(*both->left, variable, hosts, out);
      test(*both->right, variable, hosts, out);
      return;
    }
    const auto found = expressions_.cell_test(expr, body_);
    if (!found) {
      if (expressions_.names_gate(expr, body_) || !expressions_.value(expr, body_).poisoned()) {
        bad(expr.range, "this is no claim about the value of a state");
      }
      return;
    }
    const NodeId cell = expressions_.cell(found->state, *found->cell, body_);  // checks the arguments
    if (found->poisoned || context_.sink.errors() > 0) return;
    plan::CellClaim claim;
    claim.state = plan_id(found->state);
    claim.value = found->value;
    claim.where = context_.span(expr.range);
    if (!context_.program.states[found->state.index].parameters.empty()) {
      const NodeId of = context_.build.plan.kid(cell, 0);
      const plan::Node &argument = context_.build.plan.node(of);
      if (argument.op == Op::host) {
        claim.hosts = context_.host_set({sema::HostId(argument.a)}, expr.range);
      } else if (argument.op == Op::local && variable != nullptr) {
        if (hosts.empty()) return;  // `if any`, or left out by --limit
        claim.hosts = context_.host_set(hosts, expr.range);
      } else {
        bad(expr.range, "a claim is about named hosts");
        return;
      }
    }
    out.push_back(claim);
  }

  Context &context_;
  Expressions &expressions_;
  Body body_;
};

}  // namespace

void lower_claims(Context &context, Expressions &expressions, const ast::UpgradeDecl &upgrade, sema::ModuleId module) {
  Claims claims(context, expressions, module);
  for (const ast::UpgradeItem &item : upgrade.items) {
    if (const auto *first = item.as<ast::Initially>()) {
      for (const ast::ExprPtr &condition : first->conditions) claims.claim(*condition, context.build.plan.initially);
    }
    if (const auto *last = item.as<ast::Finally>()) {
      for (const ast::ExprPtr &condition : last->conditions) claims.claim(*condition, context.build.plan.finally);
    }
  }
}

}  // namespace upg::lower
