#pragma once
#include <cstdint>
#include <vector>

#include "compiler/syntax/parse.h"

/// How the words of a file hang together, for a formatter: which begin an item, which braces hold items, what stands
/// between two words of one line.
namespace upg::syntax {

/// What stands between a token and the one before it when both are on one line.
enum class Gap : std::uint8_t {
  none,
  blank,
  verbatim,  // inside a string: as written
};

/// One token of the code. Those of comments are not looked at.
struct Place {
  Gap gap = Gap::blank;
  bool begins_item = false;   // first word of a declaration, clause or statement, or of a value in `{ a, b }`
  bool opens_body = false;    // `{` before items
  bool closes_body = false;   // its `}`
  bool resumes_item = false;  // `else`, `and`, `recover`, `otherwise`: goes on right after a `}`
  std::uint32_t depth = 0;    // of its item: 0 for a declaration, 1 for a clause of it
};

struct LaidOut {
  SyntaxTree tree;
  std::vector<Place> places;  // one per token; empty if the tree is not complete
};

/// As `parse`, with the places of all tokens.
LaidOut lay_out(const diagnostics::Sources &sources, diagnostics::FileId file, diagnostics::Sink &sink);

}  // namespace upg::syntax
