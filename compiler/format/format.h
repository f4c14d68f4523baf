#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "runtime/diagnostics/diagnostic.h"
#include "runtime/diagnostics/sources.h"

/// The one style of .upg text (docs/format.md).
namespace upg::format {

/// A body that was written on one line stays there if it ends before this column.
inline constexpr std::uint32_t line_width = 120;

/// The file in the one style: the same tokens and comments in the same order, with other blanks and line ends.
/// Formatting it again changes nothing. Nothing if the text has syntax errors, which are in `sink` then. Linear in the
/// length of the text.
std::optional<std::string> format(const diagnostics::Sources &sources, diagnostics::FileId file,
                                  diagnostics::Sink &sink);

}  // namespace upg::format
