#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/plan/plan.h"

/// The layout of a .upgb file, shared by writer and reader.
///
///   offset 0   magic, 8 bytes
///          8   format version, u32
///         12   number of sections, u32
///         16   size of the file, u64
///         24   SHA-256 of everything else in the file, 32 bytes
///         56   section table: kind, offset, size (u32 each), kinds 0, 1, 2, ... without gaps
///              sections, in that order, each beginning where the one before it ends
///
/// Fixed numbers are little endian. Inside sections numbers are LEB128 in their shortest form, signed ones zigzag
/// first; ids are index + 1 (0: absent); lists are a count and their elements; records their fields in the order of
/// `fields`. The pools come first (PoolSection), then the plan's scalar fields, then the tables in the order of
/// Plan::tables.
namespace upg::plan {

inline constexpr std::string_view bytecode_magic{"UPGB\r\n\x1a\n", 8};
inline constexpr std::uint32_t bytecode_version = 3;
inline constexpr std::size_t bytecode_limit = 256u << 20;

namespace layout {
inline constexpr std::size_t version = 8, section_count = 12, file_size = 16, digest = 24, digest_size = 32, table = 56,
                             entry = 12;
}

enum class PoolSection : std::uint8_t { strings, integers, nodes, source_map, scalars, count_ };

/// Number of sections in a file of this version.
std::size_t section_count();

/// SHA-256 in hex over the bytes of a plan file without the digest field itself: what the header must say. Empty if
/// there is no header.
std::string digest_hex(std::string_view file_bytes);

/// What can be said about a file without reading it: does it begin like a plan, which version and digest does it claim
/// (none if it ends inside its header).
struct Header {
  bool is_plan = false;
  std::uint32_t version = 0;
  std::uint64_t size = 0;
  std::string digest;  // hex, as the file claims
};
Header peek(std::string_view file_bytes);

/// Puts the right digest into a file whose bytes were changed. For tests and the fuzzer; no tool calls it.
void seal(std::string &file_bytes);

/// SHA-256 of any bytes, in hex.
std::string sha256_hex(std::string_view bytes);

}  // namespace upg::plan
