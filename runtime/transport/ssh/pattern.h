#pragma once
#include <string_view>

namespace upg::transport {

/// A pattern of ssh's files: `*` is any text, `?` one character. Never dearer than pattern x text.
bool matches_pattern(std::string_view pattern, std::string_view text);

}  // namespace upg::transport
