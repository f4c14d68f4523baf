#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace upg::plan {

/// Whether the bytes are UTF-8: no surrogates, no overlong forms, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

/// The second one of two equal strings, if there are such. Linear for ordinary input, n log n for strings made to
/// collide.
std::optional<std::size_t> find_repeated(const std::vector<std::string> &strings);

/// In double quotes, everything but printable ASCII escaped: safe for any terminal and log, one line, and reversible.
std::string quoted(std::string_view text);
/// The same, cut after `most` bytes with the full length behind it.
std::string quoted(std::string_view text, std::size_t most);

}  // namespace upg::plan
