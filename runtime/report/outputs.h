#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace upg::report {

/// What one command printed on one stream, as far as a report shows it.
struct OutputPiece {
  std::string host;
  bool error = false;
  std::uint64_t size = 0;  // in all
  std::string end;         // the last of it
  bool left_out = false;   // the report would get too long
};

/// By step key.
using Outputs = std::map<std::string, std::vector<OutputPiece>>;

/// What the commands of steps printed, out of the run's folder. Where a piece begins is said by the index that
/// RunFolder::output writes, never by the output itself, which may be anything.
Outputs read_outputs(const std::string &run_folder);

/// Of one piece and of all of them, at most this much is kept.
inline constexpr std::size_t kOutputPiece = 16u << 10;
inline constexpr std::size_t kOutputAll = 6u << 20;

}  // namespace upg::report
