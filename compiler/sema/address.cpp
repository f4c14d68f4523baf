#include "compiler/sema/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace upg::sema {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c); }

bool is_ipv6(std::string_view text) {
  const std::string_view address = text.substr(0, text.find('%'));
  if (text.size() > address.size()) {
    const std::string_view zone = text.substr(address.size() + 1);
    if (zone.empty() || zone.size() > 15 ||
        !std::all_of(zone.begin(), zone.end(), [](char c) { return is_word(c) || c == '-' || c == '.'; }))
      return false;
  }
  std::array<unsigned char, sizeof(in6_addr)> out{};
  return inet_pton(AF_INET6, std::string(address).c_str(), out.data()) == 1;
}

bool is_ipv4(std::string_view text) {
  std::array<unsigned char, sizeof(in_addr)> out{};
  return inet_pton(AF_INET, std::string(text).c_str(), out.data()) == 1;
}

std::optional<std::uint32_t> port(std::string_view text) {
  std::uint32_t value = 0;
  const auto end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || at != end || value < 1 || value > 65'535) return std::nullopt;
  return value;
}

/// Only digits and dots: it is meant as an address.
bool looks_numeric(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || c == '.'; });
}

}  // namespace

std::optional<std::string> host_name_problem(std::string_view name) {
  if (name.empty()) return "it is empty";
  if (name.size() > 253) return "it is longer than 253 characters";
  if (!is_word(name.front())) return "it does not begin with a letter or digit";
  for (const char c : name)
    if (!is_word(c) && c != '-' && c != '_' && c != '.') return "it may hold letters, digits, `-`, `_` and `.` only";
  return std::nullopt;
}

std::optional<std::string> user_problem(std::string_view name) {
  if (name.empty()) return "it is empty";
  if (name.size() > 64) return "it is longer than 64 characters";
  if (!is_word(name.front()) && name.front() != '_') return "it does not begin with a letter, a digit or `_`";
  for (const char c : name)
    if (!is_word(c) && std::string_view("-_.@\\").find(c) == std::string_view::npos)
      return "it may hold letters, digits and `- _ . @ \\` only";
  return std::nullopt;
}

std::optional<Address> parse_address(std::string_view text, std::string &why) {
  Address out;
  std::string_view host = text, written_port;
  const bool bracketed = text.starts_with('[');
  if (bracketed) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) {
      why = "`[` is not closed";
      return std::nullopt;
    }
    host = text.substr(1, close - 1);
    written_port = text.substr(close + 1);
    if (!written_port.empty() && !written_port.starts_with(':')) {
      why = "only `:PORT` may follow `]`";
      return std::nullopt;
    }
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    host = text.substr(0, text.find(':'));
    written_port = text.substr(host.size());
  }
  if (!written_port.empty()) {
    const auto number = port(written_port.substr(1));
    if (!number) {
      why = "a port is a number from 1 to 65535";
      return std::nullopt;
    }
    out.port = *number;
  }
  if (bracketed || host.find(':') != std::string_view::npos) {
    if (!is_ipv6(host)) {
      why = "it is not an IPv6 address";
      return std::nullopt;
    }
  } else if (const auto problem = host_name_problem(host)) {
    why = *problem;
    return std::nullopt;
  } else if (looks_numeric(host) && !is_ipv4(host)) {
    why = "it is not an IPv4 address";
    return std::nullopt;
  }
  out.host = host;
  return out;
}

std::string address_key(std::string_view host, std::uint32_t port) {
  std::string text(host);
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (text.find(':') != std::string::npos) {
    const std::string zone = text.find('%') == std::string::npos ? "" : text.substr(text.find('%'));
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    std::array<char, INET6_ADDRSTRLEN> canonical{};
    if (inet_pton(AF_INET6, text.substr(0, text.size() - zone.size()).c_str(), bytes.data()) == 1 &&
        inet_ntop(AF_INET6, bytes.data(), canonical.data(), canonical.size()))
      text = canonical.data() + zone;
  }
  while (text.size() > 1 && text.ends_with('.')) text.pop_back();
  return fmt::format("{} {}", text, port == 0 ? 22 : port);
}

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 80)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  if (text.size() > 80) out += "...";
  return out;
}

}  // namespace upg::sema
