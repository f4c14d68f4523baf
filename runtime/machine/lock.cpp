#include "runtime/machine/lock.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ctime>

namespace upg::machine {
namespace {

constexpr std::size_t kWord = 200;

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size() || n < 0) return std::nullopt;
  return n;
}

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(by), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::optional<LockLine> read_line(std::string_view text) {
  const std::vector<std::string_view> words = split(text, ' ');
  if (words.size() != 7) return std::nullopt;
  LockLine line;
  const auto token = number(words[0]), since = number(words[3]), left = number(words[6]);
  if (!token || !since || !left || static_cast<std::uint64_t>(*token) > max_token) return std::nullopt;
  if (words[1] == "held")
    line.state = LockLine::State::held;
  else if (words[1] == "broken")
    line.state = LockLine::State::broken;
  else if (words[1] != "free")
    return std::nullopt;
  line.token = static_cast<std::uint64_t>(*token);
  line.run = lock_word(words[2]);
  line.since_unix_s = *since;
  line.owner = lock_word(words[4]);
  line.plan = lock_word(words[5]);
  line.lease_s = *left;
  return line;
}

}  // namespace

std::optional<std::vector<LockLine>> read_lock_lines(std::string_view text, std::size_t names) {
  std::vector<LockLine> lines;
  for (std::string_view part : split(text, '\n')) {
    std::optional<LockLine> line = read_line(part);
    if (!line || lines.size() == names) return std::nullopt;
    lines.push_back(*std::move(line));
  }
  if (lines.size() != names) return std::nullopt;
  return lines;
}

LockLine newest(const LockLine &a, const LockLine &b) {
  if (a.token != b.token) return a.token > b.token ? a : b;
  if ((a.state == LockLine::State::held) !=
      (b.state == LockLine::State::held))  // given up here, not yet heard of there
    return a.state == LockLine::State::held ? b : a;
  LockLine line = a;
  line.lease_s = std::max(a.lease_s, b.lease_s);
  return line;
}

std::string lock_word(std::string_view text) {
  std::string word;
  for (const char c : text.substr(0, kWord)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("._@:+-").find(c) != std::string_view::npos;
    word += plain ? c : '_';
  }
  return word.empty() ? "-" : word;
}

std::string describe_holder(const LockLine &line, std::int64_t unix_ms) {
  std::time_t since = line.since_unix_s;
  std::tm utc{};
  gmtime_r(&since, &utc);
  const std::int64_t minutes = std::max<std::int64_t>(0, unix_ms / 1000 - line.since_unix_s) / 60;
  const std::string who = line.owner.substr(0, line.owner.find(':'));
  return fmt::format(
      "run {} (plan {}) of {}, since {:%Y-%m-%d %H:%M} UTC ({} min); {}", line.run, line.plan, who, utc, minutes,
      line.lease_s > 0 ? fmt::format("its controller is alive, or was {} s before its lease ends", line.lease_s)
                       : std::string("no controller drives it now"));
}

std::vector<std::string> lock_names(std::string_view cluster, const std::vector<std::string_view> &exclusive) {
  std::vector<std::string> names{"cluster:" + std::string(cluster)};
  for (std::string_view name : exclusive) names.push_back("name:" + std::string(name));
  std::sort(names.begin() + 1, names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace upg::machine
