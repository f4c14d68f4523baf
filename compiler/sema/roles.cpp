#include "compiler/sema/roles.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "compiler/sema/values.h"

namespace upg::sema {
namespace {

using diagnostics::Kind;

constexpr std::int64_t most_votes = 1'000'000;

class RoleSettler {
 public:
  RoleSettler(Resolver &resolver, RoleId id)
      : resolver_(resolver), program_(resolver.program()), sink_(resolver.sink()), evaluator_(resolver), id_(id) {
    scope_.module = role().symbol.module;
  }

  void run() {
    for (const ast::RoleItem &item : role().ast->items) settle(item);
    require_items();
  }

 private:
  Role &role() { return program_.roles[id_.index]; }

  /// False, with a report, for an item that stood before.
  bool once(std::string_view what, Range range) {
    const auto [at, fresh] = seen_.emplace(what, range);
    if (!fresh)
      sink_.report(Kind::duplicate_item, range, fmt::format("role `{}` has two `{}`", role().symbol.name, what))
          .label(at->second, "the first");
    return fresh;
  }

  void settle(const ast::RoleItem &item) {
    if (const auto *n = item.as<ast::Available>()) available(*n, item.range);
    if (const auto *n = item.as<ast::Health>(); n && once("health", item.range))
      role().health = gate(n->gate, "health");
    if (const auto *n = item.as<ast::Stoppable>(); n && once("stoppable", item.range)) stoppable(*n);
    if (const auto *n = item.as<ast::Roster>(); n && once("roster", item.range)) roster(n->probe);
    if (const auto *n = item.as<ast::Votes>(); n && once("votes", item.range)) votes(*n->value);
    if (const auto *n = item.as<ast::BootProbe>(); n && once("boot", item.range))
      role().boot = text_probe(n->probe, "boot");
    if (const auto *n = item.as<ast::IdentityProbe>(); n && once("identity", item.range))
      role().identity = text_probe(n->probe, "identity");
    if (const auto *n = item.as<ast::DownOnlyUnder>(); n && once("down only under", item.range))
      down_only_under(n->hold);
    if (item.as<ast::Serial>() && once("serial", item.range)) role().serial = true;
    if (const auto *n = item.as<ast::Settles>(); n && once("settles", item.range))
      role().settles = evaluator_.duration(*n->duration, scope_, "`settles`").value_or(0);
  }

  void require_items() {
    if (id_ == program_.alive || poisoned_ || !program_.trees[role().symbol.module.index]->complete) return;
    const auto missing = [&](std::string message, std::string help) {
      sink_.report(Kind::missing_policy, role().symbol.range, std::move(message)).help(std::move(help));
    };
    const bool may_be_down = std::any_of(role().available.begin(), role().available.end(),
                                         [](const Available &a) { return a.kind == plan::AvailableKind::may_be_down; });
    if (role().available.empty())
      missing(fmt::format("role `{}` does not say how much of it must stay up", role().symbol.name),
              "add `available quorum`, `available >= 1`, `available all but 1` or `available may be down`");
    if (may_be_down && !role().serial) return;
    if (!seen_.contains("health"))
      missing(fmt::format("role `{}` has no `health` gate", role().symbol.name),
              "add `health GATE`: without it nothing proves that a host is back");
    if (!seen_.contains("stoppable") && !may_be_down)
      missing(fmt::format("role `{}` does not say when one of its hosts may leave", role().symbol.name),
              "add `stoppable GATE`, or `stoppable always \"reason\"` where the system has no such question");
  }

  // ---- policies

  void available(const ast::Available &written, Range range) {
    Available out;
    out.range = range;
    bool sound = true;
    if (const auto *n = std::get_if<ast::AvailableAtLeast>(&written.policy)) {
      sound = at_least(*n->amount, out);
    } else if (const auto *all_but = std::get_if<ast::AvailableAllBut>(&written.policy)) {
      out.kind = plan::AvailableKind::all_but;
      const auto amount =
          evaluator_.count(*all_but->amount, scope_, 0, 1'000'000, "the number of hosts that may be down");
      sound = amount.has_value();
      out.amount = static_cast<std::uint32_t>(amount.value_or(0));
      if (all_but->group) {
        auto key = host_attribute(*all_but->group);
        sound = sound && key.has_value();
        (all_but->grouping == ast::AvailableAllBut::Grouping::per ? out.per : out.of) = key.value_or("");
      }
    } else if (std::holds_alternative<ast::AvailableMayBeDown>(written.policy)) {
      out.kind = plan::AvailableKind::may_be_down;
    }
    if (sound)
      role().available.push_back(std::move(out));
    else
      poisoned_ = true;
  }

  bool at_least(const ast::Expr &amount, Available &out) {
    Value value;
    switch (evaluator_.constant(amount, scope_, value)) {
      case Known::poisoned:
        return false;
      case Known::no:
        sink_.report(Kind::not_constant, amount.range, "how much of a role must stay up is known before the run");
        return false;
      case Known::yes:
        break;
    }
    const std::size_t hosts = role().hosts.size();
    if (value.type.is(Base::percent)) {
      out.kind = plan::AvailableKind::at_least_percent;
      if (value.integer() < 0 || value.integer() > 1'000'000) {
        sink_.report(Kind::value_out_of_range, amount.range,
                     fmt::format("at least {} of a role cannot be up", to_string(value, program_)));
        return false;
      }
      out.amount = static_cast<std::uint32_t>(value.integer());
      return true;
    }
    if (!value.type.is(Base::integer)) {
      sink_.report(
          Kind::type_mismatch, amount.range,
          fmt::format("a number of hosts or a percentage is needed, this is {}", with_article(value.type, program_)));
      return false;
    }
    out.kind = plan::AvailableKind::at_least;
    if (value.integer() < 0 || (hosts > 0 && value.integer() > static_cast<std::int64_t>(hosts))) {
      sink_.report(Kind::value_out_of_range, amount.range,
                   fmt::format("role `{}` needs {} up; it has {}", role().symbol.name,
                               diagnostics::counted(value.integer(), "host"), hosts));
      return false;
    }
    out.amount = static_cast<std::uint32_t>(std::min<std::int64_t>(value.integer(), 0xffff'ffff));
    return true;
  }

  /// `host.rack`: every host of the role must have it.
  std::optional<std::string> host_attribute(const ast::Expr &expr) {
    const auto *field = expr.as<ast::FieldExpr>();
    const auto *base = field ? field->base->as<ast::NameExpr>() : nullptr;
    if (!base || base->name.text != "host") {
      sink_.report(Kind::type_mismatch, expr.range, "hosts are grouped by an attribute: `host.rack`");
      return std::nullopt;
    }
    for (const HostId host : role().hosts) {
      const Host &h = program_.site.hosts[host.index];
      if (h.attribute(field->field.text)) continue;
      std::vector<std::string_view> names;
      for (const Attribute &a : h.attributes) names.push_back(a.key);
      const std::string meant(diagnostics::did_you_mean(field->field.text, names));
      auto report = sink_.report(
          Kind::unknown_attribute, field->field.range,
          fmt::format("host `{}` of role `{}` has no attribute `{}`", h.name, role().symbol.name, field->field.text));
      report.label(h.range, "the host");
      if (!meant.empty()) report.fix(fmt::format("did you mean `{}`?", meant), field->field.range, meant);
      return std::nullopt;
    }
    return field->field.text;
  }

  void votes(const ast::Expr &expr) {
    const auto *field = expr.as<ast::FieldExpr>();
    const auto *base = field ? field->base->as<ast::NameExpr>() : nullptr;
    const bool of_host = base && base->name.text == "host";
    std::vector<std::uint32_t> weights;
    Scope scope = scope_;
    scope.inside_role = true;
    scope.locals.push_back({"host", std::nullopt});
    for (const HostId id : role().hosts) {
      Host &host = program_.site.hosts[id.index];
      if (of_host && !host.attribute(field->field.text)) {
        // the default of `votes host.x` is one, for gates that ask for h.x too
        const auto at = std::lower_bound(host.attributes.begin(), host.attributes.end(), field->field.text,
                                         [](const Attribute &a, const std::string &key) { return a.key < key; });
        host.attributes.insert(at, {field->field.text, values::integer(1), field->field.range});
        weights.push_back(1);
        continue;
      }
      scope.locals.back().value = values::host(id, id_);
      const auto weight =
          evaluator_.count(expr, scope, 0, most_votes, fmt::format("the number of votes of host `{}`", host.name));
      if (!weight) return;
      weights.push_back(static_cast<std::uint32_t>(*weight));
    }
    const bool all_one = std::all_of(weights.begin(), weights.end(), [](std::uint32_t w) { return w == 1; });
    if (!weights.empty() && std::all_of(weights.begin(), weights.end(), [](std::uint32_t w) { return w == 0; }))
      sink_.report(Kind::value_out_of_range, expr.range,
                   fmt::format("no host of role `{}` has a vote", role().symbol.name));
    if (!all_one) role().weights = std::move(weights);
  }

  // ---- references

  template <typename Entry>
  void signature(const Entry &entry, const ast::Ref &ref, std::string_view what, bool host_needed) {
    if (ref.arguments)
      sink_.report(Kind::bad_signature, ref.range, fmt::format("`{}` takes a name without arguments", what))
          .note("it is asked for each host of the role");
    const auto &parameters = entry.parameters;
    const bool one_host =
        parameters.size() == 1 &&
        (parameters[0].type.poisoned() ||
         (parameters[0].type.is(Base::host) && (!parameters[0].type.role.valid() || parameters[0].type.role == id_)));
    if (one_host || (parameters.empty() && !host_needed)) return;
    std::string written;
    for (const Parameter &p : parameters)
      written += fmt::format("{}{}: {}", written.empty() ? "" : ", ", p.name, to_string(p.type, program_));
    sink_
        .report(
            Kind::bad_signature, ref.range,
            fmt::format("`{}` of role `{}` cannot be `{}({})`", what, role().symbol.name, entry.symbol.name, written))
        .label(entry.symbol.range, "declared here")
        .note(host_needed ? "its only parameter is a host" : "its only parameter, if any, is a host of this role");
  }

  GateId gate(const ast::Ref &ref, std::string_view what) {
    const auto found = resolver_.gate(scope_.module, ref.name);
    if (!found) return {};
    signature(program_.gates[found->index], ref, what, false);
    return *found;
  }

  void stoppable(const ast::Stoppable &written) {
    if (const auto *ref = std::get_if<ast::Ref>(&written.by)) {
      role().stoppable = gate(*ref, "stoppable");
      return;
    }
    const auto &reason = std::get<ast::StringLiteral>(written.by);
    if (!reason.plain()) sink_.report(Kind::not_constant, reason.range, "a reason is plain text, without `${}`");
    role().stoppable_always = reason.text();
  }

  bool result(const Probe &probe, const ast::Ref &ref, std::string_view what, bool fits, std::string_view wanted) {
    if (fits || probe.result.poisoned()) return true;
    sink_
        .report(Kind::bad_signature, ref.range,
                fmt::format("`{}` needs a probe that gives {}, `{}` gives {}", what, wanted, probe.symbol.name,
                            to_string(probe.result, program_)))
        .label(probe.symbol.range, "declared here");
    return false;
  }

  void roster(const ast::Ref &ref) {
    const auto found = resolver_.probe(scope_.module, ref.name);
    if (!found) return;
    const Probe &probe = program_.probes[found->index];
    const bool fits =
        probe.result.is(Base::list) && (probe.result.element == Base::string || probe.result.element == Base::any);
    if (!result(probe, ref, "roster", fits, "list<string>")) return;
    if (!probe.parameters.empty() || ref.arguments) {
      sink_
          .report(Kind::bad_signature, ref.range,
                  fmt::format("`roster` needs a probe without parameters, `{}` has {}", probe.symbol.name,
                              probe.parameters.size()))
          .label(probe.symbol.range, "declared here");
      return;
    }
    role().roster = *found;
  }

  ProbeId text_probe(const ast::Ref &ref, std::string_view what) {
    const auto found = resolver_.probe(scope_.module, ref.name);
    if (!found) return {};
    const Probe &probe = program_.probes[found->index];
    signature(probe, ref, what, true);
    result(probe, ref, what, probe.result.is(Base::string) || probe.result.is(Base::any), "string");
    return *found;
  }

  void down_only_under(const ast::Ref &ref) {
    const auto found = resolver_.hold(scope_.module, ref.name);
    if (!found) return;
    signature(program_.holds[found->index], ref, "down only under", false);
    role().down_only_under = *found;
  }

  Resolver &resolver_;
  Program &program_;
  Sink &sink_;
  Evaluator evaluator_;
  RoleId id_;
  Scope scope_;
  bool poisoned_ = false;
  std::map<std::string_view, Range> seen_;
};

/// Calls `visit` for every clause of a body and of the bodies inside it. Their nesting is limited by the parser.
template <typename Visit>
void each_clause(const ast::ActionBody &body, const Visit &visit) {
  for (const ast::ActionClause &clause : body.clauses) {
    visit(clause);
    if (const auto *undo = clause.as<ast::Undo>()) each_clause(undo->body, visit);
    if (const auto *loop = clause.as<ast::ForClause>()) each_clause(loop->body, visit);
  }
}

}  // namespace

void find_alive(Resolver &resolver) {
  Program &program = resolver.program();
  Range first;
  const auto check_role = [&](std::size_t i) {
    for (const ast::RoleItem &item : program.roles[i].ast->items) {
      if (!item.as<ast::BootProbe>() || program.alive == RoleId(i)) continue;
      if (!program.alive.valid()) {
        program.alive = RoleId(i);
        first = item.range;
        program.roles[i].symbol.used = true;
        continue;
      }
      resolver.sink()
          .report(Kind::several_boot_roles, item.range,
                  fmt::format("roles `{}` and `{}` both say how a boot is recognised",
                              program.roles[program.alive.index].symbol.name, program.roles[i].symbol.name))
          .label(first, "the first")
          .note("the role with `boot` is carried by every host: there can be one only");
    }
  };
  for (const bool standard : {true, false})
    for (std::size_t i = 0; i < program.roles.size(); ++i)
      if (program.module(program.roles[i].symbol.module).standard == standard) check_role(i);
  if (program.alive.valid()) return;
  const auto check = [&](const ast::ActionClause &clause) {
    if (!clause.as<ast::AwaitsBoot>()) return;
    resolver.sink()
        .report(Kind::no_boot_role, clause.range, "no role says how a boot is recognised")
        .help("use a module whose role has `boot PROBE`; the probe gives the boot id of a host");
  };
  for (const auto &tree : program.trees)
    for (const ast::Declaration &declaration : tree->file.declarations) {
      if (const auto *action = declaration.as<ast::ActionDecl>()) each_clause(action->body, check);
      if (const auto *hold = declaration.as<ast::HoldDecl>())
        for (const ast::HoldItem &item : hold->items) {
          if (const auto *acquire = item.as<ast::Acquire>()) each_clause(acquire->body, check);
          if (const auto *release = item.as<ast::Release>()) each_clause(release->body, check);
        }
    }
}

void settle_roles(Resolver &resolver) {
  for (std::size_t i = 0; i < resolver.program().roles.size(); ++i) RoleSettler(resolver, RoleId(i)).run();
}

}  // namespace upg::sema
