#pragma once
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/syntax/antlr/lexemes.h"
#include "compiler/syntax/forms.h"
#include "runtime/diagnostics/diagnostic.h"

namespace antlr4::atn {
class ATN;
}

namespace upg::syntax {

/// What the parser knew when it could not go on. Indices are those of lexemes and rules, types those of UpgParser.
struct ErrorSite {
  std::size_t found = 0;              // the token that does not fit
  std::vector<std::size_t> expected;  // types that would have
  std::size_t rule = Lexemes::none;   // innermost rule
  std::size_t item_rule = Lexemes::none,
              item_start = Lexemes::none;                         // innermost item around, if inside the innermost body
  std::size_t body_rule = Lexemes::none, opener = Lexemes::none;  // innermost body around and its `{`
  std::vector<std::size_t> starters;                              // types that may begin an item of that body
  std::vector<std::size_t> homes;                                 // other bodies whose items may begin with `found`
};

/// Words one error: first by the mistakes people make (mistakes.cpp), else from what was expected and found.
class ErrorReporter {
 public:
  ErrorReporter(const Lexemes &lexemes, diagnostics::Sink &sink) : lexemes_(lexemes), sink_(sink) {}
  void report(const ErrorSite &site);
  /// Last tokens of items that read as complete but went on, on their line, with what could not be read: they do not
  /// mean what was written.
  const std::set<std::size_t> &cut_short() const { return cut_short_; }
  /// Names behind words at the margin that begin no declaration: something of that name was meant to be declared.
  const std::vector<std::size_t> &meant() const { return meant_; }

 private:
  const Lexemes &lexemes_;
  diagnostics::Sink &sink_;
  std::set<std::size_t> cut_short_;
  std::vector<std::size_t> meant_;
};

/// "`await`", "a name", "the end of the file": one expected token type.
std::string spelled_type(std::size_t type);
/// The fixed text of a token type, empty if it has none.
std::string_view fixed_text(std::size_t type);
/// The token as a message names it.
std::string spelled_found(const Lexemes &lexemes, std::size_t index);
/// "a clause of a gate", for what stands in this body.
std::string_view item_of_body(std::size_t body_rule);
/// Where the items of this body stand.
Within within_of(const ErrorSite &site);
/// The first token on the line of `index`.
std::size_t line_start(const Lexemes &lexemes, std::size_t index);
/// How what the site is about is written: the item around it, or the one before it on its line; empty if nobody knows.
std::string how_written(const ErrorSite &site, const Lexemes &lexemes);
/// The fixed word among `types` that `word` seems to be meant for, or empty.
std::string_view nearest_word(std::string_view word, const std::vector<std::size_t> &types);
bool expects(const ErrorSite &site, std::size_t type);
bool expects_operand(const ErrorSite &site);

/// Reports the site as one of the mistakes that people make, with its remedy; false if it is none of them.
bool report_known_mistake(const ErrorSite &site, const Lexemes &lexemes, diagnostics::Sink &sink);

}  // namespace upg::syntax
