#pragma once
#include "compiler/tools/command.h"
#include "compiler/tools/command_line.h"

namespace upg::tools {

/// `upgc check --fix`: applies the sure fixes of FILE and of the modules beside it until none is left, writes all
/// changed files or none, tells what it changed and then what is still found. With `only_show` nothing is written: the
/// difference is printed, then what is found in the files as they are.
Exit fix_files(const PlanOptions &options, bool only_show);

}  // namespace upg::tools
