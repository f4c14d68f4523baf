// `run`, `sh` and where they run.
#include <fmt/format.h>

#include <cctype>

#include "compiler/lower/expressions.h"

namespace upg::lower {
namespace {

/// The marks in a text that only a shell gives a meaning to.
std::string_view shell_marks(std::string_view text) {
  static constexpr std::string_view marks = "*?|;<>";
  const std::size_t at = text.find_first_of(marks);
  if (at != std::string_view::npos) return text.substr(at, 1);
  const std::size_t dollar = text.find("$(");
  if (dollar != std::string_view::npos) return text.substr(dollar, 2);
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    const auto word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
    if (text[i] != '$' || !word(text[i + 1]) || std::isdigit(static_cast<unsigned char>(text[i + 1])) != 0) continue;
    std::size_t end = i + 1;
    while (end < text.size() && word(text[end])) ++end;
    return text.substr(i, end - i);
  }
  if (text == "&" || text == "&&" || text == "||") return text;
  return {};
}

}  // namespace

NodeId Expressions::target(const ast::Target &target, Body &body, bool effect) {
  using TargetKind = ast::Target::Kind;
  const ast::Selection &where = target.hosts;
  if (target.kind == TargetKind::on && where.binder() == nullptr) {
    const auto *name = where.set().as<ast::NameExpr>();
    if (name != nullptr && name->name.text == "local" && context_->find(body, "local") == nullptr &&
        context_->resolver.find(body.module, "local").status == sema::Found::Status::none) {
      if (!effect) return context_->node(Op::on_local, target.range, {});
      context_->error(Kind::type_expected, target.range,
                      "an effect is on hosts of the cluster, not on the machine of the run");
      return {};
    }
  }
  if (effect && target.kind == TargetKind::any) {
    context_
        ->error(Kind::type_expected, target.range,
                "an effect is on a host or on each host of a set, never on any one of them")
        .note("the proof needs to know whom it touches")
        .help("write `on h` or `on each SET`");
    return {};
  }
  const Typed hosts = selection(where, body);
  if (hosts.poisoned()) return {};
  if (target.kind == TargetKind::on) {
    if (hosts.type.is(Base::host)) return context_->node(Op::on_host, target.range, {hosts.node});
    if (hosts.type.is(Base::any) || hosts.type.is(Base::json)) {
      context_
          ->error(Kind::type_expected, where.range, "only a host of the site can be asked, not a value that was read")
          .help("go through a set of hosts: `[h for h in SET where h.name == x].only`");
      return {};
    }
    auto report = context_->error(Kind::type_expected, where.range,
                                  fmt::format("`on` needs one host, found {}", context_->article(hosts.type)));
    if (hosts.type.is_hosts()) {
      report.help("`on any SET` asks one that is up, `on each SET` all of them");
    }
    if (hosts.type.is(Base::string)) report.help("a host is written by its name, without quotes");
    return {};
  }
  if (!hosts.type.is_hosts()) {
    context_->error(Kind::type_expected, where.range,
                    fmt::format("`on {}` needs a set of hosts, found {}",
                                target.kind == TargetKind::any ? "any" : "each", context_->article(hosts.type)));
    return {};
  }
  const NodeId node =
      context_->node(target.kind == TargetKind::any ? Op::on_any : Op::on_each, target.range, {hosts.node});
  need_some(hosts, node, where.range);
  return node;
}

Typed Expressions::secret_or_value(const ast::Expr &expr, Body &body, std::string_view what) {
  Typed result = any_value(expr, body);
  if (result.poisoned() || result.type.is(Base::secret)) return result;
  switch (result.type.base) {
    case Base::string:
    case Base::integer:
    case Base::decimal:
    case Base::version:
    case Base::cell:
    case Base::json:
    case Base::any:
      return result;
    default:
      context_->error(Kind::type_expected, expr.range,
                      fmt::format("{} is a text, found {}", what, context_->article(result.type)));
      return {};
  }
}

void Expressions::run_arguments(const ast::RunExpr &expr, Body &body, std::vector<NodeId> &children) {
  bool first = true;
  for (const ast::Argument &argument : expr.arguments) {
    if (argument.name)
      context_->error(Kind::wrong_arguments, argument.name->range, "the words of a command have no names");
    const Typed word = value(*argument.value, body);
    const bool program = first;
    first = false;
    if (word.poisoned()) continue;
    children.push_back(word.node);
    const auto *written = argument.value->as<ast::StringLiteral>();
    if (written != nullptr && !written->raw) {
      const std::string text = written->text();
      const std::string_view mark = shell_marks(text);
      if (!mark.empty()) {
        context_
            ->error(Kind::shell_text_in_run, argument.range,
                    fmt::format("`{}` means nothing here: `run` starts a program without a shell", mark))
            .note("every argument reaches the program as it is written")
            .help(mark.size() > 2 ? fmt::format("write `${{{}}}` for a value of the plan", mark.substr(1))
                                  : "`sh(\"...\")` runs a line of shell; if the program itself reads the mark, write "
                                    "it raw: `r\"...\"`");
      }
      if (program && written->plain() && text.find(' ') != std::string::npos) {
        context_
            ->error(Kind::shell_text_in_run, argument.range,
                    "a program's name has no blanks: each word of a command is an argument of its own")
            .help("write `run(\"df\", \"-h\")`, or `sh(\"df -h\")`");
      }
      continue;
    }
    switch (word.type.base) {
      case Base::string:
      case Base::integer:
      case Base::decimal:
      case Base::version:
      case Base::cell:
      case Base::json:
      case Base::any:
        break;
      case Base::list: {
        const Base element = word.type.element;
        if (program) context_->error(Kind::type_expected, argument.range, "the program is one text, found a list");
        if (element == Base::host) {
          context_->error(Kind::type_expected, argument.range, "a host is no word of a command")
              .help("write `[h.name for h in SET]`");
        }
        break;
      }
      default: {
        auto report = context_->error(Kind::type_expected, argument.range,
                                      fmt::format("{} is no word of a command", context_->article(word.type)));
        if (word.type.is(Base::host)) report.help("`h.name` or `h.address` is meant");
        if (word.type.is(Base::boolean) || word.type.is(Base::duration) || word.type.is(Base::size) ||
            word.type.is(Base::percent)) {
          report.help("write what the program expects as a text; `string(x)` shows the value with its unit");
        }
      }
    }
  }
}

void Expressions::shell_text(const ast::RunExpr &expr, Range range, Body &body, std::vector<NodeId> &children) {
  const auto *line = expr.arguments.size() == 1 && !expr.arguments.front().name
                         ? expr.arguments.front().value->as<ast::StringLiteral>()
                         : nullptr;
  if (line == nullptr) {
    context_->error(Kind::wrong_arguments, range, "`sh` takes one line of shell, written as a string")
        .note("what stands in `${}` is quoted, so that no value can become a command");
    return;
  }
  for (const ast::StringPart &part : line->parts) {
    if (const auto *words = std::get_if<std::string>(&part.part)) {
      children.push_back(context_->text(*words, part.range));
      continue;
    }
    const Typed inner = interpolated(*std::get<ast::ExprPtr>(part.part), body, true);
    if (inner.poisoned()) continue;
    // A text node is shell as written: a constant that comes from elsewhere must not look like one.
    const bool bare = context_->build.plan.node(inner.node).op == Op::text;
    children.push_back(bare ? context_->node(Op::concat, part.range, {inner.node}) : inner.node);
  }
}

Typed Expressions::command(const ast::RunExpr &expr, Range range, Body &body) {
  const bool shell = expr.kind == ast::RunExpr::Kind::sh;
  if (body.place == Place::plan || body.place == Place::on_abort || body.place == Place::preflight ||
      body.place == Place::postflight || body.place == Place::procedure) {
    context_->error(Kind::misplaced, range, "a command stands in a plan")
        .note("a plan is made of actions and gates, whose effects and deadlines are declared")
        .help("declare a `probe` for a question, an `action` for a change");
    return {};
  }
  std::vector<NodeId> children{target(expr.target, body, false)};
  for (const ast::IntLiteral &code : expr.exits) {
    const Range where = expr.exit_ranges[static_cast<std::size_t>(&code - expr.exits.data())];
    if (code.value < 0 || code.value > 255) {
      context_->error(Kind::out_of_range, where, "an exit code is between 0 and 255");
      continue;
    }
    children.push_back(context_->node(Op::exits, where, context_->build.integer(code.value).index, 0, {}));
  }
  if (expr.standard_input != nullptr) {
    const Typed input = secret_or_value(*expr.standard_input, body, "the standard input");
    children.push_back(context_->node(Op::stdin_is, expr.standard_input->range, {input.node}));
  }
  if (expr.as_user != nullptr) {
    const Typed user = value_as(*expr.as_user, body, Type::of(Base::string), "the user");
    children.push_back(context_->node(Op::as_user, expr.as_user->range, {user.node}));
  }
  std::vector<std::string_view> variables;
  for (const ast::EnvVar &variable : expr.environment) {
    for (const std::string_view other : variables) {
      if (other == variable.name.text)
        context_->error(Kind::repeated_clause, variable.name.range, fmt::format("`{}` is set twice", other));
    }
    variables.push_back(variable.name.text);
    const Typed set = secret_or_value(*variable.value, body, "a variable of the environment");
    children.push_back(
        context_->node(Op::env_is, variable.name.range, context_->string(variable.name.text).index, 0, {set.node}));
  }
  if (shell) {
    shell_text(expr, range, body, children);
  } else {
    if (expr.arguments.empty())
      context_->error(Kind::wrong_arguments, range, "`run` needs the program and its arguments");
    run_arguments(expr, body, children);
  }
  const Type result = Type::of(Base::result);
  return {context_->node(shell ? Op::shell : Op::run, range, 0, 0, children),
          expr.target.kind == ast::Target::Kind::each ? Type::list_of(result) : result, nullptr};
}

}  // namespace upg::lower
