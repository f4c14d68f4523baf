#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "UpgParser.h"
#include "compiler/syntax/antlr/builder.h"

namespace upg::syntax {

using diagnostics::Kind;
using P = UpgParser;

std::uint32_t depth_of(const ast::Binder &binder) { return std::max(depth_of(binder.set), depth_of(binder.where)); }

std::uint32_t depth_of(const ast::Selection &selection) {
  const ast::Binder *binder = selection.binder();
  return binder ? depth_of(*binder) : depth_of(std::get<ast::ExprPtr>(selection.of));
}

std::uint32_t depth_of(const std::vector<ast::Argument> &arguments) {
  std::uint32_t depth = 0;
  for (const ast::Argument &argument : arguments) depth = std::max(depth, depth_of(argument.value));
  return depth;
}

namespace {

bool is_chain_rule(std::size_t rule) {
  switch (rule) {
    case P::RuleExpr:
    case P::RuleLogic:
    case P::RulePlain:
    case P::RuleTerm:
    case P::RuleNotExpr:
    case P::RuleComparison:
    case P::RuleArith:
    case P::RuleUnary:
    case P::RuleOperand:
    case P::RuleSet:
    case P::RuleGoal:
      return true;
    default:
      return false;
  }
}

std::optional<ast::BinaryOp> binary_op(std::size_t token) {
  using ast::BinaryOp;
  switch (token) {
    case P::EQ:
      return BinaryOp::equal;
    case P::NE:
      return BinaryOp::not_equal;
    case P::LT:
      return BinaryOp::less;
    case P::LE:
      return BinaryOp::less_equal;
    case P::GT:
      return BinaryOp::greater;
    case P::GE:
      return BinaryOp::greater_equal;
    case P::IN:
      return BinaryOp::in;
    case P::MATCHES:
      return BinaryOp::matches;
    case P::CONTAINS:
      return BinaryOp::contains;
    case P::PLUS:
      return BinaryOp::add;
    case P::MINUS:
      return BinaryOp::subtract;
    case P::EXCEPT:
      return BinaryOp::except;
    case P::STAR:
      return BinaryOp::multiply;
    case P::SLASH:
      return BinaryOp::divide;
    case P::AMP:
      return BinaryOp::intersect;
    default:
      return std::nullopt;
  }
}

}  // namespace

ast::ExprPtr Builder::make(ast::Expr::Node node, Range range, std::uint32_t child_depth) {
  auto result = std::make_unique<ast::Expr>();
  result->range = range;
  result->id = next_expr_++;
  result->depth = child_depth + 1;
  if (result->depth <= ast::max_expression_depth) {
    result->node = std::move(node);
    return result;
  }
  result->depth = 1;
  result->node = ast::ErrorExpr{};
  if (!std::exchange(depth_reported_, true)) {
    sink_
        .report(Kind::nested_too_deep, range,
                fmt::format("this expression is deeper than {} operators", ast::max_expression_depth))
        .help("name its parts with `let`");
  }
  return result;
}

ast::ExprPtr Builder::name_expr(std::size_t lexeme) {
  return make(ast::NameExpr{name_at(lexeme)}, lexemes_.range(lexeme), 0);
}

ast::ExprPtr Builder::expr(Context *context) {
  // Most contexts of an expression only hold the next level of precedence.
  while (is_chain_rule(context->getRuleIndex()) && context->children.size() == 1) {
    Cursor only(context);
    if (only.rule() == Lexemes::none) break;
    context = only.take_rule();
  }
  switch (context->getRuleIndex()) {
    case P::RuleExpr:
      return ask(context);
    case P::RuleRunExpr:
      return run(context);
    case P::RuleLogic:
    case P::RulePlain:
    case P::RuleGoal:
    case P::RuleTerm:
    case P::RuleNotExpr:
      return logic(context);
    case P::RuleComparison:
    case P::RuleArith:
      return arithmetic(context);
    case P::RuleUnary:
      return unary(context);
    case P::RuleOperand:
      return operand(context);
    case P::RuleList:
      return list(context);
    case P::RuleLiteral:
      return literal(context);
    case P::RuleName:
    case P::RuleHostName:
      return name_expr(first(context));
    default:
      throw Broken{};
  }
}

/// `a + b * c - d`: flat in the tree of the grammar; `* / &` are grouped first, both from the left. A comparison comes
/// here too, with one operator.
ast::ExprPtr Builder::arithmetic(Context *context) {
  struct Group {
    ast::ExprPtr expr;
    std::size_t begin = 0;  // lexeme
    std::size_t op = 0;     // the operator before it
  };
  std::size_t end = first(context);
  const auto join = [&](Group left, Group right) {
    const std::uint32_t depth = std::max(left.expr->depth, right.expr->depth);
    const Range whole = lexemes_.range(left.begin, end);
    const ast::BinaryOp op = *binary_op(lexemes_[right.op].type);
    return Group{
        make(ast::BinaryExpr{op, lexemes_.range(right.op), std::move(left.expr), std::move(right.expr)}, whole, depth),
        left.begin, left.op};
  };
  Cursor cursor(context);
  Context *operand_context = cursor.take_rule();
  Group product{expr(operand_context), first(operand_context), 0};
  std::optional<Group> sum;
  while (!cursor.done()) {
    end = last(operand_context);
    const std::optional<ast::BinaryOp> op = binary_op(cursor.token());
    if (!op) throw Broken{};
    const bool tight =
        *op == ast::BinaryOp::multiply || *op == ast::BinaryOp::divide || *op == ast::BinaryOp::intersect;
    if (!tight) sum = sum ? join(std::move(*sum), std::move(product)) : std::move(product);
    const std::size_t mark = cursor.take_token();
    operand_context = cursor.take_rule();
    Group operand{expr(operand_context), first(operand_context), mark};
    end = last(operand_context);
    product = tight ? join(std::move(product), std::move(operand)) : std::move(operand);
  }
  return sum ? join(std::move(*sum), std::move(product)).expr : std::move(product.expr);
}

/// `a and b or every x in S: c and d`: one flat list in the tree of the grammar. `and` is grouped first, both from the
/// left; a quantifier takes all that follows. Iterative, for a list may be long.
ast::ExprPtr Builder::logic(Context *context) {
  struct Group {
    ast::ExprPtr expr;
    std::size_t begin = 0;  // lexeme
  };
  struct Prefix {
    std::size_t mark = 0;  // `not`, `every` or `some`
    std::optional<ast::Binder> binder;
  };
  /// What one quantifier, or the whole, reaches over.
  struct Scope {
    std::vector<Prefix> prefixes;  // outermost first, the last one a quantifier; none for the whole
    std::size_t mark_before = Lexemes::none;
    std::optional<Group> ors, ands;  // what stands left of the last `or`; what it joins with `and` since then
    std::size_t or_mark = Lexemes::none;
  };
  std::size_t end = first(context);
  const auto join = [&](ast::BinaryOp op, std::size_t mark, Group left, Group right) {
    const std::uint32_t depth = std::max(left.expr->depth, right.expr->depth);
    const Range whole = lexemes_.range(left.begin, end);
    return Group{
        make(ast::BinaryExpr{op, lexemes_.range(mark), std::move(left.expr), std::move(right.expr)}, whole, depth),
        left.begin};
  };
  const auto wrap = [&](Prefix &prefix, Group inner) {
    std::uint32_t depth = inner.expr->depth;
    const Range whole = lexemes_.range(prefix.mark, end);
    if (!prefix.binder)
      return Group{make(ast::UnaryExpr{ast::UnaryOp::logical_not, std::move(inner.expr)}, whole, depth), prefix.mark};
    depth = std::max(depth, depth_of(*prefix.binder));
    const auto kind =
        lexemes_[prefix.mark].type == P::EVERY ? ast::QuantifiedExpr::Kind::every : ast::QuantifiedExpr::Kind::some;
    return Group{make(ast::QuantifiedExpr{kind, std::move(*prefix.binder), std::move(inner.expr)}, whole, depth),
                 prefix.mark};
  };
  const auto add = [&](Scope &scope, std::size_t mark, Group operand) {
    if (!scope.ands) {
      scope.ands = std::move(operand);
    } else if (lexemes_[mark].type == P::AND) {
      scope.ands = join(ast::BinaryOp::logical_and, mark, std::move(*scope.ands), std::move(operand));
    } else {
      scope.ors = std::move(*scope.ands);
      scope.ands = std::move(operand);
    }
  };
  const auto settle_or = [&](Scope &scope) {  // before the next `or`, and at the end
    if (!scope.ors) return;
    scope.ands = join(ast::BinaryOp::logical_or, scope.or_mark, std::move(*scope.ors), std::move(*scope.ands));
    scope.ors.reset();
  };

  std::vector<Scope> scopes(1);
  const std::size_t rule = context->getRuleIndex();
  const bool one_term = rule != P::RuleLogic && rule != P::RulePlain;  // `context` is the term itself
  Cursor cursor(context);
  for (bool more = true; more; more = !one_term && !cursor.done()) {
    std::size_t mark = Lexemes::none;
    if (!one_term && cursor.rule() == Lexemes::none) {
      mark = cursor.take_token();
      if (lexemes_[mark].type == P::OR) {
        settle_or(scopes.back());
        scopes.back().or_mark = mark;
      }
    }
    Context *term = one_term ? context : cursor.take_rule();
    Cursor parts(term);
    std::vector<Prefix> prefixes;
    while (parts.token() == P::NOT || parts.rule() == P::RuleQuantifier) {
      if (parts.token() == P::NOT) {
        prefixes.push_back({parts.take_token(), std::nullopt});
        continue;
      }
      Context *quantifier = parts.take_rule();
      Cursor head(quantifier);
      const std::size_t word = head.take_token();
      prefixes.push_back({word, binder(head.take_rule(P::RuleBinder))});
      scopes.push_back(
          {std::exchange(prefixes, {}), std::exchange(mark, Lexemes::none), std::nullopt, std::nullopt, Lexemes::none});
    }
    Context *operand = parts.take_rule();
    Group group{expr(operand), first(operand)};
    end = last(operand);
    for (; !prefixes.empty(); prefixes.pop_back()) group = wrap(prefixes.back(), std::move(group));
    add(scopes.back(), mark, std::move(group));
  }
  while (true) {
    settle_or(scopes.back());
    Group group = std::move(*scopes.back().ands);
    if (scopes.size() == 1) return std::move(group.expr);
    Scope done = std::move(scopes.back());
    scopes.pop_back();
    for (; !done.prefixes.empty(); done.prefixes.pop_back()) group = wrap(done.prefixes.back(), std::move(group));
    add(scopes.back(), done.mark_before, std::move(group));
  }
}

/// `- - operand default - operand`
ast::ExprPtr Builder::unary(Context *context) {
  Cursor cursor(context);
  const auto minus = [&](std::vector<std::size_t> marks, ast::ExprPtr inner, std::size_t end) {
    for (; !marks.empty(); marks.pop_back()) {
      const std::uint32_t depth = inner->depth;
      inner = make(ast::UnaryExpr{ast::UnaryOp::minus, std::move(inner)}, lexemes_.range(marks.back(), end), depth);
    }
    return inner;
  };
  const auto minus_marks = [&] {
    std::vector<std::size_t> marks;
    while (cursor.token() == P::MINUS) marks.push_back(cursor.take_token());
    return marks;
  };

  std::vector<std::size_t> marks = minus_marks();
  Context *value_context = cursor.take_rule(P::RuleOperand);
  ast::ExprPtr value = expr(value_context);
  std::size_t end = last(value_context);
  if (cursor.accept(P::DEFAULT)) {
    std::vector<std::size_t> fallback_marks = minus_marks();
    Context *fallback_context = cursor.take_rule(P::RuleOperand);
    ast::ExprPtr fallback = expr(fallback_context);
    end = last(fallback_context);
    fallback = minus(std::move(fallback_marks), std::move(fallback), end);
    const std::uint32_t depth = std::max(value->depth, fallback->depth);
    value =
        make(ast::DefaultExpr{std::move(value), std::move(fallback)}, lexemes_.range(first(value_context), end), depth);
  }
  return minus(std::move(marks), std::move(value), end);
}

/// What an operand begins with: everything before the first `.field` or `[index]`.
ast::ExprPtr Builder::operand_head(Cursor &cursor) {
  if (cursor.token() == P::HOSTNAME) return name_expr(cursor.take_token());
  if (cursor.accept(P::LPAREN)) {
    ast::ExprPtr inner = expr(cursor.take_rule());
    cursor.take(P::RPAREN);
    return inner;
  }
  if (cursor.token() == P::COUNT) {
    const std::size_t begin = cursor.take_token();
    cursor.take(P::CALL);
    ast::Selection of = selection(cursor.take_rule());
    const std::size_t end = cursor.take(P::RPAREN);
    const std::uint32_t depth = depth_of(of);
    return make(ast::CountExpr{std::move(of)}, lexemes_.range(begin, end), depth);
  }
  Context *head = cursor.take_rule();  // a literal, a list or a name
  ast::ExprPtr result = expr(head);
  return cursor.rule() == P::RuleArgs ? call(std::move(result), first(head), cursor.take_rule()) : std::move(result);
}

ast::ExprPtr Builder::call(ast::ExprPtr callee, std::size_t begin, Context *args) {
  std::vector<ast::Argument> values = arguments(args);
  const std::uint32_t depth = std::max(callee->depth, depth_of(values));
  return make(ast::CallExpr{std::move(callee), std::move(values)}, lexemes_.range(begin, last(args)), depth);
}

/// `head.field(args)[index]...`
ast::ExprPtr Builder::operand(Context *context) {
  Cursor cursor(context);
  const std::size_t begin = first(context);
  ast::ExprPtr result = operand_head(cursor);
  while (!cursor.done()) {
    if (cursor.token() == P::FIELD) {
      const std::size_t field = cursor.take_token();
      const std::uint32_t depth = result->depth;
      result = make(ast::FieldExpr{std::move(result), name_at(field)}, lexemes_.range(begin, field), depth);
      if (cursor.rule() == P::RuleArgs) result = call(std::move(result), begin, cursor.take_rule());
    } else {
      cursor.take(P::LBRACK);
      ast::ExprPtr index = expr(cursor.take_rule());
      const std::size_t close = cursor.take(P::RBRACK);
      const std::uint32_t depth = std::max(result->depth, index->depth);
      result = make(ast::IndexExpr{std::move(result), std::move(index)}, lexemes_.range(begin, close), depth);
    }
  }
  return result;
}

ast::ExprPtr Builder::ask(Context *context) {
  Cursor cursor(context);
  cursor.take(P::ASK);
  ast::AskExpr result{string(cursor.take_rule(P::RuleString)), {}};
  cursor.take(P::ARROW);
  result.type = type(cursor.take_rule(P::RuleType));
  return make(std::move(result), range(context), 0);
}

ast::ExprPtr Builder::run(Context *context) {
  Cursor cursor(context);
  ast::RunExpr result;
  result.kind = cursor.take_token() != Lexemes::none && lexemes_[first(context)].type == P::SH
                    ? ast::RunExpr::Kind::sh
                    : ast::RunExpr::Kind::run;
  result.arguments = arguments(cursor.take_rule(P::RuleArgs));
  result.target = target(cursor.take_rule(P::RuleOnTarget));
  std::uint32_t depth = std::max(depth_of(result.arguments), depth_of(result.target.hosts));
  while (!cursor.done()) {
    Cursor option(cursor.take_rule(P::RuleRunOption));
    switch (lexemes_[option.take_token()].type) {
      case P::EXITS:
        do {
          const std::size_t number = option.take(P::INT);
          result.exits.push_back({integer(number)});
          result.exit_ranges.push_back(lexemes_.range(number));
        } while (option.accept(P::COMMA));
        break;
      case P::STDIN:
        result.standard_input = expr(option.take_rule());
        depth = std::max(depth, result.standard_input->depth);
        break;
      case P::AS:
        result.as_user = expr(option.take_rule());
        depth = std::max(depth, result.as_user->depth);
        break;
      default:  // env
        do {
          Cursor variable(option.take_rule(P::RuleEnvVar));
          ast::Name key = name(variable.take_rule(P::RuleName));
          variable.take(P::ASSIGN);
          result.environment.push_back({std::move(key), expr(variable.take_rule())});
          depth = std::max(depth, result.environment.back().value->depth);
        } while (option.accept(P::COMMA));
    }
  }
  return make(std::move(result), range(context), depth);
}

ast::ExprPtr Builder::list(Context *context) {
  Cursor cursor(context);
  cursor.take(P::LBRACK);
  ast::ListExpr result;
  std::uint32_t depth = 0;
  if (cursor.rule() == P::RuleLogic) {
    ast::ExprPtr item = expr(cursor.take_rule());
    depth = item->depth;
    if (cursor.accept(P::FOR)) {
      ast::Binder over = binder(cursor.take_rule(P::RuleBinder));
      depth = std::max(depth, depth_of(over));
      return make(ast::ComprehensionExpr{std::move(item), std::move(over)}, range(context), depth);
    }
    result.items.push_back(std::move(item));
    while (cursor.accept(P::COMMA)) {
      result.items.push_back(expr(cursor.take_rule(P::RuleLogic)));
      depth = std::max(depth, result.items.back()->depth);
    }
  }
  return make(std::move(result), range(context), depth);
}

ast::Binder Builder::binder(Context *context) {
  Cursor cursor(context);
  ast::Binder result;
  result.range = range(context);
  result.variable = name(cursor.take_rule(P::RuleName));
  cursor.take(P::IN);
  result.set = expr(cursor.take_rule(P::RuleSet));
  if (cursor.accept(P::WHERE)) result.where = expr(cursor.take_rule());
  result.if_any = cursor.accept(P::IF);
  return result;
}

ast::Selection Builder::selection(Context *context) {
  Cursor cursor(context);
  Context *inner = context->getRuleIndex() == P::RuleSelection ? cursor.take_rule() : context;
  ast::Selection result;
  result.range = range(inner);
  if (inner->getRuleIndex() == P::RuleBinder) {
    result.of = binder(inner);
  } else {
    result.of = expr(inner);
  }
  return result;
}

ast::Target Builder::target(Context *context) {
  Cursor cursor(context);
  cursor.take(P::ON);
  ast::Target result;
  result.range = range(context);
  if (cursor.accept(P::ANY)) {
    result.kind = ast::Target::Kind::any;
  } else if (cursor.accept(P::EACH)) {
    result.kind = ast::Target::Kind::each;
  }
  result.hosts = selection(cursor.take_rule());
  return result;
}

std::vector<ast::Argument> Builder::arguments(Context *context) {
  std::vector<ast::Argument> result;
  Cursor cursor(context);
  cursor.take(P::CALL);
  while (Context *item = cursor.find_rule(P::RuleArg)) {
    Cursor parts(item);
    ast::Argument argument;
    argument.range = range(item);
    if (parts.rule() == P::RuleName) {
      argument.name = name(parts.take_rule());
      parts.take(P::COLON);
    }
    if (parts.token() == P::ANY) {
      const std::size_t mark = parts.take_token();
      ast::Selection of = selection(parts.take_rule());
      const std::uint32_t depth = depth_of(of);
      argument.value = make(ast::AnyExpr{std::move(of)}, lexemes_.range(mark, last(item)), depth);
    } else {
      argument.value = expr(parts.take_rule());
    }
    result.push_back(std::move(argument));
  }
  return result;
}

ast::Type Builder::type(Context *context) {
  Cursor cursor(context);
  ast::Type result;
  result.range = range(context);
  result.name = qname(cursor.take_rule(P::RuleQname));
  if (cursor.accept(P::LT)) result.arguments.push_back(type(cursor.take_rule(P::RuleType)));
  return result;
}

}  // namespace upg::syntax
