#pragma once
#include <string_view>

namespace upg::transport {

/// ssh/step.sh without its comments.
extern const std::string_view step_script;

}  // namespace upg::transport
