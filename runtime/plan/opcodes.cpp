#include "runtime/plan/opcodes.h"

#include <array>

namespace upg::plan {
namespace {
constexpr std::array<OpInfo, static_cast<std::size_t>(Op::count_)> kOps = {{
#define UPG_OP(name, category, a, b, children) {#name, Category::category, Immediate::a, Immediate::b, children},
#include "runtime/plan/opcodes.def"
}};
constexpr std::array<BuiltinInfo, static_cast<std::size_t>(Builtin::count_)> kBuiltins = {{
#define UPG_BUILTIN(name, spelling, least, most, signature, text) {spelling, least, most, signature, text},
#include "runtime/plan/builtins.def"
}};
}  // namespace

const OpInfo &info(Op op) { return kOps[static_cast<std::size_t>(op)]; }
bool fixed_children(const OpInfo &row) { return row.children.find_first_of("*?") == std::string_view::npos; }
const BuiltinInfo &info(Builtin builtin) { return kBuiltins[static_cast<std::size_t>(builtin)]; }

}  // namespace upg::plan
