#include "compiler/sema/declare.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "runtime/plan/validate.h"

namespace upg::sema {
namespace {

using diagnostics::Kind;

constexpr std::array<std::string_view, 8> special_names{"all",  "local", "plan",       "cluster",
                                                        "host", "was",   "in_service", "stoppable"};

struct BuiltinName {
  std::string_view text;
  std::string_view signature;
};
constexpr std::array builtin_names{
#define UPG_BUILTIN(name, spelling, least, most, signature, text) BuiltinName{spelling, signature},
#include "runtime/plan/builtins.def"
};

class Declarer {
 public:
  Declarer(Program &program, Sink &sink) : program_(program), sink_(sink) {}

  void run() {
    program_.names.resize(program_.modules.size());
    for (std::size_t i = 0; i < program_.modules.size(); ++i) {
      module_ = ModuleId(i);
      for (const ast::Declaration &declaration : program_.modules[i].ast->declarations) declare(declaration);
    }
  }

  void run_upgrade(const ast::UpgradeDecl &upgrade, ModuleId module) {
    module_ = module;
    for (const ast::UpgradeItem &item : upgrade.items) {
      if (const auto *param = item.as<ast::ParamDecl>()) add(program_.params, SymbolKind::param, *param, nullptr);
      if (const auto *secret = item.as<ast::SecretDecl>()) add(program_.secrets, SymbolKind::secret, *secret, nullptr);
    }
  }

 private:
  void declare(const ast::Declaration &d) {
    const ast::Doc *doc = d.doc ? &*d.doc : nullptr;
    if (const auto *n = d.as<ast::RoleDecl>()) add(program_.roles, SymbolKind::role, *n, doc);
    if (const auto *n = d.as<ast::StateDecl>()) add(program_.states, SymbolKind::state, *n, doc);
    if (const auto *n = d.as<ast::ProbeDecl>()) add(program_.probes, SymbolKind::probe, *n, doc);
    if (const auto *n = d.as<ast::GateDecl>()) add(program_.gates, SymbolKind::gate, *n, doc);
    if (const auto *n = d.as<ast::ActionDecl>()) add(program_.actions, SymbolKind::action, *n, doc);
    if (const auto *n = d.as<ast::HoldDecl>()) add(program_.holds, SymbolKind::hold, *n, doc);
    if (const auto *n = d.as<ast::ProcedureDecl>()) add(program_.procedures, SymbolKind::procedure, *n, doc);
    if (const auto *n = d.as<ast::HostsDecl>()) add(program_.host_sets, SymbolKind::host_set, *n, doc);
    if (const auto *n = d.as<ast::ParamDecl>()) add(program_.params, SymbolKind::param, *n, doc);
    if (const auto *n = d.as<ast::SecretDecl>()) add(program_.secrets, SymbolKind::secret, *n, doc);
    if (const auto *n = d.as<ast::VersionsDecl>()) add_apart(program_.versions, SymbolKind::versions, *n, doc);
    if (const auto *n = d.as<ast::ClusterDecl>()) add_apart(program_.clusters, SymbolKind::cluster, *n, doc);
    if (const auto *n = d.as<ast::UpgradeDecl>()) add_apart(program_.upgrades, SymbolKind::upgrade, *n, doc);
  }

  template <typename Entry, typename Node>
  void append(std::vector<Entry> &table, const Node &node, const ast::Doc *doc) {
    Entry entry{};
    const Module &module = program_.modules[module_.index];
    entry.symbol.bare = node.name.text;
    entry.symbol.name = module.name.empty() ? node.name.text : module.name + "." + node.name.text;
    entry.symbol.module = module_;
    entry.symbol.range = node.name.range;
    entry.symbol.doc = doc;
    entry.ast = &node;
    table.push_back(std::move(entry));
  }

  /// What shares the one name space of a module.
  template <typename Entry, typename Node>
  void add(std::vector<Entry> &table, SymbolKind kind, const Node &node, const ast::Doc *doc) {
    const SymbolRef ref{kind, static_cast<std::uint32_t>(table.size())};
    append(table, node, doc);
    const ast::Name &name = node.name;
    if (is_reserved(name.text) || (kind == SymbolKind::role && base_named(name.text))) {
      sink_.report(Kind::reserved_name, name.range,
                   fmt::format("{} cannot be named `{}`: the language gives that word a meaning", with_article(kind),
                               name.text));
    }
    const auto [at, fresh] = program_.names[module_.index].emplace(name.text, ref);
    if (fresh) return;
    const SymbolRef first = at->second;
    sink_.report(Kind::duplicate_declaration, name.range, fmt::format("`{}` is declared twice", name.text))
        .primary(fmt::format("{} here", with_article(kind)))
        .label(program_.symbol(first).range, fmt::format("{} here", with_article(first.kind)))
        .note(
            "roles, states, probes, gates, actions, holds, procedures, host sets, params and secrets of a module share "
            "its names");
  }

  template <typename Entry, typename Node>
  void add_apart(std::vector<Entry> &table, SymbolKind kind, const Node &node, const ast::Doc *doc) {
    const std::string key = fmt::format("{} {} {}", static_cast<int>(kind), module_.index, node.name.text);
    const auto [first, fresh] = apart_.emplace(key, node.name.range);
    if (!fresh)
      sink_
          .report(Kind::duplicate_declaration, node.name.range,
                  fmt::format("{} `{}` is declared twice", spelling(kind), node.name.text))
          .label(first->second, "first declared here");
    append(table, node, doc);
  }

  Program &program_;
  Sink &sink_;
  ModuleId module_;
  std::unordered_map<std::string, Range> apart_;  // clusters, upgrades, versions
};

class Typer {
 public:
  explicit Typer(Resolver &resolver) : resolver_(resolver), program_(resolver.program()) {}

  void run() {
    with_parameters(program_.states);
    with_parameters(program_.probes);
    with_parameters(program_.gates);
    with_parameters(program_.actions);
    with_parameters(program_.holds);
    with_parameters(program_.procedures);
    for (Probe &probe : program_.probes) probe.result = resolver_.type(probe.symbol.module, probe.ast->type);
    for (Param &param : program_.params) param.type = resolver_.type(param.symbol.module, param.ast->type);
    for (Secret &secret : program_.secrets) source_of(secret);
    for (const State &state : program_.states) check_state(state);
  }

 private:
  template <typename Entry>
  void with_parameters(std::vector<Entry> &table) {
    for (Entry &entry : table) {
      for (const ast::Parameter &written : entry.ast->parameters) {
        if (is_reserved(written.name.text) && written.name.text != "host" && !is_builtin(written.name.text))
          resolver_.sink().report(
              Kind::reserved_name, written.name.range,
              fmt::format("a parameter cannot be named `{}`: the language gives that word a meaning",
                          written.name.text));
        entry.parameters.push_back({written.name.text, resolver_.type(entry.symbol.module, written.type), &written});
      }
    }
  }

  /// Functions are called, parameters are not: they may share a word.
  static bool is_builtin(std::string_view name) {
    return std::any_of(builtin_names.begin(), builtin_names.end(),
                       [&](const BuiltinName &b) { return b.text == name; });
  }

  void check_state(const State &state) {
    if (!state.parameters.empty() && (state.parameters.size() > 1 || !(state.parameters[0].type.is(Base::host) ||
                                                                       state.parameters[0].type.poisoned())))
      resolver_.sink()
          .report(Kind::bad_signature, state.symbol.range,
                  fmt::format("state `{}` has parameters that a state cannot have", state.symbol.name))
          .note("a state belongs to a host (one host parameter) or to the cluster (none)");
    if (state.ast->values.size() > plan::Limits::state_values) {
      resolver_.sink()
          .report(Kind::value_out_of_range, state.ast->values[plan::Limits::state_values].name.range,
                  fmt::format("state `{}` has {} values, a state has at most {}", state.symbol.name,
                              state.ast->values.size(), plan::Limits::state_values))
          .help("split it into two states, or observe less of what it tells apart");
    }
    std::unordered_map<std::string_view, Range> seen;
    for (const ast::StateValue &value : state.ast->values) {
      const auto [first, fresh] = seen.emplace(value.name.text, value.name.range);
      if (!fresh)
        resolver_.sink()
            .report(Kind::duplicate_item, value.name.range, fmt::format("value `{}` stands twice", value.name.text))
            .label(first->second, "first here");
    }
  }

  void source_of(Secret &secret) {
    constexpr std::array<std::string_view, 3> sources{"prompt", "env", "file"};
    const ast::SecretDecl &written = *secret.ast;
    const auto *found = std::find(sources.begin(), sources.end(), written.source.text);
    if (written.detail) secret.argument = written.detail->text();
    if (found == sources.end()) {
      const std::string meant(diagnostics::did_you_mean(written.source.text, sources));
      auto report = resolver_.sink().report(Kind::bad_secret_source, written.source.range,
                                            fmt::format("a secret cannot come from `{}`", written.source.text));
      report.note("a secret comes from prompt, env \"NAME\" or file \"PATH\"");
      if (!meant.empty()) report.fix(fmt::format("did you mean `{}`?", meant), written.source.range, meant);
      return;
    }
    secret.source = static_cast<plan::SecretSource>(found - sources.begin());
    if (secret.source != plan::SecretSource::prompt && secret.argument.empty())
      resolver_.sink().report(Kind::bad_secret_source, written.source.range,
                              fmt::format("`from {}` needs a name: `secret {} from {} \"...\"`", written.source.text,
                                          secret.symbol.bare, written.source.text));
    if (written.detail && !written.detail->plain())
      resolver_.sink().report(Kind::not_constant, written.detail->range,
                              "where a secret comes from is plain text, without `${}`");
  }

  Resolver &resolver_;
  Program &program_;
};

}  // namespace

bool is_reserved(std::string_view name) {
  if (std::find(special_names.begin(), special_names.end(), name) != special_names.end()) return true;
  return std::any_of(builtin_names.begin(), builtin_names.end(),
                     [&](const BuiltinName &b) { return b.text == name && b.signature.starts_with('('); });
}

void declare_all(Program &program, Sink &sink) { Declarer(program, sink).run(); }

bool choose_upgrade(Program &program, const Options &options, Sink &sink) {
  std::vector<UpgradeId> own;
  for (std::size_t i = 0; i < program.upgrades.size(); ++i)
    if (program.upgrades[i].symbol.module == ModuleId(0)) own.push_back(UpgradeId(i));
  const auto named = [&](UpgradeId id) -> const Upgrade & { return program.upgrades[id.index]; };
  const Range top{program.modules[0].file, 0, 0};
  if (!options.plan.empty()) {
    std::vector<std::string_view> names;
    for (const UpgradeId id : own) {
      names.push_back(named(id).symbol.bare);
      if (names.back() == options.plan && !program.head.upgrade.valid()) program.head.upgrade = id;
    }
    if (!program.head.upgrade.valid()) {
      if (!program.trees[0]->complete) return false;  // it may be among what could not be read
      auto report =
          sink.report(Kind::unknown_upgrade, top, fmt::format("there is no upgrade `{}` in this file", options.plan));
      if (const auto meant = diagnostics::did_you_mean(options.plan, names); !meant.empty())
        report.help(fmt::format("did you mean `--plan {}`?", meant));
      for (const UpgradeId id : own) report.label(named(id).symbol.range, "one that is there");
      return false;
    }
  } else if (own.size() == 1) {
    program.head.upgrade = own.front();
  } else if (own.empty()) {
    if (options.plan_required && program.trees[0]->complete)
      sink.report(Kind::no_upgrade, top, "there is no `upgrade` or `repair` in this file")
          .note("a plan is an `upgrade NAME of CLUSTER { }` in the file that is compiled, not in a module it uses");
    return false;
  } else {
    auto report = sink.report(Kind::several_upgrades, named(own.front()).symbol.range,
                              fmt::format("this file has {} plans and none was chosen", own.size()));
    for (std::size_t i = 1; i < own.size(); ++i) report.label(named(own[i]).symbol.range, "another one");
    std::string names;
    for (const UpgradeId id : own) names += (names.empty() ? "`--plan " : ", `--plan ") + named(id).symbol.bare + "`";
    report.help(fmt::format("choose one: {}", names));
    return false;
  }
  Declarer(program, sink).run_upgrade(*named(program.head.upgrade).ast, ModuleId(0));
  return true;
}

void declare_types(Resolver &resolver) { Typer(resolver).run(); }

}  // namespace upg::sema
