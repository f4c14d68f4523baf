#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/syntax/ast.h"
#include "runtime/diagnostics/sources.h"

/// What a file declares, as a reader wants to see it: signatures, doc comments and contracts, without the bodies.
namespace upg::outline {

enum class Kind : std::uint8_t {
  role,
  state,
  gate,
  action,
  hold,
  probe,
  procedure,
  hosts,
  param,
  secret,
  order,
  rank,
  versions,
  command,
  cluster,
  upgrade,
};
std::string_view singular(Kind kind);  // "role", "set of hosts", ...
std::string_view plural(Kind kind);    // "roles"

/// One declaration.
struct Entry {
  Kind kind = Kind::role;
  std::string name;                  // empty: an order, rank or command, which have none
  std::string signature;             // on one line: `action restart(h: mon)`, without a body
  std::string doc;                   // lines of its doc comment
  std::vector<std::string> clauses;  // what it promises and needs, one line each; not how it is done
  diagnostics::Range name_range;     // of the whole declaration if it has no name
  diagnostics::Range range;
};

struct Outline {
  std::string module;  // empty: a file without `module`
  std::string doc;
  std::vector<std::string> uses;
  std::vector<Entry> entries;  // in the order of the text
};

/// Of one file that was read; what is broken in it is missing.
Outline outline(const syntax::ast::File &file, const diagnostics::Sources &sources);

}  // namespace upg::outline
