#include "compiler/syntax/dump.h"

#include <fmt/format.h>

namespace upg::syntax::ast {
namespace {

/// Writes one line for each node; the overloads of `node` print the line and what is inside.
class Dumper {
 public:
  std::string take() { return std::move(out_); }

  void file(const File &file) {
    if (file.module_doc) doc(*file.module_doc);
    line("file{}", file.module ? " module " + file.module->text : "");
    nested([&] {
      for (const Declaration &declaration : file.declarations) item(declaration);
      for (const Name &name : file.broken) line("broken {}", name.text);
    });
  }

 private:
  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args &&...arguments) {
    out_.append(indent_ * 2, ' ');
    out_ += fmt::format(format, std::forward<Args>(arguments)...);
    out_ += '\n';
  }
  template <typename Inside>
  void nested(Inside inside) {
    ++indent_;
    inside();
    --indent_;
  }
  void doc(const Doc &text) {
    std::string shown;
    for (const char c : text.text) shown += c == '\n' ? std::string("\\n") : std::string(1, c);
    line("/// {}", shown);
  }
  template <typename Item>
  void item(const Item &value) {
    if constexpr (requires { value.doc; }) {
      if (value.doc) doc(*value.doc);
    }
    std::visit([&](const auto &inner) { node(inner); }, value.node);
  }
  template <typename Items>
  void items(const Items &values) {
    nested([&] {
      for (const auto &value : values) item(value);
    });
  }
  void body(const Block &block) { items(block.statements); }
  void body(const ProbeBlock &block) { items(block.statements); }
  void body(const ActionBody &block) { items(block.clauses); }

  static std::string parameters(const std::vector<Parameter> &parameters) {
    std::string text;
    for (const Parameter &p : parameters) {
      text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", p.name.text, dump_type(p.type));
      if (p.default_value) text += " = " + dump(*p.default_value);
    }
    return "(" + text + ")";
  }
  static std::string optional(std::string_view word, const ExprPtr &expr) {
    return expr ? fmt::format(" {} {}", word, dump(*expr)) : std::string();
  }
  static std::string refs_or_nothing(const std::vector<Ref> &refs, bool nothing) {
    return nothing ? "nothing" : dump_refs(refs);
  }
  static std::string strings(const std::vector<StringLiteral> &values, std::string_view separator) {
    std::vector<std::string> parts;
    for (const StringLiteral &value : values) parts.push_back(dump_string(value));
    return fmt::format("{}", fmt::join(parts, separator));
  }

  // ---- declarations
  void node(const UseDecl &d) { line("use {}", dump_names(d.modules)); }
  void node(const ParamDecl &d) {
    line("param {}: {}{}", d.name.text, dump_type(d.type), optional("=", d.default_value));
  }
  void node(const SecretDecl &d) {
    line("secret {} from {}{}", d.name.text, d.source.text, d.detail ? " " + dump_string(*d.detail) : "");
  }
  void node(const ClusterDecl &d) {
    line("cluster {}", d.name.text);
    items(d.items);
  }
  void node(const InventoryImport &i) {
    line("import {}", dump_string(i.path));
    nested([&] {
      for (const GroupMapping &g : i.groups) line("group {} as {}", dump_string(g.group), dump_refs(g.roles));
    });
  }
  void node(const HostDecl &h) {
    for (const HostHead &head : h.hosts)
      line("host {}{}", head.name.text, head.address ? " " + dump_string(*head.address) : "");
    items(h.items);
  }
  void node(const HostOut &h) { line("host {} out {}", h.host.text, dump_string(h.reason)); }
  void node(const HostRoles &h) { line("roles {}", dump_refs(h.roles)); }
  void node(const HostVia &h) { line("via {}", h.bastion.text); }
  void node(const HostGuest &h) { line("guest of {}{}", h.of.text(), h.at ? " at " + dump_ref(*h.at) : ""); }
  void node(const Attribute &a) { line("attribute {} = {}", a.name.text, dump(*a.value)); }
  void node(const HostsDecl &d) { line("hosts {} = {}", d.name.text, dump_selection(d.value)); }
  void node(const RoleDecl &d) {
    line("role {}", d.name.text);
    items(d.items);
  }
  void node(const Available &a) {
    if (std::holds_alternative<AvailableQuorum>(a.policy)) return line("available quorum");
    if (std::holds_alternative<AvailableMayBeDown>(a.policy)) return line("available may be down");
    if (const auto *least = std::get_if<AvailableAtLeast>(&a.policy))
      return line("available >= {}", dump(*least->amount));
    const auto &all_but = std::get<AvailableAllBut>(a.policy);
    line("available all but {}{}", dump(*all_but.amount),
         optional(all_but.grouping == AvailableAllBut::Grouping::per ? "per" : "of", all_but.group));
  }
  void node(const Serial &) { line("serial"); }
  void node(const Health &i) { line("health {}", dump_ref(i.gate)); }
  void node(const Stoppable &i) {
    const auto *gate = std::get_if<Ref>(&i.by);
    line("stoppable {}", gate ? dump_ref(*gate) : "always " + dump_string(std::get<StringLiteral>(i.by)));
  }
  void node(const Roster &i) { line("roster {}", dump_ref(i.probe)); }
  void node(const Votes &i) { line("votes {}", dump(*i.value)); }
  void node(const Settles &i) { line("settles {}", dump(*i.duration)); }
  void node(const BootProbe &i) { line("boot {}", dump_ref(i.probe)); }
  void node(const IdentityProbe &i) { line("identity {}", dump_ref(i.probe)); }
  void node(const DownOnlyUnder &i) { line("down only under {}", dump_ref(i.hold)); }
  void node(const StateDecl &d) {
    std::vector<std::string> values;
    for (const StateValue &v : d.values) values.push_back((v.transient ? "transient " : "") + v.name.text);
    line("state {}{} {{{}}} observe {}", d.name.text, parameters(d.parameters), fmt::join(values, ", "),
         dump(*d.observe));
    items(d.items);
  }
  void node(const BootMove &i) { line("on boot {} -> {}", i.from.text, i.to.text); }
  void node(const WhileTaints &i) {
    line("while {}{} taints {}", i.range_of_values ? "range " : "", dump_names(i.values), dump_refs(i.gates));
  }
  void node(const ProbeDecl &d) {
    line("probe {}{} -> {}", d.name.text, parameters(d.parameters), dump_type(d.type));
    body(d.body);
  }
  void node(const GateDecl &d) {
    line("gate {}{}", d.name.text, parameters(d.parameters));
    items(d.items);
  }
  void node(const PassWhen &i) { line("pass when {}", dump(*i.condition)); }
  void node(const FailWhen &i) { line("fail when {}", dump(*i.condition)); }
  void node(const Poll &i) { line("poll {} for {}", dump(*i.interval), dump(*i.deadline)); }
  void node(const Stable &i) { line("stable {}", dump(*i.count)); }
  void node(const Watches &i) { line("watches {}", refs_or_nothing(i.items, i.nothing)); }
  void node(const Clears &i) { line("clears {} {}", dump_refs(i.roles), dump_target(i.on)); }
  void node(const ActionDecl &d) {
    line("action {}{}", d.name.text, parameters(d.parameters));
    body(d.body);
  }
  void node(const HoldDecl &d) {
    line("hold {}{}", d.name.text, parameters(d.parameters));
    items(d.items);
  }
  void node(const Observe &i) { line("observe {}", dump(*i.value)); }
  void node(const Acquire &i) {
    line("acquire");
    body(i.body);
  }
  void node(const Release &i) {
    line("release");
    body(i.body);
  }
  void node(const OnHalt &i) { line("on halt {}", i.choice == KeepOrRelease::keep ? "keep" : "release"); }
  void node(const OnWait &i) { line("on wait {}", i.choice == KeepOrRelease::keep ? "keep" : "release"); }
  void node(const ProcedureDecl &d) {
    line("procedure {}{}", d.name.text, parameters(d.parameters));
    body(d.body);
  }
  void node(const OrderDecl &d) {
    std::vector<std::string> steps;
    for (const std::vector<Ref> &step : d.steps) steps.push_back(dump_refs(step));
    line("order {}{}", fmt::join(steps, " before "), d.on_each_host ? " on each host" : "");
  }
  void node(const RankDecl &d) {
    std::vector<std::string> roles;
    for (const QName &role : d.roles) roles.push_back(role.text());
    line("rank {}", fmt::join(roles, " < "));
  }
  void node(const VersionsDecl &d) {
    line("versions {}", d.name.text);
    nested([&] {
      for (const VersionChain &chain : d.chains) line("{}", strings(chain.versions, " -> "));
    });
  }
  void node(const CommandDecl &d) {
    line("command {}", dump_string(d.pattern));
    nested([&] {
      for (const ImpliedEffect &e : d.effects) {
        if (e.kind == ImpliedEffect::Kind::destroys) {
          line("implies destroys{}", e.what ? " " + dump_string(*e.what) : "");
        } else {
          line("implies {} {}", e.kind == ImpliedEffect::Kind::changes ? "changes" : "disrupts", dump_refs(e.roles));
        }
      }
    });
  }
  void node(const UpgradeDecl &d) {
    line("{} {} of {}", d.repair ? "repair" : "upgrade", d.name.text, d.cluster.text);
    items(d.items);
  }
  void node(const FromTo &i) {
    line("from {}{} to {}", i.versions ? i.versions->text() + " " : "", dump_string(i.from), dump_string(i.to));
  }
  void node(const Window &i) {
    line("window {}{} for {} tz {}", i.every ? "every " : "", dump_string(i.start), dump(*i.length),
         dump_string(i.time_zone));
  }
  void node(const Exclusive &i) { line("exclusive {}", strings(i.names, ", ")); }
  void conditions(std::string_view word, const std::vector<ExprPtr> &all) {
    for (const ExprPtr &condition : all) line("{} {}", word, dump(*condition));
  }
  void node(const Initially &i) { conditions("initially", i.conditions); }
  void node(const Finally &i) { conditions("finally", i.conditions); }
  void node(const Tolerate &i) { line("tolerate {}", dump(*i.hosts)); }
  void node(const Preflight &i) {
    line("preflight");
    body(i.body);
  }
  void node(const Postflight &i) {
    line("postflight");
    body(i.body);
  }
  void node(const OnAbort &i) {
    line("on abort");
    body(i.body);
  }
  void node(const Statement &s) { item(s); }

  // ---- statements
  void node(const AwaitStatement &s) { line("await {}", dump_ref(s.gate)); }
  void node(const ExpectStatement &s) { line("expect {}", dump(*s.condition)); }
  void node(const Let &s) { line("let {} = {}", s.name.text, dump(*s.value)); }
  void node(const LetStatement &s) { node(s.let); }
  void node(const WithStatement &s) {
    line("with {}", dump_refs(s.holds));
    body(s.body);
  }
  void node(const RollingStatement &s) {
    std::string options;
    for (const RollingOption &option : s.options) {
      if (const auto *batch = std::get_if<BatchOption>(&option.option))
        options += optional("batch", batch->size) + optional("per", batch->per);
      if (const auto *canary = std::get_if<CanaryOption>(&option.option))
        options += optional("canary", canary->count) + optional("soak", canary->soak);
      if (const auto *limit = std::get_if<AtMostOption>(&option.option)) options += optional("at most", limit->limit);
      if (std::holds_alternative<TolerantOption>(option.option)) options += " tolerant";
    }
    line("rolling {}{}", dump_binder(s.binder), options);
    body(s.body);
  }
  void node(const ForStatement &s) {
    line("for {}{}", dump_binder(s.binder), optional("at most", s.at_most));
    body(s.body);
  }
  void node(const DeadlineStatement &s) {
    line("at most {}", dump(*s.limit));
    body(s.body);
  }
  void node(const PhaseStatement &s) {
    line("phase {}{}", s.name.text, s.after.empty() ? "" : " after " + dump_names(s.after));
    body(s.body);
  }
  void node(const ParallelStatement &s) {
    line("parallel");
    nested([&] {
      for (const Block &branch : s.branches) {
        line("branch");
        body(branch);
      }
    });
  }
  template <typename Choice>
  void choice(const Choice &s) {
    std::string_view word = "if";
    for (const auto &branch : s.branches) {
      line("{} {}", word, dump(*branch.condition));
      body(branch.body);
      word = "else if";
    }
    if (!s.otherwise) return;
    line("else");
    body(*s.otherwise);
  }
  void node(const IfStatement &s) { choice(s); }
  void node(const ProbeIf &s) { choice(s); }
  void node(const UnlessStatement &s) {
    line("unless {}", dump(*s.condition));
    body(s.body);
  }
  void node(const AttemptStatement &s) {
    line("attempt {}", dump(*s.times));
    body(s.body);
    for (const RecoverBranch &branch : s.recover) {
      line("recover when {}", dump(*branch.condition));
      body(branch.body);
    }
    if (!s.otherwise) return;
    line("otherwise");
    body(*s.otherwise);
  }
  void node(const PointOfNoReturnStatement &s) { line("point of no return {}", dump_string(s.why)); }
  void node(const AcceptStatement &s) {
    line("accept {}{}{} reason {}{}{}", s.rule.text, s.of ? " of " + dump_ref(*s.of) : "",
         optional("for at most", s.at_most), dump_string(s.reason), s.until ? " until " + dump_date(*s.until) : "",
         s.body ? " in" : "");
    if (s.body) body(*s.body);
  }
  void node(const AdmitStatement &s) {
    line("admit");
    body(s.body);
  }
  void node(const OperatorStatement &s) {
    line("operator {}", dump_string(s.text));
    if (s.takes) nested([&] { node(*s.takes); });
  }
  void node(const AskStatement &s) { line("ask {}", dump_string(s.text)); }
  void node(const CallStatement &s) { line("call {}", dump_ref(s.callee)); }
  void node(const ReturnStatement &s) { line("return {}", dump(*s.value)); }

  // ---- clauses
  void node(const Requires &c) {
    for (const Requirement &need : c.needs) {
      switch (need.kind) {
        case Requirement::Kind::condition:
          line("requires {}", dump(*need.condition));
          break;
        case Requirement::Kind::held:
          line("requires held {}", dump_ref(need.hold));
          break;
        case Requirement::Kind::not_held:
          line("requires not held {}", dump_ref(need.hold));
          break;
        case Requirement::Kind::free:
          line("requires free {}", dump_ref(need.hold));
          break;
      }
    }
  }
  void node(const RoleEffect &c) {
    line("{} {} {}", c.kind == EffectKind::changes ? "changes" : "disrupts", dump_refs(c.roles), dump_target(c.on));
  }
  void node(const Spills &c) { line("spills {}", dump_refs(c.roles)); }
  void node(const Reaches &c) { line("reaches {}", refs_or_nothing(c.items, c.nothing)); }
  void node(const Destroys &c) { line("destroys {}", dump_string(c.what)); }
  void node(const Reinstalls &c) { line("reinstalls {}", dump(*c.hosts)); }
  void node(const Moves &c) {
    line("moves {}: {} -> {}{}{}", dump_ref(c.state), c.from_any ? "any" : dump_names(c.from), c.to.text,
         c.via.empty() ? "" : " via " + dump_names(c.via), c.on_failure ? " else " + c.on_failure->text : "");
  }
  void node(const Taints &c) { line("taints {}", dump_refs(c.gates)); }
  void node(const DoneWhen &c) { line("done when {}", dump(*c.condition)); }
  void node(const Retry &c) { line("retry {} every {}", dump(*c.times), dump(*c.interval)); }
  void node(const Idempotent &) { line("idempotent"); }
  void node(const Once &) { line("once"); }
  void node(const Takes &c) { line("takes {} .. {}", dump(*c.typical), dump(*c.worst)); }
  void node(const AwaitsBoot &c) { line("awaits boot of {}", dump(*c.hosts)); }
  void node(const Awaits &c) { line("awaits {}", dump(*c.condition)); }
  void node(const Undo &c) {
    if (c.nothing) return line("undo nothing {}", dump_string(*c.nothing));
    line("undo");
    body(c.body);
  }
  void node(const OperatorClause &c) { line("operator {}", dump_string(c.text)); }
  void node(const RunClause &c) { line("{}", dump(*c.run)); }
  void node(const ForClause &c) {
    line("for {}{}", dump_binder(c.binder), optional("at most", c.at_most));
    body(c.body);
  }

  std::string out_;
  std::size_t indent_ = 0;
};

}  // namespace

std::string dump(const File &file) {
  Dumper dumper;
  dumper.file(file);
  return dumper.take();
}

}  // namespace upg::syntax::ast
