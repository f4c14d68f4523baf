#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/plan/plan.h"

namespace upg::plan {

enum class ReadErrorKind : std::uint8_t {
#define UPG_READ_ERROR(name, code, title, hint) name,
#include "runtime/plan/read_errors.def"
  count_
};
struct ReadErrorInfo {
  std::string_view name;  // also the name of the diagnostic kind
  std::string_view code;  // "E2001"
  std::string_view title;
  std::string_view hint;
};
const ReadErrorInfo &info(ReadErrorKind kind);

struct ReadError {
  ReadErrorKind kind;
  std::string message;     // lower case, no full stop; with the values
  std::size_t offset = 0;  // byte of the file where reading stopped
};

/// A plan, or why there is none.
struct ReadResult {
  std::optional<Plan> plan;
  std::optional<ReadError> error;
  explicit operator bool() const { return plan.has_value(); }
};

/// Reads the bytes of a .upgb file and trusts none of them: size, version and digest first, then every count against
/// the bytes that are left, every enumerator, id and string, and at last the whole plan (validate.h). A plan that comes
/// out is valid.
ReadResult read(std::string_view file_bytes);

}  // namespace upg::plan
