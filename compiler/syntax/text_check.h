#pragma once
#include <cstdint>
#include <string_view>

#include "runtime/diagnostics/diagnostic.h"
#include "runtime/diagnostics/sources.h"

namespace upg::syntax {

/// Longest line that is read.
inline constexpr std::uint32_t max_line_bytes = 1u << 20;

struct TextCheck {
  bool readable = false;        // false: one diagnostic was given and the text must not be lexed
  bool ascii = false;           // no byte over 0x7f
  std::uint32_t bom_bytes = 0;  // 3 if a UTF-8 byte order mark leads the text
};

/// Looks once over the bytes: size, line length, NUL bytes, UTF-8, characters that hide what is written.
TextCheck check_text(std::string_view text, diagnostics::FileId file, diagnostics::Sink &sink);

}  // namespace upg::syntax
