#pragma once
#include "compiler/sema/evaluate.h"

namespace upg::sema {

/// The role with a `boot` item; reports a second one, and `awaits boot` if there is none.
void find_alive(Resolver &resolver);
/// Policies, gates, probes, votes of every role; needs the site.
void settle_roles(Resolver &resolver);
/// `on boot` and `while` of states, order, rank and command lines.
void settle_rules(Resolver &resolver);

}  // namespace upg::sema
