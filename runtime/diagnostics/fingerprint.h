#pragma once
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "runtime/diagnostics/diagnostic.h"
#include "runtime/diagnostics/sources.h"

namespace upg::diagnostics {

/// For each line of `text` the hash by which code scanning recognises a result that has moved ("5d2a17…:1"): over the
/// 100 UTF-16 units from the line's begin, blanks and tabs left out, CR LF as one line end; behind the colon the
/// how-many-th line with that hash it is. The same as primaryLocationLineHash of GitHub's upload action.
std::vector<std::string> line_hashes(std::string_view text);

/// Names of findings that stay the same when lines move: made of kind, file, the text of the marked line and the
/// message.
class Fingerprints {
 public:
  explicit Fingerprints(const Sources &sources) : sources_(sources) {}
  /// 64 hexadecimal digits. Asked in the order of the findings: of equal ones the second gets another name.
  std::string of(const Diagnostic &diagnostic);
  /// The hash of the line on which a valid range begins; empty if there is no such line.
  std::string line_hash(Range range);

 private:
  const Sources &sources_;
  std::map<std::string, std::size_t> seen_;
  std::map<std::uint32_t, std::vector<std::string>> hashes_;  // by file
};

}  // namespace upg::diagnostics
