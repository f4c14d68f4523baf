#pragma once
#include <string_view>

#include "compiler/sema/resolve.h"

namespace upg::sema {

/// Enters every declaration of every module into its table and its module's names.
void declare_all(Program &program, Sink &sink);

/// Chooses the upgrade that is compiled and declares its parameters and secrets. False if there is none to compile.
bool choose_upgrade(Program &program, const Options &options, Sink &sink);

/// Types of parameters, results and params, once every name is known.
void declare_types(Resolver &resolver);

/// Whether the language gives the word a meaning of its own where values stand.
bool is_reserved(std::string_view name);

}  // namespace upg::sema
