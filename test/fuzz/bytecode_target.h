#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace upg::fuzz {

/// The bytes of a plan file as its sections, without header and table.
std::vector<std::string> split(std::string_view file);
/// A file of these sections with a right header, table and digest, so that a change reaches the readers behind them.
std::string join(const std::vector<std::string> &sections);

/// A plan to begin with.
std::string seed_file(std::uint64_t seed);

/// Reads the bytes and does with a plan what the tools do. Gives what was wrong (a plan that is accepted must be valid,
/// have these very bytes, and be printable), or nothing. `accepted`: whether they were a plan.
std::string try_file(std::string_view bytes, bool &accepted);

}  // namespace upg::fuzz
