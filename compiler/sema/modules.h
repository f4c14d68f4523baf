#pragma once
#include <string>
#include <vector>

#include "compiler/sema/program.h"

namespace upg::sema {

/// Folders that hold the standard library, in the order in which they are asked: what the user names, UPG_STDLIB,
/// beside the installed program (`program`: its path) and in the source tree that it was built in. Those that do not
/// exist are left out.
std::vector<std::string> library_paths(const std::vector<std::string> &named, const std::string &program);

/// Reads the entry file and every module that it uses, in order of first use, and checks the `use` lines.
/// False if the entry file cannot be read.
bool load_modules(Sources &sources, const Options &options, Sink &sink, Program &program);

/// The folder of a path as it is written, "" or ending with a slash.
std::string folder_of(const std::string &path);

}  // namespace upg::sema
