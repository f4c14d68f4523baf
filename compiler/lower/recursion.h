#pragma once
#include "compiler/lower/context.h"

namespace upg::lower {

/// Reports declarations that need themselves, directly or through others, and chains of declarations that are too long;
/// true if there were any. Calls of procedures are judged where they are lowered.
bool report_recursion(Context &context);

}  // namespace upg::lower
