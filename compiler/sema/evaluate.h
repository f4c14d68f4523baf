#pragma once
#include <optional>
#include <string>
#include <vector>

#include "compiler/sema/resolve.h"

namespace upg::sema {

/// A name bound around an expression; without a value it is known at run time only.
struct Local {
  std::string name;
  std::optional<Value> value;
};
struct Scope {
  ModuleId module;
  std::vector<Local> locals;  // innermost last
  bool inside_role = false;   // `host.x` means something, with `host` among the locals
  const Local *find(std::string_view name) const;
};

/// The outcome of evaluating something at compile time.
enum class Known : std::uint8_t {
  yes,
  no,        // it depends on what is asked at run time
  poisoned,  // wrong, and reported
};

struct StaticHosts {
  Known known = Known::poisoned;
  std::vector<HostId> hosts;  // yes: the answer; no: those it chooses from, if that much is known
  RoleId role;                // every host carries it, so far as the expression says
};

/// Evaluates what is known before a run: constants, parameters, attributes, roles, sets of hosts.
class Evaluator {
 public:
  explicit Evaluator(Resolver &resolver) : resolver_(&resolver) {}

  /// A constant. Known::no is not reported, everything wrong is.
  Known constant(const ast::Expr &expr, const Scope &scope, Value &out);
  /// A constant of this type, or nothing (reported, run-time values too: "is not known before the run"). `what` names
  /// the place in messages: "the number of hosts".
  std::optional<Value> constant_of(const ast::Expr &expr, const Scope &scope, const Type &type, std::string_view what);
  std::optional<std::int64_t> duration(const ast::Expr &expr, const Scope &scope, std::string_view what);
  /// An int in [least, most].
  std::optional<std::int64_t> count(const ast::Expr &expr, const Scope &scope, std::int64_t least, std::int64_t most,
                                    std::string_view what);

  /// Hosts in inventory order, each once. An empty answer is for the caller to judge (require_hosts).
  StaticHosts hosts(const ast::Expr &set, const Scope &scope);
  StaticHosts hosts(const ast::Binder &binder, const Scope &scope);
  StaticHosts hosts(const ast::Selection &selection, const Scope &scope);
  /// Reports an empty static set unless `if_any`; false if it did.
  bool require_hosts(const StaticHosts &found, bool if_any, Range range);

 private:
  Known path(std::span<const ast::Name *const> parts, const Scope &scope, Value &out);
  Known unsettled(const ast::Name &name);
  Known field(const Value &base, const ast::Name &name, Value &out);
  Known list(const ast::ListExpr &list, const Scope &scope, Value &out);
  Known text(const ast::StringLiteral &literal, const Scope &scope, Value &out);
  Known unary(const ast::UnaryExpr &unary, const Scope &scope, Value &out);
  Known binary(const ast::Expr &expr, const ast::BinaryExpr &binary, const Scope &scope, Value &out);
  Known logical(const ast::BinaryExpr &binary, const Scope &scope, Value &out);
  Known fallback(const ast::DefaultExpr &expr, const Scope &scope, Value &out);
  bool fits(const Value &value, const Type &type) const;
  Known poison(diagnostics::Kind kind, Range range, std::string message);

  Resolver *resolver_;
};

}  // namespace upg::sema
