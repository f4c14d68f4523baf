#pragma once
#include <string_view>

namespace upg::transport {

/// ssh/fence.sh and ssh/step.sh, ssh/fence.sh and ssh/lock.sh; without their comments.
extern const std::string_view step_script;
extern const std::string_view lock_script;

}  // namespace upg::transport
