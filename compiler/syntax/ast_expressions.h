#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "runtime/diagnostics/sources.h"

/// Expressions, names, types and host selections of the syntax tree. Nodes are plain values; `ExprPtr` members are
/// never null unless said so.
namespace upg::syntax::ast {

using diagnostics::Range;

/// One word as written. `text` may hold hyphens (`controller-0`): then it can only be a host.
struct Name {
  std::string text;
  Range range;
  bool hyphenated() const { return text.find('-') != std::string::npos; }
};

/// `db.replica`: one part or more.
struct QName {
  std::vector<Name> parts;
  Range range;
  std::string text() const;  // joined with dots
};

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

/// `list<string>`, `db.replica`. Built-in types and roles are not told apart here.
struct Type {
  QName name;
  std::vector<Type> arguments;  // none or one
  Range range;
};

/// One form everywhere: `x in SET where P if any`.
struct Binder {
  Name variable;
  ExprPtr set;
  ExprPtr where;        // null if not written
  bool if_any = false;  // an empty set is meant
  Range range;
};

/// What follows `any`, `count(`, `on any`, `hosts x =`: a set, or a set filtered through a binder.
struct Selection {
  std::variant<ExprPtr, Binder> of;
  Range range;
  const Binder *binder() const { return std::get_if<Binder>(&of); }
  /// The set itself, whichever form was written.
  const Expr &set() const;
};

/// `on h`, `on any mon`, `on each mon`, `on local`.
struct Target {
  enum class Kind : std::uint8_t { on, any, each };
  Kind kind = Kind::on;
  Selection hosts;
  Range range;  // from `on`
};

struct Argument {
  std::optional<Name> name;  // `from: controller-0`
  ExprPtr value;             // an AnyExpr only here
  Range range;
};

/// `noout`, `db.parked(h)`, `restart_mon(h)`: names something declared, with or without arguments.
struct Ref {
  QName name;
  std::optional<std::vector<Argument>> arguments;  // absent and `()` are different
  Range range;
};

// ---- literals ------------------------------------------------------------------------------------------------------

struct BoolLiteral {
  bool value = false;
};
struct IntLiteral {
  std::int64_t value = 0;
};
/// Exactly `digits * 10^-scale`.
struct Decimal {
  std::int64_t digits = 0;
  std::uint8_t scale = 0;
};
struct DecimalLiteral {
  Decimal value;
};
struct PercentLiteral {
  Decimal value;
};  // `12.5%` is 12.5
struct DurationLiteral {
  std::int64_t milliseconds = 0;
};
struct SizeLiteral {
  std::int64_t bytes = 0;
};  // 5GB is 5*10^9, 5GiB is 5*2^30
struct DateLiteral {
  std::int32_t year = 0;
  std::uint8_t month = 0, day = 0;  // a day that exists
};

/// A stretch of text (escapes resolved) or one `${expr}`.
struct StringPart {
  std::variant<std::string, ExprPtr> part;
  Range range;
};
struct StringLiteral {
  std::vector<StringPart> parts;  // no two texts side by side; "" has none
  bool raw = false;               // r"..."
  Range range;
  bool plain() const;        // no ${}
  std::string text() const;  // of a plain string; the texts only otherwise
};

// ---- expressions ---------------------------------------------------------------------------------------------------

/// Stands where an expression was too broken to keep; a diagnostic was given.
struct ErrorExpr {};
struct ListExpr {
  std::vector<ExprPtr> items;
};
/// `[item for x in LIST where P]`
struct ComprehensionExpr {
  ExprPtr item;
  Binder binder;
};
struct NameExpr {
  Name name;
};
/// `base.field`; whether `base` is a module, a host or a value is for the names phase.
struct FieldExpr {
  ExprPtr base;
  Name field;  // without the dot
};
struct IndexExpr {
  ExprPtr base;
  ExprPtr index;
};
/// Callee is a NameExpr or a FieldExpr.
struct CallExpr {
  ExprPtr callee;
  std::vector<Argument> arguments;
};
enum class UnaryOp : std::uint8_t { logical_not, minus };
struct UnaryExpr {
  UnaryOp op;
  ExprPtr operand;
};
enum class BinaryOp : std::uint8_t {
  logical_or,
  logical_and,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  in,
  matches,
  contains,
  add,
  subtract,
  except,
  multiply,
  divide,
  intersect,
};
struct BinaryExpr {
  BinaryOp op;
  Range op_range;
  ExprPtr left, right;
};
/// `value default fallback`
struct DefaultExpr {
  ExprPtr value;
  ExprPtr fallback;
};
/// `every x in SET where P if any: predicate`
struct QuantifiedExpr {
  enum class Kind : std::uint8_t { every, some };
  Kind kind;
  Binder binder;
  ExprPtr predicate;
};
/// `count(SET)`, `count(x in SET where P)`
struct CountExpr {
  Selection of;
};
/// `any controller` as an argument
struct AnyExpr {
  Selection of;
};

struct EnvVar {
  Name name;
  ExprPtr value;
};
/// `run("qm", "migrate", id) on h exits 0, 2 stdin x as u env A = b`; `sh("...")` likewise.
struct RunExpr {
  enum class Kind : std::uint8_t { run, sh };
  Kind kind;
  std::vector<Argument> arguments;
  Target target;
  std::vector<IntLiteral> exits;   // empty: only 0
  std::vector<Range> exit_ranges;  // one for each of `exits`
  ExprPtr standard_input;          // null if not written
  ExprPtr as_user;                 // null if not written
  std::vector<EnvVar> environment;
};
/// `ask "does the console work?" -> bool`
struct AskExpr {
  StringLiteral text;
  Type type;
};

struct Expr {
  using Node =
      std::variant<ErrorExpr, BoolLiteral, IntLiteral, DecimalLiteral, PercentLiteral, DurationLiteral, SizeLiteral,
                   DateLiteral, StringLiteral, ListExpr, ComprehensionExpr, NameExpr, FieldExpr, IndexExpr, CallExpr,
                   UnaryExpr, BinaryExpr, DefaultExpr, QuantifiedExpr, CountExpr, AnyExpr, RunExpr, AskExpr>;
  Node node;
  Range range;              // without surrounding parentheses
  std::uint32_t id = 0;     // dense within a file, from 0: key of side tables
  std::uint32_t depth = 1;  // 1 + deepest child; never over `max_expression_depth`

  template <typename T>
  const T *as() const {
    return std::get_if<T>(&node);
  }
  template <typename T>
  bool is() const {
    return std::holds_alternative<T>(node);
  }
};
inline constexpr std::uint32_t max_expression_depth = 512;

}  // namespace upg::syntax::ast
