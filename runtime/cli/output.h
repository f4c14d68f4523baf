#pragma once
#include <string_view>

namespace upg::cli {

/// Writes to standard output. A failure (full disk, closed pipe) is remembered by the stream; main() asks at the end.
void put(std::string_view text);

/// Writes to standard error; if that fails there is nobody left to tell.
void put_error(std::string_view text);

}  // namespace upg::cli
