#include "compiler/tools/version.h"

#include <fmt/format.h>

#include "runtime/plan/bytecode.h"

namespace upg::tools {

std::string compiler_version() { return "upgc " UPG_VERSION; }

std::string program_version() { return UPG_VERSION; }

std::string version_text() {
  return fmt::format("{}\nplan format {}\nbuilt with {}\n", compiler_version(), plan::bytecode_version,
                     UPG_BUILD_COMPILER);
}

}  // namespace upg::tools
