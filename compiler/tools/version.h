#pragma once
#include <string>

namespace upg::tools {

/// "upgc 0.1.0": what goes into a plan as its compiler.
std::string compiler_version();

/// "0.1.0"
std::string program_version();

/// What `--version` prints: program, plan format, build.
std::string version_text();

}  // namespace upg::tools
