#include "runtime/plan/text_rules.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <numeric>

namespace upg::plan {

bool is_utf8(std::string_view text) {
  const auto *p = reinterpret_cast<const unsigned char *>(text.data());
  const auto *const end = p + text.size();
  while (p < end) {
    std::uint64_t eight = 0;
    while (end - p >= 8) {  // ASCII, eight at a time
      std::memcpy(&eight, p, 8);
      if (eight & 0x8080808080808080u) break;
      p += 8;
    }
    if (p == end) return true;
    if (*p < 0x80) {
      ++p;
      continue;
    }
    std::size_t more = 0;
    unsigned char low = 0x80, high = 0xbf;  // of the second byte
    if (*p >= 0xc2 && *p <= 0xdf) {
      more = 1;
    } else if (*p >= 0xe0 && *p <= 0xef) {
      more = 2;
      if (*p == 0xe0) low = 0xa0;
      if (*p == 0xed) high = 0x9f;
    } else if (*p >= 0xf0 && *p <= 0xf4) {
      more = 3;
      if (*p == 0xf0) low = 0x90;
      if (*p == 0xf4) high = 0x8f;
    } else {
      return false;
    }
    if (static_cast<std::size_t>(end - p) <= more) return false;
    if (p[1] < low || p[1] > high) return false;
    for (std::size_t i = 2; i <= more; ++i) {
      if (p[i] < 0x80 || p[i] > 0xbf) return false;
    }
    p += more + 1;
  }
  return true;
}

std::optional<std::size_t> find_repeated(const std::vector<std::string> &strings) {
  std::size_t size = 16;
  while (size < strings.size() * 2) size *= 2;
  constexpr std::uint32_t free = 0xffffffffu;
  constexpr std::size_t patience = 256;
  std::vector<std::uint32_t> table(size, free);
  for (std::size_t i = 0; i < strings.size(); ++i) {
    std::size_t at = std::hash<std::string_view>{}(strings[i]) & (size - 1);
    std::size_t steps = 0;
    for (; table[at] != free && steps < patience; ++steps, at = (at + 1) & (size - 1)) {
      if (strings[table[at]] == strings[i]) return i;
    }
    if (steps < patience) {
      table[at] = static_cast<std::uint32_t>(i);
      continue;
    }
    std::vector<std::uint32_t> order(strings.size());
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return strings[a] < strings[b]; });
    const auto twin = std::adjacent_find(order.begin(), order.end(),
                                         [&](std::uint32_t a, std::uint32_t b) { return strings[a] == strings[b]; });
    if (twin == order.end()) return std::nullopt;
    return std::max(twin[0], twin[1]);
  }
  return std::nullopt;
}

std::string quoted(std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte >= 0x7f) {
      out += "\\x";
      out.push_back(digits[byte >> 4]);
      out.push_back(digits[byte & 15]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
  return out;
}

std::string quoted(std::string_view text, std::size_t most) {
  if (text.size() <= most) return quoted(text);
  return quoted(text.substr(0, most)) + "... (" + std::to_string(text.size()) + " bytes)";
}

}  // namespace upg::plan
