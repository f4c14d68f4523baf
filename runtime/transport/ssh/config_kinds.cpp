#include "runtime/transport/ssh/config_kinds.h"

#include <glob.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "runtime/transport/ssh/pattern.h"

namespace upg::transport {
namespace {

constexpr int max_depth = 8;
constexpr std::size_t max_bytes = 4u << 20;

bool blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char &c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  for (text = trimmed(text); !text.empty(); text = trimmed(text)) {
    const auto end = std::find_if(text.begin(), text.end(), blank);
    const auto size = static_cast<std::size_t>(end - text.begin());
    out.emplace_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return out;
}

/// A name that ssh takes as it is: no user, port or scheme in it, nothing that it would write in another way.
bool plain_name(std::string_view name) {
  return !name.empty() && name.front() != '-' && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
  });
}

}  // namespace

bool matches_host(const std::vector<std::string> &patterns, std::string_view host) {
  bool found = false;
  for (const std::string &pattern : patterns) {
    const bool negated = pattern.starts_with('!');
    if (!matches_pattern(std::string_view(pattern).substr(negated ? 1 : 0), host)) continue;
    if (negated) return false;
    found = true;
  }
  return found;
}

ConfigKinds::ConfigKinds(const std::string &file, const std::string &home) {
  if (!file.empty()) {
    read(file, home + "/.ssh", home, 0, 0);
    return;
  }
  read(home + "/.ssh/config", home + "/.ssh", home, 0, 0);
  read("/etc/ssh/ssh_config", "/etc/ssh", home, 0, 0);
}

std::size_t ConfigKinds::open(std::vector<std::string> patterns, std::size_t around) {
  blocks_.push_back({std::move(patterns), around, {}, {}});
  return blocks_.size();
}

void ConfigKinds::read(const std::string &file, const std::string &folder, const std::string &home, std::size_t around,
                       int depth) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return;  // ssh says what it thinks of that
  std::size_t block = open({}, around);
  for (std::string text; plain_ && std::getline(in, text);) {
    bytes_ += text.size();
    plain_ = bytes_ <= max_bytes && depth <= max_depth && line(trimmed(text), folder, home, block, around, depth);
  }
  plain_ = plain_ && !in.bad();
}

/// False: it says more than hosts can be told apart by.
bool ConfigKinds::line(std::string_view text, const std::string &folder, const std::string &home, std::size_t &block,
                       std::size_t around, int depth) {
  if (text.empty() || text.front() == '#') return true;
  const auto end = std::find_if(text.begin(), text.end(), [](char c) { return blank(c) || c == '='; });
  const auto size = static_cast<std::size_t>(end - text.begin());
  const std::string keyword = lower(text.substr(0, size));
  std::string_view value = trimmed(text.substr(size));
  if (value.starts_with('=')) value = trimmed(value.substr(1));
  const bool simple = value.find_first_of("\"'\\#") == std::string_view::npos;
  if (keyword.starts_with("match") || keyword.starts_with("canonical") || keyword.find('"') != std::string::npos)
    return false;
  if (keyword == "host") {
    if (!simple || value.empty()) return false;
    block = open(words(value), around);
    return true;
  }
  if (keyword == "include") {
    if (!simple || !include(value, folder, home, block, depth)) return false;
    // What follows is of the same block, but comes after what was included.
    const std::vector<std::string> patterns = blocks_[block - 1].patterns;
    block = open(patterns, around);
    return true;
  }
  if (keyword == "hostname") {
    if (!plain_name(value) && value.find(':') == std::string_view::npos) return false;
    if (value.find_first_of("%\"'\\# \t[]") != std::string_view::npos || lower(value) != value) return false;
    if (blocks_[block - 1].hostname.empty()) blocks_[block - 1].hostname = value;  // the first one counts
    return true;
  }
  // What ssh -G prints as it is written; another setting might be told with a host's name put in.
  static constexpr std::string_view kAsWritten[] = {"identityfile",       "certificatefile", "proxycommand",
                                                    "userknownhostsfile", "controlpath",     "identityagent"};
  const bool token = value.find('%') != std::string_view::npos;
  if (token && std::find(std::begin(kAsWritten), std::end(kAsWritten), keyword) == std::end(kAsWritten)) return false;
  (blocks_[block - 1].text += text) += '\n';
  return true;
}

bool ConfigKinds::include(std::string_view files, const std::string &folder, const std::string &home,
                          std::size_t around, int depth) {
  for (std::string file : words(files)) {
    if (file.find_first_of("%$") != std::string::npos) return false;
    if (file.starts_with("~/"))
      file = home + file.substr(1);
    else if (file.starts_with('~'))
      return false;
    else if (!file.starts_with('/'))
      file = folder + '/' + file;
    glob_t found{};
    const int failed = glob(file.c_str(), 0, nullptr, &found);
    for (std::size_t i = 0; failed == 0 && plain_ && i < found.gl_pathc; ++i)
      read(found.gl_pathv[i], folder, home, around, depth + 1);
    globfree(&found);
    if ((failed != 0 && failed != GLOB_NOMATCH) || !plain_) return false;
  }
  return true;
}

std::optional<ConfigKinds::Kind> ConfigKinds::of(std::string_view host) const {
  if (!plain_ || !plain_name(host)) return std::nullopt;
  Kind out;
  std::vector<bool> speaks(blocks_.size() + 1, true);
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const Block &block = blocks_[i];
    speaks[i + 1] = speaks[block.around] && (block.patterns.empty() || matches_host(block.patterns, host));
    if (!speaks[i + 1]) continue;
    if (out.hostname.empty()) out.hostname = block.hostname;
    out.key += block.text;
  }
  return out;
}

}  // namespace upg::transport
