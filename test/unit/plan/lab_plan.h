#pragma once
#include "runtime/plan/plan.h"

namespace upg::plan::testing {

/// Three Proxmox nodes upgraded one at a time: small enough to read, with a bit of everything a reviewer meets.
Plan lab_plan();

}  // namespace upg::plan::testing
