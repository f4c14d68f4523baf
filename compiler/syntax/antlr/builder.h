#pragma once
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "antlr4-runtime.h"
#include "compiler/syntax/antlr/lexemes.h"
#include "compiler/syntax/ast.h"
#include "compiler/syntax/literals.h"
#include "runtime/diagnostics/diagnostic.h"

namespace upg::syntax {

using Context = antlr4::ParserRuleContext;

/// A child that the grammar promises is not there: the item holds a syntax error that was already reported. Never
/// leaves the builder.
struct Broken {};

/// Walks the children of one context in order. Tokens that recovery skipped are not seen.
class Cursor {
 public:
  explicit Cursor(const Context *context) : children_(context->children) { settle(); }

  bool done() const { return at_ == children_.size(); }
  /// Type of the token at the cursor, 0 for a rule or the end.
  std::size_t token() const { return token_; }
  /// Index of the rule at the cursor, `Lexemes::none` for a token or the end.
  std::size_t rule() const { return rule_; }
  /// Steps over what must be here, and returns the token's index; throws Broken.
  std::size_t take(std::size_t type);
  std::size_t take_token();
  Context *take_rule(std::size_t rule);
  Context *take_rule();
  /// Steps over a token if it is here.
  bool accept(std::size_t type);
  /// The next child of this rule among the rest, or null.
  Context *find_rule(std::size_t rule);

 private:
  void settle();

  const std::vector<antlr4::tree::ParseTree *> &children_;
  std::size_t at_ = 0;
  std::size_t token_ = 0;
  std::size_t rule_ = Lexemes::none;
};

/// Turns the tree of the generated parser into ours: literals decoded, doc comments attached, layout checked.
class Builder {
 public:
  /// `cut_short`: last tokens of items to leave out.
  Builder(const Lexemes &lexemes, std::set<std::size_t> cut_short, diagnostics::Sink &sink)
      : lexemes_(lexemes), cut_short_(std::move(cut_short)), sink_(sink), doc_used_(lexemes.size()) {}

  ast::File file(Context *context);
  /// Warns of `///` comments that were attached to nothing; for files without errors.
  void report_stray_docs();

 private:
  using Range = diagnostics::Range;

  // ---- shared
  std::size_t first(const Context *context) const { return context->start->getTokenIndex(); }
  std::size_t last(const Context *context) const;
  Range range(const Context *context) const { return lexemes_.range(first(context), last(context)); }
  ast::Name name_at(std::size_t lexeme) const;
  ast::Name name(Context *context);  // of name, hostName, attributeName
  ast::QName qname(Context *context);
  ast::Ref ref(Context *context);
  std::vector<ast::Ref> refs(Context *context);
  /// As `refs`, but a lone `nothing` yields an empty list and sets `nothing`.
  std::vector<ast::Ref> refs_or_nothing(Context *context, bool &nothing);
  std::optional<ast::Doc> doc_above(std::size_t lexeme);
  void check_layout(const Context *item);
  /// True if the item can be used; checks its layout.
  bool usable(const Context *item);
  void report_number(std::size_t lexeme, LiteralProblem problem);

  // ---- expressions
  ast::ExprPtr expr(Context *context);
  ast::ExprPtr make(ast::Expr::Node node, Range range, std::uint32_t child_depth);
  ast::ExprPtr arithmetic(Context *context);
  ast::ExprPtr logic(Context *context);
  ast::ExprPtr unary(Context *context);
  ast::ExprPtr operand(Context *context);
  ast::ExprPtr operand_head(Cursor &cursor);
  ast::ExprPtr call(ast::ExprPtr callee, std::size_t begin, Context *args);
  ast::ExprPtr ask(Context *context);
  ast::ExprPtr run(Context *context);
  ast::ExprPtr list(Context *context);
  ast::ExprPtr literal(Context *context);
  ast::ExprPtr name_expr(std::size_t lexeme);
  ast::StringLiteral string(Context *context);
  void string_piece(std::size_t lexeme, ast::StringLiteral &literal);
  ast::Binder binder(Context *context);
  ast::Selection selection(Context *context);
  ast::Target target(Context *context);
  std::vector<ast::Argument> arguments(Context *context);
  ast::Type type(Context *context);
  std::vector<ast::Parameter> parameters(Cursor &cursor);
  ast::DateLiteral date(std::size_t lexeme);
  std::int64_t integer(std::size_t lexeme);

  // ---- statements and clauses
  ast::Block block(Context *context);
  std::optional<ast::Statement> statement(Context *context);
  ast::Statement::Node statement_node(Context *context);
  ast::IfStatement if_statement(Cursor &cursor);
  ast::AttemptStatement attempt(Cursor &cursor);
  ast::AcceptStatement accept(Cursor &cursor);
  ast::RollingOption rolling_option(Context *context);
  ast::ExprPtr at_most(Cursor &cursor);  // null if `at most` is not here
  ast::Let let(Context *context);
  ast::Takes takes(Context *context);
  ast::ProbeBlock probe_block(Context *context);
  ast::ProbeStatement probe_statement(Context *context);
  ast::ActionBody action_body(Context *context);
  ast::ActionClause action_clause(Context *context);
  ast::Undo undo(Cursor &cursor);
  ast::RoleEffect role_effect(Cursor &cursor);
  ast::Requires requires_clause(Cursor &cursor);
  ast::Moves moves(Context *context);

  // ---- declarations
  std::optional<ast::Declaration> declaration(Context *context);
  ast::Declaration::Node declaration_node(Context *context);
  ast::ParamDecl param_decl(Context *context);
  ast::SecretDecl secret_decl(Context *context);
  ast::ClusterDecl cluster_decl(Context *context);
  ast::ClusterItem cluster_item(Context *context);
  ast::InventoryImport inventory_import(Cursor &cursor);
  void host_decl(Context *context, ast::ClusterItem &item);
  ast::HostItem host_item(Context *context);
  ast::Attribute attribute(Context *context);
  ast::RoleDecl role_decl(Context *context);
  ast::RoleItem role_item(Context *context);
  ast::Available available(Cursor &cursor);
  ast::StateDecl state_decl(Context *context);
  ast::StateItem state_item(Context *context);
  ast::ProbeDecl probe_decl(Context *context);
  ast::GateDecl gate_decl(Context *context);
  ast::GateItem gate_item(Context *context);
  ast::ActionDecl action_decl(Context *context);
  ast::HoldDecl hold_decl(Context *context);
  ast::HoldItem hold_item(Context *context);
  ast::ProcedureDecl procedure_decl(Context *context);
  ast::OrderDecl order_decl(Context *context);
  ast::VersionsDecl versions_decl(Context *context);
  ast::CommandDecl command_decl(Context *context);
  ast::UpgradeDecl upgrade_decl(Context *context);
  ast::UpgradeItem upgrade_item(Context *context);

  /// Calls `build` for each child of `body` that is a usable `rule`; broken ones are left out.
  template <typename Build>
  void each_item(Context *body, std::size_t rule, Build build);

  const Lexemes &lexemes_;
  std::set<std::size_t> cut_short_;
  diagnostics::Sink &sink_;
  std::vector<bool> doc_used_;
  std::uint32_t next_expr_ = 0;
  bool depth_reported_ = false;
};

template <typename Build>
void Builder::each_item(Context *body, std::size_t rule, Build build) {
  Cursor cursor(body);
  while (Context *item = cursor.find_rule(rule)) {
    if (!usable(item)) continue;
    try {
      build(item);
    } catch (const Broken &) {
    }
  }
}

inline std::uint32_t depth_of(const ast::ExprPtr &expr) { return expr ? expr->depth : 0; }
std::uint32_t depth_of(const ast::Binder &binder);
std::uint32_t depth_of(const ast::Selection &selection);
std::uint32_t depth_of(const std::vector<ast::Argument> &arguments);

}  // namespace upg::syntax
