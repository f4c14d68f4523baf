#include <fmt/format.h>

#include <algorithm>

#include "compiler/sema/address.h"
#include "compiler/sema/head.h"
#include "compiler/sema/values.h"

namespace upg::sema {
namespace {

using diagnostics::Kind;

/// Calls `settle` for each index of a table: those of used modules first, the entry's last, each in order.
template <typename Table, typename Settle>
void modules_first(const Table &table, const Settle &settle) {
  for (const bool entry : {false, true})
    for (std::size_t i = 0; i < table.size(); ++i)
      if ((table[i].symbol.module == ModuleId(0)) == entry) settle(i);
}

class Params {
 public:
  Params(Resolver &resolver, const Options &options)
      : program_(resolver.program()), sink_(resolver.sink()), evaluator_(resolver), options_(options) {}

  void run() {
    given_.assign(program_.params.size(), nullptr);
    for (const Definition &definition : options_.definitions) assign(definition);
    modules_first(program_.params, [&](std::size_t i) { settle(i); });
  }

 private:
  void assign(const Definition &definition) {
    std::vector<std::size_t> found;
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < program_.params.size(); ++i) {
      const Symbol &symbol = program_.params[i].symbol;
      names.push_back(symbol.bare);
      if (symbol.name == definition.name || (symbol.bare == definition.name && symbol.module == ModuleId(0))) {
        found = {i};
        break;
      }
      if (symbol.bare == definition.name) found.push_back(i);
    }
    const auto bad = [&](std::string message) { return sink_.report(Kind::bad_definition, {}, std::move(message)); };
    if (found.empty()) {
      auto report = bad(fmt::format("`-D {}`: there is no param of that name", printable(definition.name)));
      const std::string meant(diagnostics::did_you_mean(definition.name, names));
      if (!meant.empty()) report.help(fmt::format("did you mean `-D {}`?", meant));
      return;
    }
    if (found.size() > 1) {
      bad(fmt::format("`-D {}` could mean `{}` or `{}`", definition.name, program_.params[found[0]].symbol.name,
                      program_.params[found[1]].symbol.name));
      return;
    }
    if (given_[found[0]]) {
      bad(fmt::format("`-D {}` is given twice", definition.name));
      return;
    }
    given_[found[0]] = &definition;
  }

  void settle(std::size_t i) {
    Param &param = program_.params[i];
    param.value = values::poison();
    if (given_[i]) {
      param.value = parse(*given_[i], param);
    } else if (param.ast->default_value) {
      Scope scope;
      scope.module = param.symbol.module;
      const std::string what = fmt::format("the default of `{}`", param.symbol.bare);
      if (auto value = evaluator_.constant_of(*param.ast->default_value, scope, param.type, what))
        param.value = std::move(*value);
      if (param.type.is(Base::decimal) && param.value.type.is(Base::integer))
        param.value = {param.type, std::to_string(param.value.integer())};
    } else if (options_.plan_required || program_.head.upgrade.valid()) {
      sink_
          .report(Kind::missing_parameter, param.symbol.range,
                  fmt::format("param `{}` has no value", param.symbol.bare))
          .help(fmt::format("give it one with `-D {}=VALUE`, or write a default: `= VALUE`", param.symbol.name));
    }
    program_.params[i].settled = true;
  }

  std::optional<Value> host(std::string_view text, const Type &type) {
    const auto found = program_.host_names.find(std::string(text));
    if (found == program_.host_names.end()) return std::nullopt;
    return values::host(found->second, type.role);
  }

  Value parse(const Definition &definition, const Param &param) {
    std::optional<Value> value;
    if (param.type.poisoned()) return values::poison();
    if (param.type.is(Base::host)) {
      value = host(definition.value, param.type);
    } else if (param.type.is_hosts()) {
      std::vector<Value> items;
      std::string_view rest = definition.value;
      bool sound = !rest.empty();
      while (sound && !rest.empty()) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        auto one = host(rest.substr(0, comma), param.type.element_type());
        sound = one.has_value();
        if (one) items.push_back(std::move(*one));
        rest.remove_prefix(std::min(comma + 1, rest.size()));
      }
      if (sound) value = Value{param.type, std::move(items)};
    } else {
      value = values::parse(definition.value, param.type);
    }
    if (value) return std::move(*value);
    sink_.report(Kind::bad_definition, {},
                 fmt::format("`-D {}={}`: that is no {}", printable(definition.name), printable(definition.value),
                             to_string(param.type, program_)));
    return values::poison();
  }

  Program &program_;
  Sink &sink_;
  Evaluator evaluator_;
  const Options &options_;
  std::vector<const Definition *> given_;
};

/// --limit as a declaration: "node1, node2" is `hosts limit = node1 + node2`.
std::string limit_declaration(std::string_view written) {
  std::string out = "hosts limit = ";
  int depth = 0;
  for (const char c : written) {
    if (c == '[' || c == '(') ++depth;
    if (c == ']' || c == ')') --depth;
    if (c == ',' && depth == 0)
      out += " + ";
    else
      out += c;
  }
  return out + "\n";
}

}  // namespace

void settle_params(Resolver &resolver, const Options &options) { Params(resolver, options).run(); }

void settle_host_sets(Resolver &resolver) {
  Program &program = resolver.program();
  Evaluator evaluator(resolver);
  modules_first(program.host_sets, [&](std::size_t i) {
    const ast::HostsDecl &written = *program.host_sets[i].ast;
    Scope scope;
    scope.module = program.host_sets[i].symbol.module;
    const ast::Binder *binder = written.value.binder();
    const StaticHosts base = evaluator.hosts(written.value.set(), scope);
    StaticHosts found = base;
    if (base.known == Known::yes && binder) found = evaluator.hosts(*binder, scope);
    if (base.known == Known::no) {
      resolver.sink()
          .report(Kind::not_constant, written.value.set().range,
                  "the hosts that a set is chosen from must be known before the run")
          .note("only its `where` may ask the hosts");
      found.known = Known::poisoned;
    }
    HostSet &set = program.host_sets[i];
    set.settled = true;
    set.poisoned = found.known == Known::poisoned;
    set.dynamic = found.known == Known::no;
    set.type = Type::hosts(found.role);
    set.hosts = std::move(found.hosts);
    if (set.dynamic || !program.site.cluster.valid() || set.symbol.used) return;
    if (program.module(set.symbol.module).standard) return;
    evaluator.require_hosts({found.known, set.hosts, found.role}, binder && binder->if_any, written.name.range);
  });
}

void settle_limit(Resolver &resolver, Sources &sources, const Options &options) {
  Program &program = resolver.program();
  if (options.limit.empty() || !program.site.cluster.valid()) return;
  const FileId file = sources.add("--limit", limit_declaration(options.limit));
  const std::size_t errors = resolver.sink().errors();
  program.trees.push_back(std::make_unique<syntax::SyntaxTree>(syntax::parse(sources, file, resolver.sink())));
  const ast::File &tree = program.trees.back()->file;
  if (resolver.sink().errors() > errors) return;
  const auto *hosts = tree.declarations.size() == 1 ? tree.declarations[0].as<ast::HostsDecl>() : nullptr;
  if (!hosts) {
    resolver.sink().report(Kind::bad_definition, {file, 0, 0},
                           "`--limit` takes a set of hosts: `node1,node2`, a role, `all except node3`");
    return;
  }
  Scope scope;
  scope.module = ModuleId(0);
  Evaluator evaluator(resolver);
  const StaticHosts found = evaluator.hosts(hosts->value, scope);
  if (found.known == Known::no)
    resolver.sink().report(Kind::not_constant, hosts->value.range,
                           "the hosts of `--limit` must be known before the run");
  if (found.known != Known::yes || !evaluator.require_hosts(found, false, hosts->value.range)) return;
  program.limit = found.hosts;
  program.limit_written = options.limit;
}

}  // namespace upg::sema
