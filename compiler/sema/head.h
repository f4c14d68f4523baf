#pragma once
#include "compiler/sema/evaluate.h"

namespace upg::sema {

/// Versions, windows, exclusive names of the chosen upgrade.
void settle_head(Resolver &resolver);
/// Values of params: `-D name=value`, else the default.
void settle_params(Resolver &resolver, const Options &options);
/// `hosts x = ...`
void settle_host_sets(Resolver &resolver);
/// --limit; adds a text to Sources and a tree to the program.
void settle_limit(Resolver &resolver, Sources &sources, const Options &options);

}  // namespace upg::sema
