#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "compiler/sema/program.h"

namespace upg::sema {

/// A set of symbol kinds, for "a gate is needed here".
struct Kinds {
  std::uint32_t bits = 0;
  constexpr Kinds() = default;
  constexpr Kinds(SymbolKind kind) : bits(1u << static_cast<unsigned>(kind)) {}
  constexpr Kinds operator|(Kinds other) const {
    Kinds both;
    both.bits = bits | other.bits;
    return both;
  }
  constexpr bool has(SymbolKind kind) const { return (bits & Kinds(kind).bits) != 0; }
};
inline constexpr Kinds operator|(SymbolKind a, SymbolKind b) { return Kinds(a) | Kinds(b); }

/// What a dotted name means in a module. `consumed` parts name the symbol, the rest are fields of its value.
struct Found {
  enum class Status : std::uint8_t { found, none, ambiguous, no_such_member };
  Status status = Status::none;
  SymbolRef symbol;  // found
  std::size_t consumed = 0;
  std::vector<SymbolRef> all;  // ambiguous: every candidate
  ModuleId module;             // no_such_member: the module that has no such name
};

/// Looks names up and says what is wrong with them. A module sees its own names first, then those of the modules it
/// uses, qualified or bare where only one has them, then the hosts of the site. Lookups that succeed mark the symbol
/// and the `use` as used. An unknown name is reported once for each module: later ones are poisoned silently.
class Resolver {
 public:
  Resolver(Program &program, Sink &sink) : program_(&program), sink_(&sink) {}

  /// Silent; marks nothing.
  Found find(ModuleId from, std::span<const std::string_view> parts) const;
  Found find(ModuleId from, std::string_view bare) const { return find(from, std::span(&bare, 1)); }

  /// The symbol of one of `kinds` with this name; reports what is wrong and gives nothing. `also` are further names
  /// that could be meant (locals, values).
  std::optional<SymbolRef> resolve(ModuleId from, const ast::QName &name, Kinds kinds,
                                   std::span<const std::string_view> also = {});
  /// The same for names inside expressions, where `a.b.c` may be a symbol and its fields. Locals were tried before.
  Found resolve(ModuleId from, std::span<const ast::Name *const> parts, Kinds kinds,
                std::span<const std::string_view> also = {});

  std::optional<RoleId> role(ModuleId from, const ast::QName &name);
  std::optional<GateId> gate(ModuleId from, const ast::QName &name);
  std::optional<ProbeId> probe(ModuleId from, const ast::QName &name);
  std::optional<HoldId> hold(ModuleId from, const ast::QName &name);
  std::optional<StateId> state(ModuleId from, const ast::QName &name);
  /// A host of the site by its name.
  std::optional<HostId> host(const ast::Name &name);
  /// A written type; poison if it is unknown (reported).
  Type type(ModuleId from, const ast::Type &written);

  /// The ordinal of a state's value; reports an unknown one.
  std::optional<std::uint32_t> state_value(StateId state, const ast::Name &name);

  void mark_used(ModuleId from, SymbolRef symbol);
  /// Warns if a name bound in a body (parameter, let, binder) hides something that is visible. Not in the standard
  /// library.
  void check_shadowing(ModuleId from, const ast::Name &name);
  /// Once, after every body was walked: unused `use` and unused declarations of the entry file.
  void report_unused();

  Program &program() { return *program_; }
  Sink &sink() { return *sink_; }

 private:
  void report_unknown(ModuleId from, const Found &found, std::string_view name, Range range, Kinds kinds,
                      std::span<const std::string_view> also);
  void report_ambiguous(const Found &found, std::string_view name, Range range);
  bool check_kind(SymbolRef symbol, std::string_view name, Range range, Kinds kinds);

  Program *program_;
  Sink *sink_;
  std::unordered_set<std::string> reported_;  // "module name"
};

}  // namespace upg::sema
