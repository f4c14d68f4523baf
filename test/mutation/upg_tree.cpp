// upg_tree FILE...: prints the syntax tree of each file as one line of JSON, every node with its kind and its byte
// range: what the mutation tool edits by. Exit code 1 if a file does not parse.
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <variant>
#include <vector>

#include "compiler/syntax/parse.h"
#include "runtime/diagnostics/render_text.h"

// Here and not in an unnamed namespace: the templates below find all overloads by the namespace of their arguments.
namespace upg::syntax::ast {

using Json = nlohmann::json;

static Json node_of(const char *kind, const Range &range) {
  return {{"kind", kind}, {"begin", range.begin}, {"end", range.end}};
}

// ---- expressions

static Json tree(const Expr &expr);
static Json tree(const ExprPtr &expr) { return expr ? tree(*expr) : Json(); }
static Json tree(const Name &name) {
  Json node = node_of("word", name.range);
  node["text"] = name.text;
  return node;
}
static Json tree(const QName &name) {
  Json node = node_of("name", name.range);
  node["text"] = name.text();
  return node;
}
static Json tree(const StringLiteral &string) { return node_of("string", string.range); }

template <typename T>
static Json trees(const std::vector<T> &values) {
  Json list = Json::array();
  for (const T &value : values) list.push_back(tree(value));
  return list;
}

static Json tree(const Type &type) {
  Json node = node_of("type", type.range);
  node["text"] = type.name.text();
  return node;
}
static Json tree(const Binder &binder) {
  Json node = node_of("binder", binder.range);
  node["variable"] = tree(binder.variable);
  node["set"] = tree(binder.set);
  node["where"] = tree(binder.where);
  node["if_any"] = binder.if_any;
  return node;
}
static Json tree(const Selection &selection) {
  const Binder *binder = selection.binder();
  return binder ? tree(*binder) : tree(selection.set());
}
static Json tree(const Target &target) {
  Json node = node_of("target", target.range);
  node["how"] = target.kind == Target::Kind::on ? "on" : target.kind == Target::Kind::any ? "any" : "each";
  node["hosts"] = tree(target.hosts);
  return node;
}
static Json tree(const Argument &argument) {
  Json node = node_of("argument", argument.range);
  if (argument.name) node["name"] = tree(*argument.name);
  node["value"] = tree(argument.value);
  return node;
}
static Json tree(const Ref &ref) {
  Json node = node_of("ref", ref.range);
  node["name"] = tree(ref.name);
  if (ref.arguments) node["arguments"] = trees(*ref.arguments);
  return node;
}

static Json inside(const ListExpr &list) { return {{"kind", "list"}, {"items", trees(list.items)}}; }
static Json inside(const ComprehensionExpr &e) {
  return {{"kind", "comprehension"}, {"item", tree(e.item)}, {"binder", tree(e.binder)}};
}
static Json inside(const NameExpr &e) { return {{"kind", "name"}, {"text", e.name.text}}; }
static Json inside(const FieldExpr &e) { return {{"kind", "field"}, {"base", tree(e.base)}, {"field", tree(e.field)}}; }
static Json inside(const IndexExpr &e) { return {{"kind", "index"}, {"base", tree(e.base)}, {"index", tree(e.index)}}; }
static Json inside(const CallExpr &e) {
  return {{"kind", "call"}, {"callee", tree(e.callee)}, {"arguments", trees(e.arguments)}};
}
static Json inside(const UnaryExpr &e) {
  return {{"kind", "unary"}, {"op", std::string(spelling(e.op))}, {"operand", tree(e.operand)}};
}
static Json inside(const BinaryExpr &e) {
  return {{"kind", "binary"},
          {"op", std::string(spelling(e.op))},
          {"op_begin", e.op_range.begin},
          {"op_end", e.op_range.end},
          {"left", tree(e.left)},
          {"right", tree(e.right)}};
}
static Json inside(const DefaultExpr &e) {
  return {{"kind", "default"}, {"value", tree(e.value)}, {"fallback", tree(e.fallback)}};
}
static Json inside(const QuantifiedExpr &e) {
  return {{"kind", "quantified"},
          {"every", e.kind == QuantifiedExpr::Kind::every},
          {"binder", tree(e.binder)},
          {"predicate", tree(e.predicate)}};
}
static Json inside(const CountExpr &e) { return {{"kind", "count"}, {"of", tree(e.of)}}; }
static Json inside(const AnyExpr &e) { return {{"kind", "any"}, {"of", tree(e.of)}}; }
static Json inside(const RunExpr &e) {
  return {{"kind", "run"}, {"arguments", trees(e.arguments)}, {"target", tree(e.target)}};
}
static Json inside(const StringLiteral &) { return {{"kind", "string"}}; }
static Json inside(const ErrorExpr &) { return {{"kind", "literal"}}; }
static Json inside(const BoolLiteral &) { return {{"kind", "literal"}}; }
static Json inside(const IntLiteral &) { return {{"kind", "literal"}}; }
static Json inside(const DecimalLiteral &) { return {{"kind", "literal"}}; }
static Json inside(const PercentLiteral &) { return {{"kind", "literal"}}; }
static Json inside(const DurationLiteral &) { return {{"kind", "literal"}}; }
static Json inside(const SizeLiteral &) { return {{"kind", "literal"}}; }
static Json inside(const DateLiteral &) { return {{"kind", "literal"}}; }
static Json inside(const AskExpr &) { return {{"kind", "question"}}; }

static Json tree(const Expr &expr) {
  Json node = std::visit([](const auto &value) { return inside(value); }, expr.node);
  node["begin"] = expr.range.begin;
  node["end"] = expr.range.end;
  return node;
}

// ---- statements of plans

static Json tree(const Block &block);
static Json tree(const Takes &takes) {
  Json node = node_of("takes", takes.range);
  node["typical"] = tree(takes.typical);
  node["worst"] = tree(takes.worst);
  return node;
}
static Json tree(const RollingOption &option) {
  Json node = node_of("option", option.range);
  if (const auto *batch = std::get_if<BatchOption>(&option.option)) {
    node["what"] = "batch";
    node["size"] = tree(batch->size);
    node["per"] = tree(batch->per);
  } else if (const auto *canary = std::get_if<CanaryOption>(&option.option)) {
    node["what"] = "canary";
    node["size"] = tree(canary->count);
    node["soak"] = tree(canary->soak);
  } else if (const auto *most = std::get_if<AtMostOption>(&option.option)) {
    node["what"] = "at most";
    node["size"] = tree(most->limit);
  } else {
    node["what"] = "tolerant";
  }
  return node;
}

static Json inside(const AwaitStatement &s) { return {{"kind", "await"}, {"gate", tree(s.gate)}}; }
static Json inside(const ExpectStatement &s) { return {{"kind", "expect"}, {"condition", tree(s.condition)}}; }
static Json inside(const LetStatement &s) {
  return {{"kind", "let"}, {"name", tree(s.let.name)}, {"value", tree(s.let.value)}};
}
static Json inside(const WithStatement &s) {
  return {{"kind", "with"}, {"holds", trees(s.holds)}, {"body", tree(s.body)}};
}
static Json inside(const RollingStatement &s) {
  return {{"kind", "rolling"}, {"binder", tree(s.binder)}, {"options", trees(s.options)}, {"body", tree(s.body)}};
}
static Json inside(const ForStatement &s) {
  return {{"kind", "for"}, {"binder", tree(s.binder)}, {"at_most", tree(s.at_most)}, {"body", tree(s.body)}};
}
static Json inside(const DeadlineStatement &s) {
  return {{"kind", "deadline"}, {"limit", tree(s.limit)}, {"body", tree(s.body)}};
}
static Json inside(const PhaseStatement &s) {
  return {{"kind", "phase"}, {"name", tree(s.name)}, {"after", trees(s.after)}, {"body", tree(s.body)}};
}
static Json inside(const ParallelStatement &s) { return {{"kind", "parallel"}, {"branches", trees(s.branches)}}; }
static Json inside(const IfStatement &s) {
  Json branches = Json::array();
  for (const IfBranch &branch : s.branches)
    branches.push_back({{"condition", tree(branch.condition)}, {"body", tree(branch.body)}});
  return {{"kind", "if"}, {"branches", branches}, {"otherwise", s.otherwise ? tree(*s.otherwise) : Json()}};
}
static Json inside(const UnlessStatement &s) {
  return {{"kind", "unless"}, {"condition", tree(s.condition)}, {"body", tree(s.body)}};
}
static Json inside(const AttemptStatement &s) {
  Json recover = Json::array();
  for (const RecoverBranch &branch : s.recover) {
    Json node = node_of("recover", branch.range);
    node["condition"] = tree(branch.condition);
    node["body"] = tree(branch.body);
    recover.push_back(node);
  }
  return {{"kind", "attempt"},
          {"times", tree(s.times)},
          {"body", tree(s.body)},
          {"recover", recover},
          {"otherwise", s.otherwise ? tree(*s.otherwise) : Json()}};
}
static Json inside(const PointOfNoReturnStatement &) { return {{"kind", "no_return"}}; }
static Json inside(const AcceptStatement &s) {
  return {{"kind", "accept"},
          {"rule", tree(s.rule)},
          {"of", s.of ? tree(*s.of) : Json()},
          {"at_most", s.at_most ? tree(*s.at_most) : Json()},
          {"reason", tree(s.reason)},
          {"until", s.until ? node_of("until", s.until_range) : Json()},
          {"body", s.body ? tree(*s.body) : Json()}};
}
static Json inside(const AdmitStatement &s) { return {{"kind", "admit"}, {"body", tree(s.body)}}; }
static Json inside(const OperatorStatement &s) {
  return {{"kind", "operator"}, {"takes", s.takes ? tree(*s.takes) : Json()}};
}
static Json inside(const AskStatement &) { return {{"kind", "ask"}}; }
static Json inside(const CallStatement &s) { return {{"kind", "act"}, {"callee", tree(s.callee)}}; }

// ---- clauses of actions, holds, gates, roles, states

static Json tree(const ActionBody &body);
static Json tree(const Requirement &need) {
  static constexpr const char *kinds[] = {"condition", "held", "not held", "free"};
  Json node = node_of("need", need.range);
  node["what"] = kinds[static_cast<std::size_t>(need.kind)];
  if (need.condition) node["condition"] = tree(need.condition);
  return node;
}
static Json inside(const Requires &c) { return {{"kind", "requires"}, {"needs", trees(c.needs)}}; }
static Json inside(const RoleEffect &c) {
  return {
      {"kind", c.kind == EffectKind::changes ? "changes" : "disrupts"}, {"roles", trees(c.roles)}, {"on", tree(c.on)}};
}
static Json inside(const Spills &c) { return {{"kind", "spills"}, {"roles", trees(c.roles)}}; }
static Json inside(const Reaches &c) { return {{"kind", "reaches"}, {"items", trees(c.items)}}; }
static Json inside(const Destroys &) { return {{"kind", "destroys"}}; }
static Json inside(const Reinstalls &) { return {{"kind", "reinstalls"}}; }
static Json inside(const Moves &c) {
  return {
      {"kind", "moves"}, {"state", tree(c.state)}, {"from", trees(c.from)}, {"to", tree(c.to)}, {"via", trees(c.via)}};
}
static Json inside(const DoneWhen &) { return {{"kind", "done_when"}}; }
static Json inside(const Retry &c) {
  return {{"kind", "retry"}, {"times", tree(c.times)}, {"every", tree(c.interval)}};
}
static Json inside(const Idempotent &) { return {{"kind", "idempotent"}}; }
static Json inside(const Once &) { return {{"kind", "once"}}; }
static Json inside(const Takes &c) {
  return {{"kind", "takes"}, {"typical", tree(c.typical)}, {"worst", tree(c.worst)}};
}
static Json inside(const AwaitsBoot &) { return {{"kind", "awaits_boot"}}; }
static Json inside(const Awaits &) { return {{"kind", "awaits"}}; }
static Json inside(const Undo &c) {
  return c.nothing ? Json{{"kind", "undo"}} : Json{{"kind", "undo"}, {"body", tree(c.body)}};
}
static Json inside(const OperatorClause &) { return {{"kind", "operator_clause"}}; }
static Json inside(const Let &c) { return {{"kind", "let"}, {"name", tree(c.name)}, {"value", tree(c.value)}}; }
static Json inside(const RunClause &c) { return {{"kind", "run_clause"}, {"run", tree(c.run)}}; }
static Json inside(const ForClause &c) {
  return {{"kind", "for_clause"}, {"binder", tree(c.binder)}, {"body", tree(c.body)}};
}
static Json inside(const Taints &c) { return {{"kind", "taints"}, {"gates", trees(c.gates)}}; }
static Json inside(const Observe &c) { return {{"kind", "observe"}, {"value", tree(c.value)}}; }
static Json inside(const Acquire &c) { return {{"kind", "acquire"}, {"body", tree(c.body)}}; }
static Json inside(const Release &c) { return {{"kind", "release"}, {"body", tree(c.body)}}; }
static Json inside(const OnHalt &c) { return {{"kind", "on_halt"}, {"keep", c.choice == KeepOrRelease::keep}}; }
static Json inside(const OnWait &c) { return {{"kind", "on_wait"}, {"keep", c.choice == KeepOrRelease::keep}}; }
static Json inside(const PassWhen &c) { return {{"kind", "pass_when"}, {"condition", tree(c.condition)}}; }
static Json inside(const FailWhen &c) { return {{"kind", "fail_when"}, {"condition", tree(c.condition)}}; }
static Json inside(const Poll &c) {
  return {{"kind", "poll"}, {"every", tree(c.interval)}, {"deadline", tree(c.deadline)}};
}
static Json inside(const Stable &c) { return {{"kind", "stable"}, {"count", tree(c.count)}}; }
static Json inside(const Watches &c) { return {{"kind", "watches"}, {"items", trees(c.items)}}; }
static Json inside(const Clears &c) { return {{"kind", "clears"}, {"roles", trees(c.roles)}}; }
static Json inside(const Available &c) {
  Json node = {{"kind", "available"}};
  if (const auto *least = std::get_if<AvailableAtLeast>(&c.policy)) {
    node["what"] = "at least";
    node["amount"] = tree(least->amount);
  } else if (const auto *but = std::get_if<AvailableAllBut>(&c.policy)) {
    node["what"] = "all but";
    node["amount"] = tree(but->amount);
    node["group"] = tree(but->group);
  } else {
    node["what"] = std::holds_alternative<AvailableQuorum>(c.policy) ? "quorum" : "may be down";
  }
  return node;
}
static Json inside(const Serial &) { return {{"kind", "serial"}}; }
static Json inside(const Health &c) { return {{"kind", "health"}, {"gate", tree(c.gate)}}; }
static Json inside(const Stoppable &c) {
  const Ref *gate = std::get_if<Ref>(&c.by);
  return {{"kind", "stoppable"}, {"gate", gate ? tree(*gate) : Json()}};
}
static Json inside(const Roster &) { return {{"kind", "roster"}}; }
static Json inside(const Votes &) { return {{"kind", "votes"}}; }
static Json inside(const Settles &) { return {{"kind", "settles"}}; }
static Json inside(const BootProbe &) { return {{"kind", "boot"}}; }
static Json inside(const IdentityProbe &) { return {{"kind", "identity"}}; }
static Json inside(const DownOnlyUnder &) { return {{"kind", "down_only_under"}}; }
static Json inside(const BootMove &) { return {{"kind", "on_boot"}}; }
static Json inside(const WhileTaints &c) { return {{"kind", "while_taints"}, {"gates", trees(c.gates)}}; }

// ---- the site

static Json tree(const HostHead &head) {
  Json node = tree(head.name);
  if (head.address) node["address"] = tree(*head.address);
  return node;
}
static Json inside(const HostRoles &i) { return {{"kind", "roles"}, {"roles", trees(i.roles)}}; }
static Json inside(const HostVia &i) { return {{"kind", "via"}, {"bastion", tree(i.bastion)}}; }
static Json inside(const HostGuest &i) { return {{"kind", "guest"}, {"of", tree(i.of)}}; }
static Json inside(const Attribute &i) {
  return {{"kind", "attribute"}, {"name", tree(i.name)}, {"value", tree(i.value)}};
}
static Json inside(const InventoryImport &) { return {{"kind", "import"}}; }
template <typename Item>
static Json item(const Item &value) {
  Json node = std::visit([](const auto &part) { return inside(part); }, value.node);
  node["begin"] = value.range.begin;
  node["end"] = value.range.end;
  return node;
}
template <typename Item>
static Json items(const std::vector<Item> &values) {
  Json list = Json::array();
  for (const Item &value : values) list.push_back(item(value));
  return list;
}
static Json inside(const HostDecl &i) {
  return {{"kind", "host"}, {"hosts", trees(i.hosts)}, {"items", items(i.items)}};
}
static Json inside(const HostOut &i) { return {{"kind", "host_out"}, {"host", tree(i.host)}}; }

static Json tree(const Block &block) {
  Json node = node_of("block", block.range);
  node["statements"] = items(block.statements);
  return node;
}
static Json tree(const ActionBody &body) {
  Json node = node_of("body", body.range);
  node["clauses"] = items(body.clauses);
  return node;
}

// ---- declarations

static Json tree(const Parameter &parameter) {
  Json node = node_of("parameter", parameter.range);
  node["name"] = tree(parameter.name);
  node["type"] = tree(parameter.type);
  node["has_default"] = parameter.default_value != nullptr;
  return node;
}
static Json inside(const UseDecl &d) { return {{"kind", "use"}, {"modules", trees(d.modules)}}; }
static Json inside(const ParamDecl &d) {
  return {{"kind", "param"},
          {"name", tree(d.name)},
          {"type", tree(d.type)},
          {"default", d.default_value ? tree(d.default_value) : Json()}};
}
static Json inside(const SecretDecl &d) { return {{"kind", "secret"}, {"name", tree(d.name)}}; }
static Json inside(const ClusterDecl &d) {
  return {{"kind", "cluster"}, {"name", tree(d.name)}, {"items", items(d.items)}};
}
static Json inside(const HostsDecl &d) { return {{"kind", "hosts"}, {"name", tree(d.name)}}; }
static Json inside(const RoleDecl &d) { return {{"kind", "role"}, {"name", tree(d.name)}, {"items", items(d.items)}}; }
static Json inside(const StateDecl &d) {
  Json values = Json::array();
  for (const StateValue &value : d.values) {
    Json node = tree(value.name);
    node["transient"] = value.transient;
    values.push_back(node);
  }
  return {{"kind", "state"},
          {"name", tree(d.name)},
          {"parameters", trees(d.parameters)},
          {"values", values},
          {"items", items(d.items)}};
}
static Json inside(const ProbeDecl &d) { return {{"kind", "probe"}, {"name", tree(d.name)}}; }
static Json inside(const GateDecl &d) {
  return {{"kind", "gate"}, {"name", tree(d.name)}, {"parameters", trees(d.parameters)}, {"items", items(d.items)}};
}
static Json inside(const ActionDecl &d) {
  return {{"kind", "action"}, {"name", tree(d.name)}, {"parameters", trees(d.parameters)}, {"body", tree(d.body)}};
}
static Json inside(const HoldDecl &d) {
  return {{"kind", "hold"}, {"name", tree(d.name)}, {"parameters", trees(d.parameters)}, {"items", items(d.items)}};
}
static Json inside(const ProcedureDecl &d) {
  return {{"kind", "procedure"}, {"name", tree(d.name)}, {"parameters", trees(d.parameters)}, {"body", tree(d.body)}};
}
static Json inside(const OrderDecl &d) {
  Json steps = Json::array();
  for (const std::vector<Ref> &step : d.steps) steps.push_back(trees(step));
  return {{"kind", "order"}, {"steps", steps}, {"on_each_host", d.on_each_host}};
}
static Json inside(const RankDecl &d) { return {{"kind", "rank"}, {"roles", trees(d.roles)}}; }
static Json inside(const VersionsDecl &d) { return {{"kind", "versions"}, {"name", tree(d.name)}}; }
static Json inside(const CommandDecl &d) {
  Json effects = Json::array();
  for (const ImpliedEffect &effect : d.effects) {
    Json node = node_of("implied", effect.range);
    node["roles"] = trees(effect.roles);
    effects.push_back(node);
  }
  return {{"kind", "command"}, {"pattern", tree(d.pattern)}, {"effects", effects}};
}
static Json inside(const FromTo &i) { return {{"kind", "from_to"}, {"from", tree(i.from)}, {"to", tree(i.to)}}; }
static Json inside(const Window &i) {
  return {{"kind", "window"},
          {"every", i.every},
          {"start", tree(i.start)},
          {"length", tree(i.length)},
          {"zone", tree(i.time_zone)}};
}
static Json inside(const Exclusive &) { return {{"kind", "exclusive"}}; }
static Json inside(const Initially &i) { return {{"kind", "initially"}, {"conditions", trees(i.conditions)}}; }
static Json inside(const Finally &i) { return {{"kind", "finally"}, {"conditions", trees(i.conditions)}}; }
static Json inside(const Tolerate &i) { return {{"kind", "tolerate"}, {"hosts", tree(i.hosts)}}; }
static Json inside(const Preflight &i) { return {{"kind", "preflight"}, {"body", tree(i.body)}}; }
static Json inside(const Postflight &i) { return {{"kind", "postflight"}, {"body", tree(i.body)}}; }
static Json inside(const OnAbort &i) { return {{"kind", "on_abort"}, {"body", tree(i.body)}}; }
/// Statements of an upgrade stand among its clauses.
static Json inside(const Statement &statement) { return item(statement); }
static Json inside(const UpgradeDecl &d) {
  return {{"kind", "upgrade"},
          {"repair", d.repair},
          {"name", tree(d.name)},
          {"cluster", tree(d.cluster)},
          {"items", items(d.items)}};
}

}  // namespace upg::syntax::ast

namespace {

using namespace upg;

bool print(const std::string &path) {
  diagnostics::Sources sources;
  diagnostics::Sink sink;
  std::string why;
  const std::optional<diagnostics::FileId> file = sources.load(path, syntax::max_file_bytes, why);
  if (!file) {
    fmt::print(stderr, "upg_tree: cannot read {}: {}\n", path, why);
    return false;
  }
  const syntax::SyntaxTree parsed = syntax::parse(sources, *file, sink);
  fmt::print(stderr, "{}", diagnostics::render_text(sink, sources));
  if (!parsed.complete) return false;
  syntax::ast::Json node = syntax::ast::node_of("file", parsed.file.range);
  node["path"] = path;
  node["module"] = parsed.file.module ? syntax::ast::Json(parsed.file.module->text) : syntax::ast::Json();
  node["declarations"] = syntax::ast::items(parsed.file.declarations);
  fmt::print("{}\n", node.dump());
  return true;
}

}  // namespace

int main(int argc, char **argv) {
  bool sound = argc > 1;
  for (int i = 1; i < argc; ++i) sound = print(argv[i]) && sound;
  return sound ? 0 : 1;
}
