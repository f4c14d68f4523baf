#pragma once
#include <string>
#include <vector>

#include "compiler/sema/program.h"

namespace upg::sema {

/// Folders that hold the standard library: those the user names, else UPG_STDLIB, else beside the installed program
/// (`program`: its path), else in the source tree that it was built in.
std::vector<std::string> library_paths(const std::vector<std::string> &named, const std::string &program);

/// Reads the entry file and every module that it uses, in order of first use, and checks the `use` lines.
/// False if the entry file cannot be read.
bool load_modules(Sources &sources, const Options &options, Sink &sink, Program &program);

/// The folder of a path as it is written, "" or ending with a slash.
std::string folder_of(const std::string &path);

}  // namespace upg::sema
