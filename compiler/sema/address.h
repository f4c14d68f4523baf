#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace upg::sema {

struct Address {
  std::string host;        // without brackets
  std::uint32_t port = 0;  // 0: not written
};
/// "10.1.0.11", "10.1.0.11:2222", "[fe80::1]:22", "fe80::1", "node1.example.com:22"; nothing and why if it is none of
/// these.
std::optional<Address> parse_address(std::string_view text, std::string &why);

/// One text for all spellings of an address and port, for finding the same machine twice.
std::string address_key(std::string_view host, std::uint32_t port);

/// Letters, digits and `- _ .`, beginning with a letter or digit, at most 253; else what is wrong.
std::optional<std::string> host_name_problem(std::string_view name);
/// What ssh would take as a user name without surprises; else what is wrong.
std::optional<std::string> user_problem(std::string_view name);

/// Control characters as `?`, cut after 80 bytes: for messages.
std::string printable(std::string_view text);

}  // namespace upg::sema
