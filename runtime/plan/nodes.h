#pragma once
#include <cstdint>

#include "runtime/plan/enums.h"
#include "runtime/plan/ids.h"

/// Code of a plan: opcodes, nodes, and where they came from.
namespace upg::plan {

enum class Op : std::uint8_t {
#define UPG_OP(name, category, a, b, children) name,
#include "runtime/plan/opcodes.def"
  count_
};
enum class Builtin : std::uint8_t {
#define UPG_BUILTIN(name, spelling, least, most, signature, text) name,
#include "runtime/plan/builtins.def"
  count_
};

/// Place in one of the plan's own source files, half-open byte range. `file` is an index into Plan::files.
struct Span {
  std::uint32_t file = 0xffffffffu;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  bool operator==(const Span &) const = default;
  bool valid() const { return file != 0xffffffffu; }
};

/// One node of code. `a` and `b` mean what the opcode's row says; children are Plan::children[first, first + count).
struct Node {
  Op op = Op::block;
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};

}  // namespace upg::plan
