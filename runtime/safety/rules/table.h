#pragma once
#include <span>
#include <string_view>

#include "runtime/diagnostics/diagnostic.h"

namespace upg::safety {

class Analysis;

/// One rule of the checker: what `upgc explain` prints, and the check. `failing` is a complete .upg file that gets
/// exactly this diagnostic, `fixed` the same file mended; a test compiles both.
struct Rule {
  diagnostics::Kind kind;
  std::string_view name;  // as in `accept NAME`
  std::string_view doc;
  std::string_view failing;
  std::string_view fixed;
  void (*check)(Analysis &);
  bool waivable = true;  // structural rules are not: the exactness of the others rests on them
  /// Runs before every rule's `check`: finds the causes whose consequences the others then leave untold.
  void (*before)(Analysis &) = nullptr;
};

/// Every rule, in the order in which they are checked and reported.
std::span<const Rule> rules();

}  // namespace upg::safety
