#pragma once
#include <string>

#include "runtime/plan/plan.h"

namespace upg::plan {

/// The whole plan as text, one field per line, trees of nodes indented, each node with the place it came from. Made
/// from the tables: what is in the plan is in the text, except absent fields and the texts of the source files (their
/// digests stand for them). Strings are escaped: no byte outside of printable ASCII comes out. Very long strings are
/// cut, and so is a text that would grow beyond `disassembly_limit` (a small file can name one long string very often);
/// both say so. The plan must be valid.
inline constexpr std::size_t disassembly_limit = 256u << 20;
std::string disassemble(const Plan &plan);

}  // namespace upg::plan
